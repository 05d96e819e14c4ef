"""The money and the orders of one account on one venue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from msgspec import Struct

from tidegate.domain.market import MarketRules, base_of, quote_of
from tidegate.domain.order import Fill, OrderRequest
from tidegate.domain.signal import Side

__all__ = ["Account", "Balance", "Holding", "OpenOrder"]

_ZERO = Decimal(0)
_BUY, _SELL = Side.BUY, Side.SELL  # a name of the module costs an eighth of a member of an enum


class Balance(Struct, gc=False):
    """How much of a currency there is, and how much of it is set aside for open orders."""

    total: Decimal = _ZERO
    locked: Decimal = _ZERO

    @property
    def free(self) -> Decimal:
        """What may still be spent."""
        return self.total - self.locked


class Holding(Struct, gc=False):
    """What our own trades of a symbol hold; its cost, and the profit taken so far, in the quote currency.

    Fees are included. They count where they are taken: in the quote currency they raise the cost, in the base they
    lessen the amount; those in a third currency raise the cost by their value, where the trade says it. `least` is the
    smallest amount that could be sold when the symbol was last ordered; None where that was not recorded.
    """

    amount: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized: Decimal = _ZERO
    least: Decimal | None = None

    def is_dust(self, rules: MarketRules | None, price: Decimal | None) -> bool:
        """Whether it is too small to be sold: by the venue's rules at `price`, else as when it was last ordered."""
        least = self.least if rules is None or price is None else rules.least(price)
        return least is not None and self.amount < least


class OpenOrder(Struct, gc=False):
    """An order that is intended, in flight, unknown or open: its capital is set aside.

    `least` is the smallest amount that its venue takes, where that was recorded.
    """

    symbol: str
    side: Side
    amount: Decimal
    price: Decimal | None
    reserved: Decimal
    filled: Decimal = _ZERO
    trades: int = 0
    least: Decimal | None = None

    @property
    def currency(self) -> str:
        """The currency it spends."""
        return quote_of(self.symbol) if self.side is _BUY else base_of(self.symbol)

    @property
    def remaining(self) -> Decimal:
        """The amount that is not filled yet."""
        return self.amount - self.filled


class _AccountImage(Struct):
    balances: dict[str, Balance]
    holdings: dict[str, Holding]
    orders: dict[str, OpenOrder]
    put_in: dict[str, Decimal]
    fees: dict[str, Decimal]
    unvalued_fees: dict[str, Decimal]


class Account:
    """Balances, holdings and open orders of one trader.

    Capital is set aside with `reserve`, spent by `fill`, and what is left given back by `release`.

    By currency, `put_in` is what came in from outside, less what went out: all that our trades do not explain. `fees`
    is what trades cost so far, and `unvalued_fees` the part of it that is in no cost and no profit, since it was in a
    third currency whose rate was not known. Memory: currencies, symbols and open orders.
    """

    __slots__ = ("_closing", "_trades", "balances", "fees", "holdings", "orders", "put_in", "unvalued_fees")

    def __init__(self) -> None:
        self.balances: dict[str, Balance] = {}
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[str, OpenOrder] = {}
        self.put_in: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self.unvalued_fees: dict[str, Decimal] = {}
        self._closing: dict[str, Decimal] = {}
        self._trades: dict[str, int] = {}  # by symbol, and by the third currency of a fee

    def fund(self, balances: dict[str, Decimal]) -> None:
        """Put `balances` in, by currency."""
        for currency, amount in balances.items():
            self._balance(currency).total += amount
            self.put_in[currency] = self.put_in.get(currency, _ZERO) + amount

    def count(self, balances: dict[str, Decimal]) -> None:
        """Take over what a venue says there is, in all, of each currency that is named."""
        for currency, amount in balances.items():
            balance = self._balance(currency)
            self.put_in[currency] = self.put_in.get(currency, _ZERO) + amount - balance.total
            balance.total = amount

    def free(self, currency: str) -> Decimal:
        """What may still be spent of a currency."""
        balance = self.balances.get(currency)
        return balance.free if balance else _ZERO

    def held(self, symbol: str) -> Decimal:
        """The amount of the base currency that our own trades of `symbol` hold."""
        holding = self.holdings.get(symbol)
        return holding.amount if holding else _ZERO

    def closable(self, symbol: str) -> Decimal:
        """What of `held` no selling order of ours is closing yet."""
        return max(self.held(symbol) - self._closing.get(symbol, _ZERO), _ZERO)

    def moves(self) -> Counter[str]:
        """By currency, a number that changes whenever a trade is booked that changes its balance."""
        moves: Counter[str] = Counter()
        for traded, count in self._trades.items():
            moves[base_of(traded)] += count
            moves[quote_of(traded)] += count
        return moves

    def reserve(self, order: OrderRequest) -> bool:
        """Set the capital of an order aside, once for each order; returns whether it did."""
        order_id, symbol, side, reserved = order.client_order_id, order.symbol, order.side, order.reserved
        if order_id in self.orders:
            return False
        opened = OpenOrder(symbol, side, order.amount, order.price, reserved, _ZERO, 0, order.least)
        self.orders[order_id] = opened
        currency = quote_of(symbol) if side is _BUY else base_of(symbol)
        balance = self.balances.get(currency) or self._balance(currency)
        balance.locked += reserved
        if side is _SELL:
            self._close(symbol, opened.amount)
        return True

    def release(self, client_order_id: str) -> OpenOrder | None:
        """Give back what is still set aside for an order that is over or never was; returns the order it was."""
        order = self.orders.pop(client_order_id, None)
        if order is not None:
            if order.reserved:
                self._balance(order.currency).locked -= order.reserved
            if order.side is _SELL:
                self._close(order.symbol, -order.remaining)
        return order

    def fill(self, client_order_id: str, *fills: Fill) -> None:
        """Book trades of an open order: both currencies, the fee, the holding.

        Raises:
            KeyError: there is no such open order.
        """
        order = self.orders[client_order_id]
        symbol, buying, least = order.symbol, order.side is _BUY, order.least
        base, quote = base_of(symbol), quote_of(symbol)
        in_base = self.balances.get(base) or self._balance(base)
        in_quote = self.balances.get(quote) or self._balance(quote)
        spending = in_quote if buying else in_base
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding()
        if least is not None:
            holding.least = least
        self._trades[symbol] = self._trades.get(symbol, 0) + 1
        for fill in fills:
            amount, fee, paid_in = fill.amount, fill.fee, fill.fee_currency
            remaining, cost, reserved = order.amount - order.filled, amount * fill.price, order.reserved
            fee_in_base = fee if paid_in == base else _ZERO
            fee_in_quote = fee if paid_in == quote else _ZERO
            fee_value = _ZERO
            if paid_in != base and paid_in != quote:
                self._balance(paid_in).total -= fee
                self._trades[paid_in] = self._trades.get(paid_in, 0) + 1
                fee_value = self._value_of(fill)
            if fee:
                self.fees[paid_in] = self.fees.get(paid_in, _ZERO) + fee
            if buying:
                spent = cost + fee_in_quote
                gained = amount - fee_in_base
                in_base.total += gained
                in_quote.total -= spent
                holding.amount += gained
                holding.cost += spent + fee_value
            else:
                spent = amount + fee_in_base
                gained = cost - fee_in_quote
                in_base.total -= spent
                in_quote.total += gained
                closed = min(spent, holding.amount)
                if closed:
                    paid = holding.cost * closed / holding.amount
                    holding.realized += (gained - fee_value) * closed / spent - paid
                    holding.amount -= closed
                    holding.cost -= paid
                self._close(symbol, -min(amount, remaining))
            # What is spent is unlocked, not a share of it: a division would leave a rest in the locked sum.
            unlocked = reserved if amount >= remaining else min(spent, reserved)
            order.reserved = reserved - unlocked
            spending.locked -= unlocked
            order.filled += amount
            order.trades += 1

    def without(self, client_order_ids: Iterable[str]) -> Account:
        """A copy in which these orders, of which nothing was filled, were never reserved."""
        copy = Account()
        copy.balances = {currency: Balance(b.total, b.locked) for currency, b in self.balances.items()}
        copy.holdings, copy.orders, copy._closing = self.holdings, dict(self.orders), dict(self._closing)
        copy.put_in, copy.fees, copy.unvalued_fees = self.put_in, self.fees, self.unvalued_fees
        for order_id in client_order_ids:
            copy.release(order_id)
        return copy

    def image(self) -> bytes:
        """The whole account as JSON, for a snapshot."""
        image = _AccountImage(self.balances, self.holdings, self.orders, self.put_in, self.fees, self.unvalued_fees)
        return msgspec.json.encode(image)

    @classmethod
    def from_image(cls, image: bytes) -> Account:
        """The account an `image` was taken of."""
        read = msgspec.json.decode(image, type=_AccountImage)
        account = cls()
        account.balances, account.holdings, account.orders = read.balances, read.holdings, read.orders
        account.put_in, account.fees, account.unvalued_fees = read.put_in, read.fees, read.unvalued_fees
        for order in account.orders.values():
            if order.side is _SELL:
                account._close(order.symbol, order.remaining)
        return account

    def _value_of(self, fill: Fill) -> Decimal:
        """What a fee in a third currency adds to cost: its value, or nothing where that is not known."""
        if fill.fee_in_quote is not None:
            return fill.fee_in_quote
        if fill.fee:
            self.unvalued_fees[fill.fee_currency] = self.unvalued_fees.get(fill.fee_currency, _ZERO) + fill.fee
        return _ZERO

    def _close(self, symbol: str, amount: Decimal) -> None:
        """Sales of a symbol are closing that much more of it."""
        self._closing[symbol] = self._closing.get(symbol, _ZERO) + amount

    def _balance(self, currency: str) -> Balance:
        balance = self.balances.get(currency)
        if balance is None:
            balance = self.balances[currency] = Balance()
        return balance
