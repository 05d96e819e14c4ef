"""Follow the trend when it turns: a fast average crosses a slow one."""

from __future__ import annotations

from tidegate.domain.market import Candle
from tidegate.domain.signal import Side
from tidegate.strategies.idea import Idea, Strategy, relative_to_usual
from tidegate.strategies.indicators import Atr, Ema, require_periods

__all__ = ["trade_ema_cross"]

_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs as much as an indicator


def trade_ema_cross(*, fast: int = 12, slow: int = 26) -> Strategy:
    """Buy when the fast average of the closes crosses above the slow one, sell when it crosses below.

    Strength:    `d / (d + atr / 2)`, where `d` is how far the close is from the slow average and `atr` the average
                 true range over `slow` candles: 0.5 at half such a range.
    Confidence:  `v / (v + average)`, the candle's volume against its average over `slow` candles.
    Warm after:  `slow` candles: on which side the averages are then is noted, the next one may give an idea.
    Memory:      a dozen numbers.

    Raises:
        ValueError: a period is not a whole number of at least 1, or `fast` is not below `slow`.
    """
    require_periods(fast=fast, slow=slow)
    if fast >= slow:
        raise ValueError(f"fast must be below slow, was {fast} with slow {slow}")
    fast_average, slow_average = Ema(fast).update, Ema(slow).update
    usual_range, usual_volume = Atr(slow).update, Ema(slow).update
    side: Side | None = None

    def on_candle(candle: Candle) -> Idea | None:
        nonlocal side
        close = candle.close
        fast_ema, slow_ema = fast_average(close), slow_average(close)
        atr, volume = usual_range(candle.high, candle.low, close), usual_volume(candle.volume)
        if fast_ema is None or slow_ema is None or fast_ema == slow_ema:
            return None
        before, side = side, _BUY if fast_ema > slow_ema else _SELL
        if side is before or before is None or atr is None:
            return None
        return Idea(
            side,
            strength=relative_to_usual(abs(close - slow_ema), atr / 2),
            confidence=relative_to_usual(candle.volume, volume) if volume else None,
        )

    return on_candle
