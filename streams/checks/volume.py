"""How much must be traded in a symbol."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.recent_candles import recent_candles
from streams.checks.situation import Situation
from tidegate.domain.market import quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.terms import PerQuote

__all__ = ["volume"]


def volume(least: PerQuote) -> ExecutionCheck:
    """Wait while the symbol's last closed candle traded less than `least`, in the quote currency, or is unknown.

    Its volume times its close: candles carry their volume in the base currency, and this is the usual estimate of what
    was paid for it.
    """

    def check(signal: Signal, situation: Situation) -> Wait | None:
        if situation.closes(signal):
            return None
        minimum = float(least.of(quote_of(signal.symbol)))
        known = recent_candles(signal, situation)
        if isinstance(known, str):
            return Wait(Reason.VOLUME_TOO_LOW, measured=known, limit=minimum)
        measured = known.quote_volume
        return Wait(Reason.VOLUME_TOO_LOW, measured=measured, limit=minimum) if measured < minimum else None

    return check
