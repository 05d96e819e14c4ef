"""The terms of an order: how much, at what price, and what it sets aside. Pure functions of what is known now."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct
from msgspec.structs import replace

from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules, Quote, base_of, quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["Offer", "PerQuote", "Pricing", "Sizing", "Terms", "offer", "price_and_size"]

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


class Offer(Struct, frozen=True, gc=False):
    """What a symbol costs or brings now: the `price` in whole ticks of a limit order, None of a market order, and what
    is `expected` in the end; the `least` amount that may be ordered at that, and the amount that the sizing asks for.

    `bought` are the terms of an order that buys just that.
    """

    order_type: OrderType
    price: Decimal | None
    expected: Decimal
    least: Decimal
    by_sizing: Decimal
    bought: Terms | None


def offer(signal: Signal, quote: Quote, rules: MarketRules, sizing: Sizing, pricing: Pricing) -> Offer | Refusal:
    """What the market offers `signal`, or why there is no price. It is the same for all signals of a symbol and side
    that name neither a price nor a type of order.

    A signal's price is rounded to the nearest tick, the best price to the tick that still trades at once.
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
    offered = Offer(order_type, price, expected, least, by_sizing, None)
    return replace(offered, bought=_bought(offered, by_sizing, rules)) if buying else offered


def price_and_size(
    signal: Signal,
    offered: Offer,
    rules: MarketRules,
    account: Account,
    *,
    sell_holdings: bool = False,
    at_most: Decimal | None = None,
) -> Terms | Refusal:
    """The terms on which `signal` becomes an order of `account`, or why there are none: nothing to sell.

    They may still be too small for the venue, or too large for the account.

    Buying spends the sizing's notional, or buys the signal's quantity. Selling is closing: all that our trades hold of
    the symbol and no order is closing yet, or the signal's quantity. What is asked beyond that is cut off, and so is
    what is not free. With `sell_holdings` only the free balance bounds a sale, and where our trades hold too little to
    sell, the notional says how much. `at_most` is what an earlier attempt of the sale was for.

    Amounts are rounded down to whole lots. A market order sets 1 % more aside than its price asks.
    """
    quantity = signal.quantity
    if signal.side is Side.BUY:
        if quantity is None and offered.bought is not None:
            return offered.bought
        return _bought(offered, offered.by_sizing if quantity is None else quantity, rules)
    held = account.closable(signal.symbol)
    wanted = quantity or at_most or (offered.by_sizing if sell_holdings and held < offered.least else held)
    free = account.free(base_of(signal.symbol))
    closing = min(held, free)
    available = free if sell_holdings else closing
    if available < rules.lot:
        return Refusal(Reason.NO_POSITION, measured=str(available), limit=str(rules.lot))
    amount = rules.round_amount(min(wanted, available, at_most or wanted))
    cut_from = wanted if amount < wanted and amount < rules.round_amount(wanted) else None
    return Terms(
        offered.order_type,
        amount,
        offered.price,
        amount * offered.expected,
        amount,
        offered.least,
        cut_from,
        amount > closing,
    )


def _bought(offered: Offer, quantity: Decimal, rules: MarketRules) -> Terms:
    amount = rules.round_amount(quantity)
    notional = amount * offered.expected
    reserved = notional * (_ONE + rules.taker_fee)
    if offered.price is None:
        reserved *= _SLIPPAGE
    return Terms(offered.order_type, amount, offered.price, notional, reserved, offered.least)
