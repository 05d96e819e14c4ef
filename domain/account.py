"""The money and the orders of one account on one venue."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.market import base_of, quote_of
from domain.order import Fill, OrderRequest
from domain.signal import Side

__all__ = ["Account", "Balance", "Holding", "OpenOrder"]

_ZERO = Decimal(0)


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

    Fees count where they are taken: in the quote currency they raise the cost, in the base they lessen the amount.
    """

    amount: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized: Decimal = _ZERO


class OpenOrder(Struct, gc=False):
    """An order that is intended, in flight, unknown or open: its capital is set aside."""

    symbol: str
    side: Side
    amount: Decimal
    price: Decimal | None
    reserved: Decimal
    filled: Decimal = _ZERO
    trades: int = 0

    @property
    def currency(self) -> str:
        """The currency it spends."""
        return quote_of(self.symbol) if self.side is Side.BUY else base_of(self.symbol)

    @property
    def remaining(self) -> Decimal:
        """The amount that is not filled yet."""
        return self.amount - self.filled


class _Image(Struct):
    balances: dict[str, Balance]
    holdings: dict[str, Holding]
    orders: dict[str, OpenOrder]


class Account:
    """Balances, holdings and open orders of one trader.

    Capital is set aside with `reserve`, spent by `fill`, and what is left given back by `release`. The paper venue and
    our own book keep their account with this one class. Memory: currencies, symbols and open orders.
    """

    __slots__ = ("_closing", "balances", "holdings", "orders")

    def __init__(self) -> None:
        self.balances: dict[str, Balance] = {}
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[str, OpenOrder] = {}
        self._closing: dict[str, Decimal] = {}

    def fund(self, balances: dict[str, Decimal]) -> None:
        """Put `balances` in, by currency."""
        for currency, amount in balances.items():
            self._balance(currency).total += amount

    def count(self, balances: dict[str, Decimal]) -> None:
        """Take over what a venue says there is, in all, of each currency that is named."""
        for currency, amount in balances.items():
            self._balance(currency).total = amount

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

    def reserve(self, order: OrderRequest) -> None:
        """Set the capital of an order aside; a second time for the same order changes nothing."""
        if order.client_order_id in self.orders:
            return
        opened = OpenOrder(order.symbol, order.side, order.amount, order.price, order.reserved)
        self.orders[order.client_order_id] = opened
        self._balance(opened.currency).locked += opened.reserved
        self._close(opened, opened.amount)

    def release(self, client_order_id: str) -> OpenOrder | None:
        """Give back what is still set aside for an order that is over or never was; returns the order it was."""
        order = self.orders.pop(client_order_id, None)
        if order is not None:
            if order.reserved:
                self._balance(order.currency).locked -= order.reserved
            self._close(order, -order.remaining)
        return order

    def fill(self, client_order_id: str, fill: Fill) -> None:
        """Book one trade of an open order: both currencies, the fee, the holding.

        Raises:
            KeyError: there is no such open order.
        """
        order = self.orders[client_order_id]
        symbol, amount, fee = order.symbol, fill.amount, fill.fee
        base, quote, paid_in = base_of(symbol), quote_of(symbol), fill.fee_currency
        in_base, in_quote = self._balance(base), self._balance(quote)
        remaining, cost = order.remaining, amount * fill.price
        fee_in_base = fee if paid_in == base else _ZERO
        fee_in_quote = fee if paid_in == quote else _ZERO
        if paid_in != base and paid_in != quote:
            self._balance(paid_in).total -= fee
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding()
        if order.side is Side.BUY:
            spent, spending = cost + fee_in_quote, in_quote
            gained = amount - fee_in_base
            in_base.total += gained
            in_quote.total -= spent
            holding.amount += gained
            holding.cost += spent
        else:
            spent, spending = amount + fee_in_base, in_base
            gained = cost - fee_in_quote
            in_base.total -= spent
            in_quote.total += gained
            closed = min(spent, holding.amount)
            if closed:
                paid = holding.cost * closed / holding.amount
                holding.realized += gained * closed / spent - paid
                holding.amount -= closed
                holding.cost -= paid
            self._close(order, -min(amount, remaining))
        # What is spent is unlocked, not a share of what was set aside: a division would leave a rest in the locked sum.
        unlocked = order.reserved if amount >= remaining else min(spent, order.reserved)
        order.reserved -= unlocked
        spending.locked -= unlocked
        order.filled += amount
        order.trades += 1

    def without(self, client_order_ids: Iterable[str]) -> Account:
        """A copy in which these orders, of which nothing was filled, were never reserved."""
        copy = Account()
        copy.balances = {currency: Balance(b.total, b.locked) for currency, b in self.balances.items()}
        copy.holdings, copy.orders, copy._closing = self.holdings, dict(self.orders), dict(self._closing)
        for order_id in client_order_ids:
            copy.release(order_id)
        return copy

    def image(self) -> bytes:
        """The whole account as JSON, for a snapshot."""
        return msgspec.json.encode(_Image(self.balances, self.holdings, self.orders))

    @classmethod
    def from_image(cls, image: bytes) -> Account:
        """The account an `image` was taken of."""
        read = msgspec.json.decode(image, type=_Image)
        account = cls()
        account.balances, account.holdings, account.orders = read.balances, read.holdings, read.orders
        for order in account.orders.values():
            account._close(order, order.remaining)
        return account

    def _close(self, order: OpenOrder, amount: Decimal) -> None:
        if order.side is Side.SELL:
            self._closing[order.symbol] = self._closing.get(order.symbol, _ZERO) + amount

    def _balance(self, currency: str) -> Balance:
        balance = self.balances.get(currency)
        if balance is None:
            balance = self.balances[currency] = Balance()
        return balance
