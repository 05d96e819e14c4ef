"""What a single order may cost."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck
from streams.checks.situation import Situation
from tidegate.domain.market import quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.terms import PerQuote
from tidegate.domain.verdict import Refusal

__all__ = ["order_notional"]


def order_notional(max_notional: PerQuote) -> ExecutionCheck:
    """Refuse an order that costs more than `max_notional` of its quote currency; closing ones may cost anything."""

    def check(signal: Signal, situation: Situation) -> Refusal | None:
        notional, allowed = situation.terms.notional, max_notional.of(quote_of(signal.symbol))
        if notional > allowed and not situation.closes(signal):
            return Refusal(Reason.NOTIONAL_LIMIT, measured=str(notional), limit=str(allowed))
        return None

    return check
