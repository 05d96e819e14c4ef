"""How much the price may move from candle to candle."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.recent_candles import recent_candles
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal

__all__ = ["volatility"]


def volatility(maximum: float) -> ExecutionCheck:
    """Wait while the last returns of the symbol have a standard deviation above `maximum`, or are unknown.

    Per candle, as a fraction; the formula and its source are those of `CandleStatistics.volatility`.
    """

    def check(signal: Signal, situation: Situation) -> Wait | None:
        if situation.closes(signal):
            return None
        known = recent_candles(signal, situation)
        if isinstance(known, str):
            return Wait(Reason.TOO_VOLATILE, measured=known, limit=maximum)
        measured = known.volatility
        if measured is None:
            missing = f"{known.candles} of {known.count + 1} candles have closed"
            return Wait(Reason.TOO_VOLATILE, measured=missing, limit=maximum)
        return Wait(Reason.TOO_VOLATILE, measured=measured, limit=maximum) if measured > maximum else None

    return check
