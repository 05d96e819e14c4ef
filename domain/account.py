"""The money and the orders of one account on one venue."""

from __future__ import annotations

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
            self._balance(order.currency).locked -= order.reserved
            self._close(order, -order.remaining)
        return order

    def fill(self, client_order_id: str, fill: Fill) -> None:
        """Book one trade of an open order: both currencies, the fee, the holding.

        Raises:
            KeyError: there is no such open order.
        """
        order = self.orders[client_order_id]
        base, quote = base_of(order.symbol), quote_of(order.symbol)
        cost = fill.amount * fill.price
        fee_in_base = fill.fee if fill.fee_currency == base else _ZERO
        fee_in_quote = fill.fee if fill.fee_currency == quote else _ZERO
        holding = self.holdings.setdefault(order.symbol, Holding())
        if order.side is Side.BUY:
            spent = cost + fee_in_quote
            self._balance(base).total += fill.amount
            self._balance(quote).total -= cost
            holding.amount += fill.amount - fee_in_base
            holding.cost += spent
        else:
            spent = fill.amount + fee_in_base
            self._balance(base).total -= fill.amount
            self._balance(quote).total += cost
            closed = min(spent, holding.amount)
            if closed:
                paid = holding.cost * closed / holding.amount
                holding.realized += (cost - fee_in_quote) * closed / spent - paid
                holding.amount -= closed
                holding.cost -= paid
        self._balance(fill.fee_currency).total -= fill.fee
        # What is spent is unlocked, not a share of what was set aside: a division would leave a rest in the locked sum.
        unlocked = order.reserved if fill.amount >= order.remaining else min(spent, order.reserved)
        order.reserved -= unlocked
        self._balance(order.currency).locked -= unlocked
        self._close(order, -min(fill.amount, order.remaining))
        order.filled += fill.amount
        order.trades += 1

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
