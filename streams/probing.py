"""Whether a venue that failed several times in a row answers again: asked with a read, never with an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.availability import FOR_EVER, Availability
from tidegate.clock import Clock
from tidegate.domain.ports import Venue
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = ["Probing"]


class Probing:
    """Reads the balances of an account whose circuit opened, once its time is over, until an answer comes.

    Memory: one task for each such account.
    """

    def __init__(self, availability: Availability, venues: Mapping[str, Venue], *, clock: Clock) -> None:
        self._availability, self._venues, self._clock = availability, venues, clock
        self._stops: dict[str, Callable[[], object]] = {}

    def begin(self, trader: str) -> None:
        """Probe an account from now on, until it answers."""
        if trader in self._venues and trader not in self._stops:
            self._stops[trader] = self._clock.run(lambda: self._probe(trader), name=f"probe of {trader}")

    def stop(self) -> None:
        """Probe nothing any more."""
        for stop in list(self._stops.values()):
            stop()

    async def _probe(self, trader: str) -> None:
        availability, clock = self._availability, self._clock
        while (due_ns := availability.probe_due_ns(trader)) is not None and due_ns < FOR_EVER:
            if clock.now_ns() < due_ns:
                await clock.sleep_until(due_ns)
                continue  # it may have been banned meanwhile
            failed = None
            try:
                await self._venues[trader].balances()
            except Exception as error:  # whatever it is, it is no answer
                failed = Refusal(Reason.NO_ANSWER, measured=f"{type(error).__name__}: {error}")
            availability.report_probe(trader, clock.now_ns(), failed)
        self._stops.pop(trader, None)
