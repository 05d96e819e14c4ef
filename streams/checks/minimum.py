"""Venues take no order below a least amount and a least cost."""

from __future__ import annotations

from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Refusal

__all__ = ["minimum"]


def minimum(_: Signal, situation: Situation) -> Refusal | None:
    """Refuse an order that is smaller than its venue takes. Measured and limit are costs, in the quote currency."""
    terms, rules = situation.terms, situation.rules
    if not terms.amount or terms.notional < rules.min_notional or terms.amount < rules.min_amount:
        return Refusal(Reason.BELOW_MINIMUM, measured=str(terms.notional), limit=str(rules.min_notional))
    return None
