"""Trade against an exaggeration once it gives way: the RSI comes back from an extreme."""

from __future__ import annotations

from math import sqrt

from tidegate.domain.market import Candle
from tidegate.domain.signal import Side
from tidegate.strategies.idea import Idea, Strategy, relative_to_usual
from tidegate.strategies.indicators import Ema, Rsi, require_periods

__all__ = ["trade_rsi_reversion"]

_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs as much as an indicator


def trade_rsi_reversion(*, period: int = 14, low: float = 30, high: float = 70) -> Strategy:
    """Buy when the RSI of the closes comes back up through `low`, sell when it comes back down through `high`.

    Up through `low` means: below it at the last candle, at or above it now.

    Strength:    `t / (t + 40 / √period)`, where `t` is by how many RSI points the index has turned from its extreme
                 beyond the level: 0.5 at a turn of 10.7 points for a period of 14.
    Confidence:  `v / (v + average)`, the candle's volume against its average over `period` candles.
    Warm after:  `period + 1` candles.
    Memory:      a dozen numbers.

    Raises:
        ValueError: `period` is not a whole number of at least 1, or not 0 < `low` < `high` < 100.
    """
    require_periods(period=period)
    if not 0 < low < high < 100:
        raise ValueError(f"low must be below high, both between 0 and 100, was {low} with high {high}")
    index, usual_volume = Rsi(period).update, Ema(period).update
    usual_turn = 40 / sqrt(period)
    due: Side | None = None  # what coming back from beyond a level will give
    extreme = 50.0

    def on_candle(candle: Candle) -> Idea | None:
        nonlocal due, extreme
        rsi, volume = index(candle.close), usual_volume(candle.volume)
        if rsi is None:
            return None
        before, due = due, _BUY if rsi < low else _SELL if rsi > high else None
        furthest = extreme
        if due is not before:
            extreme = rsi
        elif due is not None:
            extreme = min(extreme, rsi) if due is _BUY else max(extreme, rsi)
        if before is None or before is due:
            return None
        return Idea(
            before,
            strength=relative_to_usual(abs(rsi - furthest), usual_turn),
            confidence=relative_to_usual(candle.volume, volume) if volume else None,
        )

    return on_candle
