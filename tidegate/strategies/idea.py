"""What a strategy is, and what it thinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from tidegate.domain.market import Candle
from tidegate.domain.signal import Side

__all__ = ["Idea", "Strategy", "relative_to_usual"]


class Idea(Struct, frozen=True, gc=False):
    """What a strategy thinks at the close of a candle: the side, and how strongly, 0 to 1.

    `confidence`, 0 to 1, is how far the market's activity bears it out; None where there is nothing to tell it from.
    """

    side: Side
    strength: float
    confidence: float | None = None


Strategy: TypeAlias = Callable[[Candle], Idea | None]
"""A rule for one symbol: takes each closed candle once, in order, and gives at most one idea for it.

One instance serves one symbol. Its state is its own, and its memory is bounded by its parameters.
"""


def relative_to_usual(value: float, usual: float) -> float:
    """Squash a value of 0 or more to 0 to 1: `value / (value + usual)`.

    It is 0.5 where the value is as usual, 0.75 at three times that, and 0 where both are 0.
    """
    return value / (value + usual) if value > 0 else 0.0
