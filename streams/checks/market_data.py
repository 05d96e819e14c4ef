"""Without a fresh price nothing is sent."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal

__all__ = ["market_data"]


def market_data(max_age_s: float) -> ExecutionCheck:
    """Wait while there is no quote of the symbol, or while the newest is older than `max_age_s`. Measured in s."""
    max_age_ns = int(max_age_s * 1e9)

    def check(signal: Signal, situation: Situation) -> Wait | None:
        age_ns = situation.data_age_ns
        if age_ns is None:
            return Wait(Reason.NO_MARKET_DATA, measured=signal.symbol)
        if age_ns > max_age_ns:
            return Wait(Reason.STALE_MARKET_DATA, measured=age_ns / 1e9, limit=max_age_ns / 1e9)
        return None

    return check
