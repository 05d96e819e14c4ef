"""Follow the price out of the range it has kept to."""

from __future__ import annotations

from tidegate.domain.market import Candle
from tidegate.domain.signal import Side
from tidegate.strategies.idea import Idea, Strategy, relative_to_usual
from tidegate.strategies.indicators import Atr, Ema, Highest, Lowest, require_periods

__all__ = ["trade_breakout"]

_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs as much as an indicator


def trade_breakout(*, period: int = 20) -> Strategy:
    """Buy at a close above the highest high of the `period` candles before it, sell at one below their lowest low.

    Only the first close beyond gives an idea: the next one on that side needs a close that was not beyond between them.

    Strength:    `d / (d + atr / 4)`, where `d` is how far the close is beyond the level and `atr` the average true
                 range over `period` candles: 0.5 at a quarter of such a range.
    Confidence:  `v / (v + average)`, the candle's volume against its average over `period` candles.
    Warm after:  `period` candles: the next one may give an idea.
    Memory:      at most `2 * period` prices and a dozen numbers.

    Raises:
        ValueError: `period` is not a whole number of at least 1.
    """
    require_periods(period=period)
    highest_high, lowest_low = Highest(period).update, Lowest(period).update
    usual_range, usual_volume = Atr(period).update, Ema(period).update
    ceiling: float | None = None
    floor: float | None = None
    side: Side | None = None

    def on_candle(candle: Candle) -> Idea | None:
        nonlocal ceiling, floor, side
        close, top, bottom = candle.close, ceiling, floor
        ceiling, floor = highest_high(candle.high), lowest_low(candle.low)
        atr, volume = usual_range(candle.high, candle.low, close), usual_volume(candle.volume)
        if top is None or bottom is None or atr is None:
            return None
        before, side = side, _BUY if close > top else _SELL if close < bottom else None
        if side is None or side is before:
            return None
        beyond = close - top if side is _BUY else bottom - close
        return Idea(
            side,
            strength=relative_to_usual(beyond, atr / 4),
            confidence=relative_to_usual(candle.volume, volume) if volume else None,
        )

    return on_candle
