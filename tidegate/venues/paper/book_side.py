"""One side of one symbol on a paper venue: what is on offer there, and our open orders in turn."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter
from typing import TypeAlias

from tidegate.domain.account import Account, OpenOrder
from tidegate.domain.market import MarketRules, quote_of
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.signal import Side

__all__ = ["BookSide", "Change"]

_ZERO = Decimal(0)
_FIRST = Decimal("-Infinity")

_Place: TypeAlias = tuple[Decimal, int, int, str]
"""An order's place in the queue: the rank of its price, the time and the number of its arrival, its id."""

Change: TypeAlias = tuple[str, OrderStatus, tuple[Fill, ...], Decimal]
"""What became of an open order: its id, its status now, its new fills, and the amount traded in all."""

_rank_of = itemgetter(0)


class BookSide:
    """Fills orders of `account` on one side of one symbol.

    `best` is the opposite price, None before the first quote, and `left` what our orders left of its depth. Better
    prices come first, then earlier orders; market orders come before all. Memory: open orders.
    """

    __slots__ = ("_account", "_arrivals", "_queue", "_side", "_symbol", "best", "left")

    def __init__(self, symbol: str, side: Side, account: Account) -> None:
        self.best: Decimal | None = None
        self.left = _ZERO
        self._symbol = symbol
        self._side = side
        self._account = account
        self._queue: list[_Place] = []
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._queue)

    def enqueue(self, order_id: str, order: OpenOrder, at_ns: int) -> None:
        """Queue an open order from `at_ns` on."""
        self._arrivals += 1
        insort(self._queue, (self._rank(order.price), at_ns, self._arrivals, order_id))

    def withdraw(self, order_id: str) -> None:
        """Take an order out of the queue."""
        self._queue = [place for place in self._queue if place[-1] != order_id]

    def take(self, order_id: str, order: OpenOrder, rules: MarketRules) -> tuple[Fill, ...]:
        """Fill a new order at the best opposite price, if its own reaches it, as far as there is something left."""
        if self.best is None or self._rank(order.price) > self._rank(self.best):
            return ()
        amount = _part(order, self.left, rules)
        if not amount:
            return ()
        self.left -= amount
        return (self._trade(order_id, order, amount, self.best, rules.taker_fee),)

    def quote(self, best: Decimal, depth: Decimal, rules: MarketRules | None) -> list[Change]:
        """Fill open orders that a new quote reaches, as far as its depth lasts."""
        self.best = best
        if not self._queue:
            self.left = depth
            return []
        reached = self._queue[: bisect_right(self._queue, self._rank(best), key=_rank_of)]
        changes, self.left = self._fill(reached, depth, rules, best)
        return changes

    def trade_through(
        self, extreme: Decimal, volume: Decimal, since_ns: int, rules: MarketRules | None
    ) -> tuple[list[Change], Decimal]:
        """Fill limit orders here since `since_ns` that trading went beyond, up to `volume`; also what is left."""
        beyond = self._queue[: bisect_left(self._queue, self._rank(extreme), key=_rank_of)]
        return self._fill([place for place in beyond if place[1] <= since_ns], volume, rules, None)

    def _fill(
        self, reached: Sequence[_Place], left: Decimal, rules: MarketRules | None, best: Decimal | None
    ) -> tuple[list[Change], Decimal]:
        changes: list[Change] = []
        if rules is None:
            return changes, left
        for place in reached:
            order_id = place[-1]
            order = self._account.orders[order_id]
            price, fee_rate = (best, rules.taker_fee) if order.price is None else (order.price, rules.maker_fee)
            if price is None:
                continue  # a market order, which waits for a quote
            amount = _part(order, left, rules)
            if not amount:
                break
            fills: tuple[Fill, ...] = ()
            status = OrderStatus.EXPIRED
            if order.price is not None or self._can_pay(order, amount * price * (1 + fee_rate)):
                fills = (self._trade(order_id, order, amount, price, fee_rate),)
                left -= amount
                status = OrderStatus.OPEN if order.remaining else OrderStatus.CLOSED
            if status is not OrderStatus.OPEN:
                self._account.release(order_id)
                self._queue.remove(place)
            changes.append((order_id, status, fills, order.filled))
        return changes, left

    def _trade(self, order_id: str, order: OpenOrder, amount: Decimal, price: Decimal, fee_rate: Decimal) -> Fill:
        fill = Fill(
            trade_id=f"{order_id}-{order.trades + 1}",
            amount=amount,
            price=price,
            fee=amount * price * fee_rate,
            fee_currency=quote_of(self._symbol),
        )
        self._account.fill(order_id, fill)
        return fill

    def _can_pay(self, order: OpenOrder, cost: Decimal) -> bool:
        return order.side is Side.SELL or cost <= order.reserved + self._account.free(order.currency)

    def _rank(self, price: Decimal | None) -> Decimal:
        if price is None:
            return _FIRST
        return -price if self._side is Side.BUY else price


def _part(order: OpenOrder, left: Decimal, rules: MarketRules) -> Decimal:
    return order.remaining if order.remaining <= left else rules.round_amount(left)
