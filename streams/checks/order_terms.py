"""How much, and at what price: what an order would say."""

from __future__ import annotations

from typing import TypeAlias

from streams.checks.check import ExecutionCheck
from streams.checks.situation import Situation
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.signal import Side, Signal
from tidegate.domain.terms import Offer, Pricing, Sizing, offer, price_and_size
from tidegate.domain.verdict import Refusal

__all__ = ["order_terms"]

_Kept: TypeAlias = tuple[Quote, MarketRules, Offer | Refusal]


def order_terms(sizing: Sizing, pricing: Pricing) -> ExecutionCheck:
    """Work the terms out, by `price_and_size`; refuse where there is nothing to sell, or no price in whole ticks.

    Another attempt of a sale asks for no more than the first did. Memory: the newest offer of each symbol and side.
    """
    buying: dict[str, _Kept] = {}
    selling: dict[str, _Kept] = {}

    def check(signal: Signal, situation: Situation) -> Refusal | None:
        quote, rules, first = situation.quote, situation.rules, situation.entry.first
        if quote is None:
            raise LookupError(f"{signal.symbol} has no price")
        if signal.price is None and signal.order_type is None:
            offers = buying if signal.side is Side.BUY else selling
            kept = offers.get(signal.symbol)
            if kept is None or kept[0] is not quote or kept[1] is not rules:
                kept = offers[signal.symbol] = (quote, rules, offer(signal, quote, rules, sizing, pricing))
            offered = kept[2]
        else:
            offered = offer(signal, quote, rules, sizing, pricing)
        if isinstance(offered, Refusal):
            return offered
        at_most = first.amount if first is not None and signal.side is Side.SELL else None
        own = sizing.sell_holdings
        terms = price_and_size(signal, offered, rules, situation.account, sell_holdings=own, at_most=at_most)
        if isinstance(terms, Refusal):
            return terms
        situation.terms, situation.own_coins = terms, terms.own_coins
        return None

    return check
