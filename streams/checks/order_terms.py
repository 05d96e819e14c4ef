"""How much, and at what price: what an order would say."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck
from streams.checks.situation import Situation
from tidegate.domain.signal import Side, Signal
from tidegate.domain.terms import Pricing, Sizing, price_and_size
from tidegate.domain.verdict import Refusal

__all__ = ["order_terms"]


def order_terms(sizing: Sizing, pricing: Pricing) -> ExecutionCheck:
    """Work the terms out, by `price_and_size`; refuse where there is nothing to sell, or no price in whole ticks.

    Another attempt of a sale asks for no more than the first did.
    """

    def check(signal: Signal, situation: Situation) -> Refusal | None:
        quote, first = situation.quote, situation.entry.first
        if quote is None:
            raise LookupError(f"{signal.symbol} has no price")
        at_most = first.amount if first is not None and signal.side is Side.SELL else None
        terms = price_and_size(signal, quote, situation.rules, situation.account, sizing, pricing, at_most=at_most)
        if isinstance(terms, Refusal):
            return terms
        situation.terms, situation.own_coins = terms, terms.own_coins
        return None

    return check
