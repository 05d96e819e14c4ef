"""All accounts together: what is held, what is set aside, and how exposed we are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from tidegate.domain import events as e
from tidegate.domain.account import Account, Holding
from tidegate.domain.market import Mark
from tidegate.domain.order import Fill, OrderRequest, OrderStatus
from tidegate.domain.signal import Side

__all__ = ["Book"]

_BUY, _OPEN = Side.BUY, OrderStatus.OPEN


class Book:
    """The accounts of all traders, folded from the journal, and reservations made ahead of it.

    `open_positions` counts, for each symbol, one for a holding and one for every buying order that is not over, over
    all accounts; `without_dust` gives the symbols that count. `marks` is the price of the newest trade of each symbol,
    or the newest quote at an orderly stop. Memory: that of the accounts, and a mark for each symbol.
    """

    def __init__(self, accounts: dict[str, Account] | None = None, marks: dict[str, Mark] | None = None) -> None:
        self.accounts = accounts or {}
        self.marks = marks or {}
        self.open_positions: Counter[str] = Counter()
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
        account = self.accounts.get(order.trader) or self.account(order.trader)
        if account.reserve(order) and order.side is _BUY:
            self._count(order.symbol, 1)

    def release(self, trader: str, client_order_id: str) -> None:
        """Give back what is set aside for an order that is over or never was."""
        order = self.account(trader).release(client_order_id)
        if order is not None and order.side is Side.BUY:
            self._count(order.symbol, -1)

    def apply_fills(
        self, trader: str, client_order_id: str, fills: Sequence[Fill], status: OrderStatus, at_ns: int
    ) -> bool:
        """Book trades of an open order, and give back what is left of its capital unless it stays open; returns whether
        it is over.

        Raises:
            KeyError: there are trades, and no such open order.
        """
        account = self.accounts.get(trader) or self.account(trader)
        over = status is not _OPEN
        order = account.orders[client_order_id] if fills else account.orders.get(client_order_id)
        if order is None:
            return over
        symbol, more = order.symbol, 0
        if fills:
            holding = account.holdings.get(symbol)
            held = holding is not None and bool(holding.amount)
            account.fill(client_order_id, *fills)
            self.marks[symbol] = Mark(fills[-1].price, at_ns)
            more = bool(account.holdings[symbol].amount) - held
        if over:
            account.release(client_order_id)
            more -= order.side is _BUY
        if more:
            self._count(symbol, more)
        return over

    def apply(self, trader: str, body: e.Body, at_ns: int = 0) -> bool:
        """Fold one event of `trader` that happened at `at_ns`; returns whether its order is over."""
        match body:
            case e.Intent():
                self.reserve(body)
                return False
            case e.Placed(client_order_id=order_id, status=status, fills=fills):
                return self.apply_fills(trader, order_id, fills, status, at_ns)
            case e.Filled(client_order_id=order_id, fill=fill):
                return self.apply_fills(trader, order_id, (fill,), OrderStatus.OPEN, at_ns)
            case e.OrderChanged(client_order_id=order_id, status=status):
                return self.apply_fills(trader, order_id, (), status, at_ns)
            case e.Deferred(client_order_id=order_id) | e.Failed(client_order_id=order_id):
                self.release(trader, order_id)
                return True
            case e.Adopted():
                return self._adopt(trader, body, at_ns)
            case e.Reopened(client_order_id=order_id, request=request, status=status, fills=fills):
                self.reserve(request)
                return self.apply_fills(trader, order_id, fills, status, at_ns)
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
        self.apply_fills(trader, order.client_order_id, order.fills, OrderStatus.OPEN, at_ns)
        account.count({currency: totals.get(currency, Decimal(0)) for currency in account.balances})
        return self.apply_fills(trader, order.client_order_id, (), order.status, at_ns)

    def _count(self, symbol: str, more: int) -> None:
        """There are so many more open positions of a symbol."""
        self.open_positions[symbol] += more
        if not self.open_positions[symbol]:
            del self.open_positions[symbol]
