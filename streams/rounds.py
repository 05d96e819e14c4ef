"""When the journal is compared with the venues, and who is told what differed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from clock import Clock
from domain.difference import Difference, Kind
from domain.errors import VenueUnavailable
from domain.ports import Venue
from streams.reconciliation import Reconciliation

__all__ = ["Rounds"]

_QUIET = frozenset({Kind.CHANGED, Kind.BALANCE})
_TURNED_UP = frozenset({Kind.FOUND, Kind.REOPENED})
_FIRST_S = 5.0
_SOON_S = 1.0
_LOOK_AGAIN_S = 0.05


class Rounds:
    """Reconciles every account at the start, after that every `every_s`, and when asked.

    An account that could not be compared is tried again after 5 s, later each time, at most after `every_s`. One on
    which an order turned up is compared again after a second: its balances may have been counted with that order's
    trades. What differs beyond the ordinary course of trading is told once, through `alarm`. `compared` is called with
    every account that was compared, once what that brought is committed and its balances are known.
    Memory: what was told, and one task for each account.
    """

    def __init__(
        self,
        reconciliation: Reconciliation,
        venues: Sequence[Venue],
        *,
        clock: Clock,
        every_s: float,
        alarm: Callable[[str, Exception], None],
        committed: Callable[[], Awaitable[None]],
        compared: Callable[[str], None],
    ) -> None:
        self._reconciliation, self._venues = reconciliation, venues
        self._clock, self._every_s = clock, every_s
        self._alarm, self._committed, self._compared = alarm, committed, compared
        self._told: set[tuple[str, Kind, str]] = set()
        self._comparing: set[str] = set()
        self._stops: list[Callable[[], object]] = []

    def start(self) -> None:
        """Begin: the first round starts at once."""
        for venue in self._venues:
            self._stops.append(
                self._clock.run(partial(self._rounds, venue), name=f"reconciliation with {venue.trader}")
            )

    def stop(self) -> None:
        """No further round."""
        for stop in self._stops:
            stop()

    async def ask(self, *, settle: bool) -> tuple[Sequence[Difference], Sequence[str]]:
        """Compare every account now: what differs, and which accounts could not be compared, with the reason."""
        differences: list[Difference] = []
        unavailable: list[str] = []
        for venue in self._venues:
            try:
                differences += await self._compare(venue, settle=settle)
            except VenueUnavailable as error:
                unavailable.append(f"{venue.trader}: {error}")
        return differences, unavailable

    async def _rounds(self, venue: Venue) -> None:
        again_s = _FIRST_S
        while True:
            try:
                differences = await self._compare(venue, settle=True)
                turned_up = any(found.settled and found.kind in _TURNED_UP for found in differences)
                again_s, wait_s = _FIRST_S, _SOON_S if turned_up else self._every_s
            except Exception as error:  # whatever it is, the next round comes
                self._alarm(f"reconciliation with {venue.trader}", error)
                wait_s, again_s = min(again_s, self._every_s), again_s * 2
            await self._clock.sleep(wait_s)

    async def _compare(self, venue: Venue, *, settle: bool) -> Sequence[Difference]:
        while venue.trader in self._comparing:
            await self._clock.sleep(_LOOK_AGAIN_S)
        self._comparing.add(venue.trader)
        try:
            differences = await self._reconciliation.compare(venue, settle=settle)
        finally:
            self._comparing.discard(venue.trader)
        if settle:
            await self._committed()
            if self._reconciliation.knows_balances(venue.trader):
                self._compared(venue.trader)
            for difference in differences:
                self._tell(difference)
        return differences

    def _tell(self, difference: Difference) -> None:
        key = (difference.trader, difference.kind, difference.what)
        if difference.kind in _QUIET or key in self._told:
            return
        self._told.add(key)
        what = f"{difference.kind}: {difference.what}: ours {difference.ours}, theirs {difference.theirs}"
        self._alarm(f"reconciliation with {difference.trader}", Exception(what))
