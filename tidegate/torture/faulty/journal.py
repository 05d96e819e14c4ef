"""Any journal, on a disk that a script makes fail and slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tidegate.domain import events as e
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.ports import CommitResults, Item, Journal, SignalHistory, Snapshot
from tidegate.torture.faulty.fault import VenueFaultKind
from tidegate.torture.faulty.points import OperationFailed
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["Disk", "FaultyJournal"]


class Disk:
    """What is counted over all the lives of a journal: its commits."""

    def __init__(self) -> None:
        self.commits = 0
        self.fails_until_ns = 0


class FaultyJournal:
    """Wraps `inner`: commits fail, or take long, as the world's script says; reading always works.

    `committed` is called after each commit.
    """

    def __init__(
        self, inner: Journal, world: FaultyWorld, disk: Disk, committed: Callable[[], None] = lambda: None
    ) -> None:
        self._inner, self._world, self._disk, self._committed = inner, world, disk, committed

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> CommitResults:
        """Commit a batch, unless the disk fails.

        Raises:
            JournalUnavailable: nothing was written.
        """
        world, disk = self._world, self._disk
        try:
            world.points.reach(_named(items))
        except OperationFailed as error:
            raise JournalUnavailable(str(error)) from error
        disk.commits += 1
        if (fails := world.due_fault(VenueFaultKind.DISK_FAILS, disk.commits)) is not None:
            disk.fails_until_ns = world.now_ns() + int(fails.seconds * 1e9)
        if (slow := world.due_fault(VenueFaultKind.DISK_SLOW, disk.commits)) is not None:
            await world.pause(slow.seconds)
        if world.now_ns() < disk.fails_until_ns:
            raise JournalUnavailable("the commit failed: database or disk is full")
        outcomes = await self._inner.commit(items, snapshots)
        self._committed()
        world.points.reach("committed", can_fail=False)
        return outcomes

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        return self._inner.head()

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest image of each part of the state."""
        return self._inner.snapshots()

    def read(self, after: int = 0) -> Iterator[e.Recorded]:
        """The events behind a position, oldest first."""
        return self._inner.read(after)

    def open(self) -> Iterator[SignalHistory]:
        """The signals that are not done, oldest first."""
        return self._inner.open()

    def history(self, number: int) -> SignalHistory:
        """One signal with its whole life."""
        return self._inner.history(number)

    def history_of_order(self, order_id: str) -> SignalHistory | None:
        """The signal that has an order of this id."""
        return self._inner.history_of_order(order_id)

    def received_since(self, at_ns: int) -> Iterator[SignalHistory]:
        """The signals received at `at_ns` or later, newest first."""
        return self._inner.received_since(at_ns)

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known."""
        return self._inner.find(ids)

    def close(self) -> None:
        """Close it."""
        self._inner.close()


def _named(items: Sequence[Item]) -> str:
    kinds = dict.fromkeys(e.kind_of(body) for item in items for body in item.bodies)
    return f"commit of {', '.join(kinds) or 'an image'}"
