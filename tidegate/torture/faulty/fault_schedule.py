"""Which mishap strikes the next of something on one account."""

from __future__ import annotations

from collections import Counter

from tidegate.torture.faulty.fault import OF_A_LISTING, OF_A_LOOKUP, OF_A_SEND, OF_AN_UPDATE, Kind, Mishap
from tidegate.torture.faulty.world import World

__all__ = ["Strikes"]

_TOGETHER = (OF_A_SEND, OF_A_LOOKUP, OF_A_LISTING, OF_AN_UPDATE)


class Strikes:
    """Counts sends, orders, questions and updates of an account. Memory: a number for each."""

    def __init__(self, world: World, trader: str) -> None:
        self._world, self._trader = world, trader
        self._count: Counter[Kind] = Counter()

    def next(self, *kinds: Kind) -> Mishap | None:
        """The mishap that strikes the next of what `kinds` can strike, if one does."""
        self._count[kinds[0]] += 1
        nth = self._count[kinds[0]]
        struck = (self._world.strike(kind, nth, self._trader) for kind in kinds)
        return next((mishap for mishap in struck if mishap is not None), None)

    def plan(self, kind: Kind, seconds: float) -> None:
        """Let a mishap strike the next of something."""
        first = next((kinds[0] for kinds in _TOGETHER if kind in kinds), kind)
        self._world.plan(Mishap(kind=kind, nth=self._count[first] + 1, seconds=seconds, trader=self._trader))
