"""How far apart the best bid and ask may be."""

from __future__ import annotations

from decimal import Decimal

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal

__all__ = ["spread"]

_BPS = 10_000


def spread(max_bps: Decimal) -> ExecutionCheck:
    """Wait while the spread at the account's venue is wider than `max_bps`, in basis points of the middle.

    (ask - bid) / ((ask + bid) / 2) * 10 000: the relative quoted spread of J. Hasbrouck, "Empirical Market
    Microstructure". Without a quote nothing is measured: `market_data` waits for one.
    """

    def check(signal: Signal, situation: Situation) -> Wait | None:
        quote = situation.quote
        if quote is None or situation.closes(signal):
            return None
        mid = quote.mid
        wide = (quote.ask - quote.bid) * _BPS
        if wide <= max_bps * mid:
            return None
        return Wait(Reason.SPREAD_TOO_WIDE, measured=float(wide / mid), limit=float(max_bps))

    return check
