"""How far the price may have moved against a signal before it is executed."""

from __future__ import annotations

from decimal import Decimal

from streams.checks.check import ExecutionCheck
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["drift"]

_BPS = 10_000


def drift(max_bps: Decimal) -> ExecutionCheck:
    """Refuse where the middle of the market followed moved more than `max_bps` against the trade.

    (mid - reference) / reference * 10 000 when buying, the negative of it when selling. The reference is the signal's
    own price, or where it names none the middle when it was received. This is the delay cost of A. Perold, "The
    Implementation Shortfall" (1988), in basis points. Where no reference is known, the signal is refused: what cannot
    be measured is not let through. A market that has no quote now is for `market_data` to wait for.
    """

    def check(signal: Signal, situation: Situation) -> Refusal | None:
        if situation.closes(signal):
            return None
        reference = situation.entry.mid if signal.price is None else signal.price
        if reference is None:
            said = "no price was known when it was received"
            return Refusal(Reason.PRICE_DRIFTED, measured=said, limit=float(max_bps))
        mid = situation.known.markets.mid(signal.symbol)
        if mid is None:
            return None
        against = (mid - reference if signal.side is Side.BUY else reference - mid) * _BPS
        if against <= max_bps * reference:
            return None
        return Refusal(Reason.PRICE_DRIFTED, measured=float(against / reference), limit=float(max_bps))

    return check
