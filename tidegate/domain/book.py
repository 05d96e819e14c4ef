"""All accounts together: what is held, what is set aside, and how exposed we are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from decimal import Decimal

from tidegate.domain import events as e
from tidegate.domain.account import Account, Holding
from tidegate.domain.market import Mark, base_of, quote_of
from tidegate.domain.order import Fill, OrderRequest, OrderStatus
from tidegate.domain.signal import Side

__all__ = ["Book"]


class Book:
    """The accounts of all traders, folded from the journal, and reservations made ahead of it.

    `open_positions` counts, for each symbol, one for a holding and one for every buying order that is not over, over
    all accounts; `without_dust` gives the symbols that count. `marks` is the price of the newest trade of each symbol,
    or the newest quote at an orderly stop. `moves` counts, for each account and currency, the trades that were booked
    since the start. Memory: that of the accounts, and a mark for each symbol.
    """

    def __init__(self, accounts: dict[str, Account] | None = None, marks: dict[str, Mark] | None = None) -> None:
        self.accounts = accounts or {}
        self.marks = marks or {}
        self.open_positions: Counter[str] = Counter()
        self.moves: Counter[tuple[str, str]] = Counter()
        for account in self.accounts.values():
            self.open_positions.update(symbol for symbol, holding in account.holdings.items() if holding.amount)
            self.open_positions.update(order.symbol for order in account.orders.values() if order.side is Side.BUY)

    def account(self, trader: str) -> Account:
        """The account of a trader; an empty one if nothing was ever said of it."""
        account = self.accounts.get(trader)
        if account is None:
            account = self.accounts[trader] = Account()
        return account

    def without_dust(self, is_dust: Callable[[str, str, Holding], bool]) -> Collection[str]:
        """The symbols of which more than dust is held or is being bought; `is_dust` judges a trader's holding."""
        counted = self.open_positions.copy()
        for trader, account in self.accounts.items():
            for symbol, holding in account.holdings.items():
                if holding.amount and is_dust(trader, symbol, holding):
                    counted[symbol] -= 1
        return {symbol for symbol, count in counted.items() if count > 0}

    def reserve(self, order: OrderRequest) -> None:
        """Set the capital of an order aside, before its intent is queued; once for each order."""
        account = self.account(order.trader)
        if order.client_order_id not in account.orders:
            account.reserve(order)
            if order.side is Side.BUY:
                self.open_positions[order.symbol] += 1

    def release(self, trader: str, client_order_id: str) -> None:
        """Give back what is set aside for an order that is over or never was."""
        order = self.account(trader).release(client_order_id)
        if order is not None and order.side is Side.BUY:
            self._less(order.symbol)

    def apply(self, trader: str, body: e.Body, at_ns: int = 0) -> bool:
        """Fold one event of `trader` that happened at `at_ns`; returns whether its order is over."""
        match body:
            case e.Intent():
                self.reserve(body)
                return False
            case e.Placed(client_order_id=order_id, status=status, fills=fills):
                for fill in fills:
                    self._fill(trader, order_id, fill, at_ns)
                return self._ended(trader, order_id, status)
            case e.Filled(client_order_id=order_id, fill=fill):
                self._fill(trader, order_id, fill, at_ns)
                return False
            case e.OrderChanged(client_order_id=order_id, status=status):
                return self._ended(trader, order_id, status)
            case e.Deferred(client_order_id=order_id) | e.Failed(client_order_id=order_id):
                self.release(trader, order_id)
                return True
            case e.Adopted():
                return self._adopt(trader, body, at_ns)
            case e.Reopened(client_order_id=order_id, request=request, status=status, fills=fills):
                self.reserve(request)
                for fill in fills:
                    self._fill(trader, order_id, fill, at_ns)
                return self._ended(trader, order_id, status)
            case e.Funded(balances=balances):
                self.account(trader).fund(balances)
            case e.BalancesSynced(balances=balances):
                self.account(trader).count(balances)
        return False

    def _adopt(self, trader: str, order: e.Adopted, at_ns: int) -> bool:
        """What it traded so far changes what our trades hold; the balances, which follow the venue, have it already."""
        account = self.account(trader)
        totals = {currency: balance.total for currency, balance in account.balances.items()}
        self.reserve(order.request)
        for fill in order.fills:
            self._fill(trader, order.client_order_id, fill, at_ns)
        account.count({currency: totals.get(currency, Decimal(0)) for currency in account.balances})
        return self._ended(trader, order.client_order_id, order.status)

    def _ended(self, trader: str, order_id: str, status: OrderStatus) -> bool:
        if status is OrderStatus.OPEN:
            return False
        self.release(trader, order_id)
        return True

    def _fill(self, trader: str, order_id: str, fill: Fill, at_ns: int) -> None:
        account = self.account(trader)
        symbol = account.orders[order_id].symbol
        before = account.held(symbol)
        account.fill(order_id, fill)
        self.marks[symbol] = Mark(fill.price, at_ns)
        for currency in {base_of(symbol), quote_of(symbol), fill.fee_currency}:
            self.moves[trader, currency] += 1
        after = account.held(symbol)
        if not before and after:
            self.open_positions[symbol] += 1
        elif before and not after:
            self._less(symbol)

    def _less(self, symbol: str) -> None:
        self.open_positions[symbol] -= 1
        if not self.open_positions[symbol]:
            del self.open_positions[symbol]
