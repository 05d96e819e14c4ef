"""The terms of an order: how much, at what price, and what it sets aside. Pure functions of what is known now."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from domain.account import Account
from domain.market import MarketRules, Quote, base_of, quote_of
from domain.reasons import Reason
from domain.signal import OrderType, Side, Signal
from domain.verdict import Refusal

__all__ = ["PerQuote", "Pricing", "Sizing", "Terms", "price_and_size"]

_SLIPPAGE = Decimal("1.01")
_ONE = Decimal(1)
_ZERO = Decimal(0)


class PerQuote(Struct, frozen=True):
    """An amount of money: one for each quote currency named, and a default for the others."""

    default: Decimal
    named: Mapping[str, Decimal] = {}

    def of(self, currency: str) -> Decimal:
        """The amount for a quote currency, in that currency."""
        return self.named.get(currency, self.default)


class Sizing(Struct, frozen=True):
    """`fixed_notional`: every order costs about this much, in its quote currency."""

    notional: PerQuote


class Pricing(Struct, frozen=True):
    """`best_opposite`: the price of whoever trades at once; a price that the signal names comes before it."""

    order_type: OrderType = OrderType.LIMIT


class Terms(Struct, frozen=True, gc=False):
    """What an order will say. `reserved` is in the currency it spends; `notional` is its cost in the quote currency."""

    order_type: OrderType
    amount: Decimal
    price: Decimal | None
    notional: Decimal
    reserved: Decimal


def price_and_size(
    signal: Signal, quote: Quote, rules: MarketRules, account: Account, sizing: Sizing, pricing: Pricing
) -> Terms | Refusal:
    """The terms on which `signal` becomes an order of `account`, or why it cannot.

    Buying spends the sizing's notional. Selling is closing: the whole lots that our trades hold of the symbol and no
    order is closing yet, else what the notional buys, and never more than the free holding. Amounts are rounded down
    to whole lots, a signal's price to the nearest tick, the best price to the tick that still trades at once. A market
    order sets 1 % more aside than that price asks.
    """
    buying = signal.side is Side.BUY
    best = quote.ask if buying else quote.bid
    order_type = signal.order_type or (OrderType.LIMIT if signal.price is not None else pricing.order_type)
    price = None
    if order_type is OrderType.LIMIT:
        at_once = rules.round_price(best, ROUND_CEILING if buying else ROUND_FLOOR)
        price = at_once if signal.price is None else rules.round_price(signal.price)
    expected = best if price is None else price
    if expected <= 0:
        return Refusal(Reason.BELOW_MINIMUM, measured=str(signal.price or best), limit=str(rules.tick))
    wanted = signal.quantity
    if wanted is None:
        wanted = rules.round_amount(account.closable(signal.symbol)) if not buying else _ZERO
        wanted = wanted or sizing.notional.of(quote_of(signal.symbol)) / expected
    if not buying:
        free = account.free(base_of(signal.symbol))
        if free < rules.lot:
            return Refusal(Reason.NO_POSITION, measured=str(free), limit=str(rules.lot))
        wanted = min(wanted, free)
    amount = rules.round_amount(wanted)
    notional = amount * expected
    if not amount or notional < rules.min_notional or amount < rules.min_amount:
        return Refusal(Reason.BELOW_MINIMUM, measured=str(notional), limit=str(rules.min_notional))
    if not buying:
        return Terms(order_type, amount, price, notional, amount)
    reserved = notional * (_ONE + rules.taker_fee)
    if price is None:
        reserved *= _SLIPPAGE
    free = account.free(quote_of(signal.symbol))
    if reserved > free:
        return Refusal(Reason.INSUFFICIENT_BALANCE, measured=str(free), limit=str(reserved))
    return Terms(order_type, amount, price, notional, reserved)
