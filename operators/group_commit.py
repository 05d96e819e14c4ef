"""Group commit: everything that happens is committed to the journal here, in groups, before it counts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct
from reactivex import Subject

from operators.transitions import Transitions
from tidegate.clock import Clock
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.events import Recorded
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import CommitResults, Committed, Conflict, Item, ItemRefused, Journal
from tidegate.domain.signal import Receipt, Reply

__all__ = ["CommitResult", "GroupCommit"]

_T = TypeVar("_T")

CommitResult: TypeAlias = Committed | Conflict | ItemRefused | JournalUnavailable

OnDone: TypeAlias = Callable[[Sequence[_T], Sequence[CommitResult]], None]

_RETRY_FIRST_S, _RETRY_LAST_S = 0.1, 5.0
_IMAGE_BYTES_PER_EVENT = 64
_MANY = 64


class _Batch(Struct, gc=False):
    """Neighbours that share one call of `on_done`."""

    items: list[Item]
    contexts: list[object]
    on_done: OnDone[Any] | None  # of the contexts' own type
    must: bool


_Written: TypeAlias = tuple[Sequence[_Batch], Sequence[Item], CommitResults]


class GroupCommit:
    """Commits in groups: everything that arrives while a commit is under way goes into the next one. If much waits, the
    next one begins before the callbacks of the last.

    `committed` carries the events of each commit, as a sequence, before the callbacks. It errors if one of its
    subscribers or a callback raises: then nothing is committed any more. An item is refused if its events cannot be
    encoded, or cannot follow those before it, by `outcome_of` its signal and by what is queued: `refused` carries it
    with the reason, and the others of its group are committed. After a failed commit, items that `must` be recorded are
    retried until they are, the oldest first; the callbacks of the others get the error. An image of the state is
    written every `image_every` events, or less often if it is large: it adds 64 bytes to an event. Memory: what is
    submitted and not committed; `admit` bounds it by `depth`.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock,
        group_max: int,
        images: Callable[[], Mapping[str, bytes]],
        outcome_of: Callable[[int], Outcome | None],
        image_every: int = 4096,
    ) -> None:
        self.committed: Subject[Sequence[Recorded]] = Subject()
        self.refused: Subject[tuple[Item, str]] = Subject()
        self.failing: JournalUnavailable | None = None
        self._journal, self._clock, self._group_max = journal, clock, group_max
        self._images, self._image_every = images, image_every
        self._image_due_at = journal.head() + image_every
        self._transitions = Transitions(outcome_of)
        self._pending: deque[_Batch] = deque()
        self._depth = self._queued = 0
        self._delay_s = _RETRY_FIRST_S
        self._running = False
        self._task: asyncio.Task[None] | None = None  # the loop itself keeps no hold of it
        self._idle: list[Callable[[], None]] = []

    def depth(self) -> int:
        """How many items are submitted and not committed."""
        return self._depth

    def outcome(self, number: int) -> Outcome | None:
        """What a signal will be once everything submitted is committed; None if it is done, and stays so."""
        return self._transitions.outcome(number, [i for b in self._pending for i in b.items if i.number == number])

    def submit(
        self, item: Item, on_done: OnDone[_T] | None = None, context: _T | None = None, *, must: bool = False
    ) -> None:
        """Commit an item, then call `on_done(contexts, results)`. Only from the loop's own thread.

        Neighbours in one commit with the same `on_done` share one call.
        """
        self.submit_all((item,), on_done, (context,), must=must)  # type: ignore[arg-type]  # no callback, no context

    def submit_all(
        self, items: Sequence[Item], on_done: OnDone[_T] | None, contexts: Sequence[_T], *, must: bool = False
    ) -> None:
        """Commit independent items, each with its context: as if each was submitted, in this order."""
        pending = self._pending
        self._depth += len(items)
        self._queued += len(items)
        if pending and pending[-1].on_done == on_done and pending[-1].must is must:
            pending[-1].items.extend(items)
            pending[-1].contexts.extend(contexts)
        else:
            pending.append(_Batch(list(items), list(contexts), on_done, must))
        if not self._running:
            self._running = True
            self._clock.call_soon(self._start)

    def when_idle(self, then: Callable[[], None]) -> None:
        """Call `then` once nothing is left to commit."""
        if self._running:
            self._idle.append(then)
        else:
            then()

    def take_image(self) -> None:
        """Write an image of the state with the next commit, which saves the next start some work."""
        self._image_due_at = 0

    def notify(self, reply: Reply, receipt: Receipt) -> None:
        """Give a sender its receipt. What its reply raises goes to the loop's exception handler."""
        try:
            reply(receipt)
        except Exception as error:
            self._clock.loop.call_exception_handler({"message": "exception in a reply", "exception": error})

    def _start(self) -> None:
        self._task = self._clock.loop.create_task(self._run(), name="group commit")

    async def _run(self) -> None:
        following: asyncio.Task[_Written | None] | None = None
        try:
            while self._pending or following is not None:
                written = await (following or self._commit_group())
                following = None
                if written is None:
                    continue
                if self._queued >= _MANY and self._journal.head() < self._image_due_at:
                    following = self._clock.loop.create_task(self._commit_group(), name="group commit")
                    await asyncio.sleep(0)  # so that it is under way while the last one is folded
                self._believe(*written)
                await asyncio.sleep(0)
        except Exception as error:  # a bug, or an impossible fold: nothing may count any more
            self.committed.on_error(error)
            return
        except asyncio.CancelledError:  # from outside: what is under way may be recorded or not, a restart shows which
            self.committed.on_error(JournalUnavailable("recording was cancelled"))
            raise
        self._running = False
        idle, self._idle = self._idle, []
        for then in idle:
            then()

    async def _commit_group(self) -> _Written | None:
        group = self._next_group()
        items = group[0].items if len(group) == 1 else [item for batch in group for item in batch.items]
        self._queued -= len(items)
        why_not = self._transitions.begin(items)
        legal = [item for place, item in enumerate(items) if place not in why_not] if why_not else items
        try:
            results = await self._journal.commit(legal, self._snapshots()) if legal else ()
        except JournalUnavailable as error:
            self._transitions.give_up()
            await self._failed(group, error)
            return None
        if why_not:
            of_legal = iter(results)
            results = [
                ItemRefused(why_not[place]) if place in why_not else next(of_legal) for place in range(len(items))
            ]
        return group, items, results

    async def _failed(self, group: Sequence[_Batch], error: JournalUnavailable) -> None:
        self.failing = error
        for batch in reversed(group):
            if batch.must:
                self._pending.appendleft(batch)
                self._queued += len(batch.items)
        for batch in group:
            if not batch.must:
                self._depth -= len(batch.items)
                if batch.on_done is not None:
                    batch.on_done(batch.contexts, [error] * len(batch.items))
        if self._pending:
            await asyncio.sleep(self._delay_s)
            self._delay_s = min(self._delay_s * 2, _RETRY_LAST_S)

    def _believe(self, group: Sequence[_Batch], items: Sequence[Item], results: CommitResults) -> None:
        self.failing, self._delay_s = None, _RETRY_FIRST_S
        self._depth -= len(items)
        self._transitions.believe()
        events: list[Recorded] = []
        refused: list[tuple[Item, str]] = []
        for item, result in zip(items, results, strict=True):
            if type(result) is Committed:
                events += result.events
            elif type(result) is ItemRefused:
                refused.append((item, result.why))
        self.committed.on_next(events)
        for item_and_why in refused:
            self.refused.on_next(item_and_why)
        done = 0
        for batch in group:
            if batch.on_done is not None:
                batch.on_done(batch.contexts, results[done : done + len(batch.items)])
            done += len(batch.items)

    def _next_group(self) -> Sequence[_Batch]:
        if self._queued <= self._group_max:
            group, self._pending = self._pending, deque()
            return group
        group, room = deque(), self._group_max
        while room:
            batch = self._pending.popleft()
            if len(batch.items) > room:
                rest = _Batch(batch.items[room:], batch.contexts[room:], batch.on_done, batch.must)
                self._pending.appendleft(rest)
                batch = _Batch(batch.items[:room], batch.contexts[:room], batch.on_done, batch.must)
            group.append(batch)
            room -= len(batch.items)
        return group

    def _snapshots(self) -> Mapping[str, bytes]:
        head = self._journal.head()
        if head < self._image_due_at:
            return {}
        images = self._images()
        size = sum(map(len, images.values()))
        self._image_due_at = head + max(self._image_every, size // _IMAGE_BYTES_PER_EVENT)
        return images
