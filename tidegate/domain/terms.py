"""The terms of an order: how much, at what price, and what it sets aside. Pure functions of what is known now."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules, Quote, base_of, quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["PerQuote", "Pricing", "Sizing", "Terms", "price_and_size"]

_SLIPPAGE = Decimal("1.01")
_ONE = Decimal(1)


class PerQuote(Struct, frozen=True):
    """An amount of money: one for each quote currency named, and a default for the others."""

    default: Decimal
    named: Mapping[str, Decimal] = {}

    def of(self, currency: str) -> Decimal:
        """The amount for a quote currency, in that currency."""
        return self.named.get(currency, self.default)


class Sizing(Struct, frozen=True):
    """`fixed_notional`: every order costs about this much, in its quote currency.

    With `sell_holdings` a sale may go beyond what our trades hold, to the coins that the account has otherwise.
    """

    notional: PerQuote
    sell_holdings: bool = False


class Pricing(Struct, frozen=True):
    """`best_opposite`: the price at which it trades at once; a price that the signal names comes before it."""

    order_type: OrderType = OrderType.LIMIT


class Terms(Struct, frozen=True, gc=False):
    """What an order will say. `reserved` is in the currency it spends; `notional` is its cost in the quote currency.

    `least`, `cut_from` and `own_coins` are those of `OrderRequest`.
    """

    order_type: OrderType
    amount: Decimal
    price: Decimal | None
    notional: Decimal
    reserved: Decimal
    least: Decimal
    cut_from: Decimal | None = None
    own_coins: bool = False


def price_and_size(
    signal: Signal,
    quote: Quote,
    rules: MarketRules,
    account: Account,
    sizing: Sizing,
    pricing: Pricing,
    *,
    at_most: Decimal | None = None,
) -> Terms | Refusal:
    """The terms on which `signal` becomes an order of `account`, or why there are none: nothing to sell, or no price.

    They may still be too small for the venue, or too large for the account.

    Buying spends the sizing's notional, or buys the signal's quantity. Selling is closing: all that our trades hold of
    the symbol and no order is closing yet, or the signal's quantity. What is asked beyond that is cut off, and so is
    what is not free. With `sell_holdings` only the free balance bounds a sale, and where our trades hold too little to
    sell, the notional says how much. `at_most` is what an earlier attempt of the sale was for.

    Amounts are rounded down to whole lots, a signal's price to the nearest tick, the best price to the tick that still
    trades at once. A market order sets 1 % more aside than that price asks.
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
    least = rules.least(expected)
    by_sizing = sizing.notional.of(quote_of(signal.symbol)) / expected
    sale: _Sale | None = None
    if buying:
        amount = rules.round_amount(by_sizing if signal.quantity is None else signal.quantity)
    else:
        held = account.closable(signal.symbol)
        wanted = signal.quantity or at_most or (by_sizing if sizing.sell_holdings and held < least else held)
        free = account.free(base_of(signal.symbol))
        bounded = _bounded(wanted, at_most, held, free, rules, own=sizing.sell_holdings)
        if isinstance(bounded, Refusal):
            return bounded
        sale, amount = bounded, bounded.amount
    notional = amount * expected
    if sale is not None:
        return Terms(order_type, amount, price, notional, amount, least, sale.cut_from, sale.own_coins)
    reserved = notional * (_ONE + rules.taker_fee)
    if price is None:
        reserved *= _SLIPPAGE
    return Terms(order_type, amount, price, notional, reserved, least)


class _Sale(Struct, frozen=True, gc=False):
    """How much is sold in whole lots; the other two are those of `OrderRequest`."""

    amount: Decimal
    cut_from: Decimal | None
    own_coins: bool


def _bounded(
    wanted: Decimal, at_most: Decimal | None, held: Decimal, free: Decimal, rules: MarketRules, *, own: bool
) -> _Sale | Refusal:
    closing = min(held, free)
    available = free if own else closing
    if available < rules.lot:
        return Refusal(Reason.NO_POSITION, measured=str(available), limit=str(rules.lot))
    amount = rules.round_amount(min(wanted, available, at_most or wanted))
    return _Sale(amount, wanted if amount < rules.round_amount(wanted) else None, own_coins=amount > closing)
