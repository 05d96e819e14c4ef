"""When the journal is compared with the venues, and which differences are reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Never

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from streams.availability import Availability
from streams.reconciliation import Comparison, Reconciliation
from tidegate.clock import Clock
from tidegate.domain.difference import Difference, DifferenceKind
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.events import Differed
from tidegate.domain.ports import Venue

__all__ = ["ReconciliationSchedule", "reconcile"]

_QUIET = frozenset({DifferenceKind.CHANGED, DifferenceKind.BALANCE})
_FAILED_FIRST_S = 5.0
_SOON_FIRST_S = 1.0
_LOOK_AGAIN_S = 0.05
_LOOKS_MAX = 4
_NAMED_MAX = 5


class ReconciliationSchedule:
    """Reconciles every account at the start, after that every `every_s`, and when asked.

    An account of which something could not be read is tried again after 5 s, one on which something was in motion, or
    was booked only now, after 1 s; later each time, at most after `every_s`. Differences beyond the ordinary course of
    trading go to `differed`, each once; what could not be read, and what raised, goes to `fault`. `compared` is called
    with every account that was compared, once the result is committed and every part of the account was compared since
    the start; `failed` with every account of which something could not be read, and what.
    Memory: the differences that were reported, and one task for each account.
    """

    def __init__(
        self,
        reconciliation: Reconciliation,
        venues: Sequence[Venue],
        *,
        clock: Clock,
        every_s: float,
        fault: Callable[[str, Exception], None],
        differed: Callable[[Differed], None],
        committed: Callable[[], Awaitable[None]],
        compared: Callable[[str], None],
        failed: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._reconciliation, self._venues = reconciliation, venues
        self._clock, self._every_s = clock, every_s
        self._fault, self._differed, self._committed = fault, differed, committed
        self._compared, self._failed = compared, failed
        self._reported: set[tuple[str, DifferenceKind, str]] = set()
        self._comparing: set[str] = set()
        self._stops: list[Callable[[], object]] = []

    @property
    def traders(self) -> Sequence[str]:
        """The accounts that are compared."""
        return [venue.trader for venue in self._venues]

    def start(self) -> None:
        """Begin: the first round starts once everything submitted so far is committed."""
        for venue in self._venues:
            self._stops.append(
                self._clock.run(
                    partial(self._reconciliation_schedule, venue), name=f"reconciliation with {venue.trader}"
                )
            )

    def stop(self) -> None:
        """No further round."""
        for stop in self._stops:
            stop()

    async def ask(self, *, apply: bool) -> tuple[Sequence[Difference], Sequence[str]]:
        """Compare every account now: what differs, and what of which account could not be read, with the reason.

        What was in motion is looked at again, for a few seconds.
        """
        differences: list[Difference] = []
        unread: list[str] = []
        for venue in self._venues:
            applied: list[Difference] = []
            for look in range(_LOOKS_MAX):
                if look:
                    await self._clock.sleep(_SOON_FIRST_S)
                comparison = await self._compare(venue, apply=apply)
                applied += [found for found in comparison.differences if found.applied]
                if not comparison.in_motion:
                    break
            differences += applied
            differences += [found for found in comparison.differences if not found.applied]
            unread += [f"{venue.trader}: {part}" for part in comparison.missing]
        return differences, unread

    async def adopt(self, order_id: str) -> bool:
        """Book an unexpected order that carries our mark. False: no account has one with this id."""
        await self.ask(apply=False)
        adopted = self._reconciliation.adopt(order_id)
        await self._committed()
        return adopted

    async def ignore(self, order_id: str) -> bool:
        """Leave an order out of account, for good. False: nothing differs by an order of this id."""
        differences, _ = await self.ask(apply=False)
        if not any(found.what == order_id and found.kind is not DifferenceKind.BALANCE for found in differences):
            return False
        self._reconciliation.ignore(order_id)
        await self._committed()
        return True

    async def _reconciliation_schedule(self, venue: Venue) -> None:
        failed_s, soon_s = _FAILED_FIRST_S, _SOON_FIRST_S
        await self._committed()
        while True:
            missing, in_motion = True, False
            try:
                comparison = await self._compare(venue, apply=True)
                missing, in_motion = bool(comparison.missing), comparison.in_motion
            except Exception as error:  # the next comparison comes anyway
                self._failed(venue.trader, str(error))
                self._fault(_name(venue.trader), error)
            wait_s = self._every_s
            if missing:
                wait_s, failed_s = min(failed_s, wait_s), failed_s * 2
            else:
                failed_s = _FAILED_FIRST_S
            if in_motion:
                wait_s, soon_s = min(soon_s, wait_s), soon_s * 2
            else:
                soon_s = _SOON_FIRST_S
            await self._clock.sleep(wait_s)

    async def _compare(self, venue: Venue, *, apply: bool) -> Comparison:
        trader = venue.trader
        while trader in self._comparing:
            await self._clock.sleep(_LOOK_AGAIN_S)
        self._comparing.add(trader)
        try:
            comparison = await self._reconciliation.compare(venue, apply=apply)
            if apply:
                await self._committed()
        finally:
            self._comparing.discard(trader)
        if apply:
            if self._reconciliation.is_complete(trader):
                self._compared(trader)
            if comparison.missing:
                self._failed(trader, "; ".join(comparison.missing))
                self._fault(_name(trader), VenueUnavailable(f"could not read {'; '.join(comparison.missing)}"))
            self._report(trader, comparison.differences)
        return comparison

    def _report(self, trader: str, differences: Sequence[Difference]) -> None:
        new: dict[DifferenceKind, list[Difference]] = {}
        for found in differences:
            key = (trader, found.kind, found.what)
            if found.kind not in _QUIET and key not in self._reported:
                self._reported.add(key)
                new.setdefault(found.kind, []).append(found)
        for kind, alike in new.items():
            if kind is not DifferenceKind.STRANGER:
                for found in alike:
                    self._differed(Differed.of((found,)))
            else:
                self._differed(Differed.of(tuple(alike[:_NAMED_MAX]), more=max(0, len(alike) - _NAMED_MAX)))


def reconcile(schedule: ReconciliationSchedule, availability: Availability) -> Observable[Never]:
    """Compare the journal with the venues, at once and on the schedule; until then no account takes an order.

    Emits when:      never: what differs is recorded.
    Completes when:  never.
    Errors when:     never.
    Memory:          that of the `schedule`. Unsubscribing ends it.
    """

    def subscribe(_: abc.ObserverBase[Never], __: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        for trader in schedule.traders:
            availability.await_reconciliation(trader)
        schedule.start()
        return Disposable(schedule.stop)

    return Observable(subscribe)


def _name(trader: str) -> str:
    return f"reconciliation with {trader}"
