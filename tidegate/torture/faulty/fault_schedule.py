"""Which fault applies to the next operation on one account."""

from __future__ import annotations

from collections import Counter

from tidegate.torture.faulty.fault import OF_A_LISTING, OF_A_LOOKUP, OF_A_SEND, OF_AN_UPDATE, VenueFault, VenueFaultKind
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["FaultSchedule"]

_TOGETHER = (OF_A_SEND, OF_A_LOOKUP, OF_A_LISTING, OF_AN_UPDATE)


class FaultSchedule:
    """Counts sends, orders, questions and updates of an account. Memory: a number for each."""

    def __init__(self, world: FaultyWorld, trader: str) -> None:
        self._world, self._trader = world, trader
        self._count: Counter[VenueFaultKind] = Counter()

    def next(self, *kinds: VenueFaultKind) -> VenueFault | None:
        """The fault due for the next operation, among `kinds`, if any."""
        self._count[kinds[0]] += 1
        nth = self._count[kinds[0]]
        struck = (self._world.due_fault(kind, nth, self._trader) for kind in kinds)
        return next((venue_fault for venue_fault in struck if venue_fault is not None), None)

    def plan(self, kind: VenueFaultKind, seconds: float) -> None:
        """Apply a fault to the next operation of a kind."""
        first = next((kinds[0] for kinds in _TOGETHER if kind in kinds), kind)
        self._world.plan(VenueFault(kind=kind, nth=self._count[first] + 1, seconds=seconds, trader=self._trader))
