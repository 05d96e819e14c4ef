"""The statistics of a symbol's candles, where they are those of the present."""

from __future__ import annotations

from streams.candle_statistics import CandleStatistics
from streams.checks.situation import Situation
from tidegate.domain.signal import Signal

__all__ = ["recent_candles"]


def recent_candles(signal: Signal, situation: Situation) -> CandleStatistics | str:
    """The statistics of the market followed, or what is missing for them: the last candle must have closed no more
    than two timeframes ago, by the wall clock."""
    found = situation.known.markets.statistics.get(signal.symbol)
    if found is None:
        return "no candle has closed yet"
    age_ns = situation.at_ns - found.closed_at_ns
    if age_ns > 2 * found.timeframe_ns:
        return f"no candle closed in the last {age_ns / 1e9:g} s"
    return found
