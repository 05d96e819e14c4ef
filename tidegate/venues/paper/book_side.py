"""One side of one symbol on a paper venue: what is on offer there, and our open orders in turn."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter
from typing import TypeAlias

from tidegate.domain.account import OpenOrder
from tidegate.domain.market import MarketRules, quote_of
from tidegate.domain.order import Acknowledged, Fill, OrderRequest, OrderStatus
from tidegate.domain.signal import Side
from tidegate.venues.paper.funds import Funds

__all__ = ["BookSide", "Change"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_FIRST = Decimal("-Infinity")
_BUY, _OPEN, _CLOSED = Side.BUY, OrderStatus.OPEN, OrderStatus.CLOSED

_Place: TypeAlias = tuple[Decimal, int, int, str]
"""An order's place in the queue: the rank of its price, the time and the number of its arrival, its id."""

Change: TypeAlias = tuple[str, OrderStatus, tuple[Fill, ...], Decimal]
"""What became of an open order: its id, its status now, its new fills, and the amount traded in all."""

_rank_of = itemgetter(0)


class BookSide:
    """Fills orders on one side of one symbol, as `funds` can pay for them; those that rest are in `orders` too.

    `best` is the opposite price, None before the first quote, and `left` what our orders left of its depth. Better
    prices come first, then earlier orders; market orders come before all. Memory: open orders.
    """

    __slots__ = ("_arrivals", "_buying", "_funds", "_orders", "_queue", "_quote", "best", "left")

    def __init__(self, symbol: str, side: Side, orders: dict[str, OpenOrder], funds: Funds) -> None:
        self.best: Decimal | None = None
        self.left = _ZERO
        self._quote, self._buying = quote_of(symbol), side is _BUY
        self._orders, self._funds = orders, funds
        self._queue: list[_Place] = []
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._queue)

    def enqueue(self, order_id: str, order: OpenOrder, at_ns: int) -> None:
        """Queue an open order from `at_ns` on."""
        self._arrivals += 1
        self._orders[order_id] = order
        insort(self._queue, (self._rank(order.price), at_ns, self._arrivals, order_id))

    def withdraw(self, order_id: str) -> None:
        """Take an order out of the queue."""
        self._queue = [place for place in self._queue if place[-1] != order_id]

    def take(self, request: OrderRequest, rules: MarketRules, at_ns: int) -> Acknowledged:
        """Fill a new order at the best opposite price, if its own reaches it, as far as there is something left; queue
        the rest."""
        order_id, amount, price, best = request.client_order_id, request.amount, request.price, self.best
        part = reserved = spent = _ZERO
        fills: tuple[Fill, ...] = ()
        if best is not None and (price is None or (price >= best if self._buying else price <= best)):
            part = amount if amount <= self.left else rules.round_amount(self.left)
        if part and best is not None:
            self.left -= part
            fill, spent = self._trade(order_id, 1, part, best, rules.taker_fee)
            fills = (fill,)
            if spent > request.reserved:
                self._funds.spend(order_id, 1, self._quote, spent - request.reserved)
        status = _CLOSED
        if part != amount:
            status = _OPEN
            reserved = max(request.reserved - spent, _ZERO)
            order = OpenOrder(request.symbol, request.side, amount, price, reserved, part, len(fills))
            self.enqueue(order_id, order, at_ns)
        return Acknowledged(venue_order_id=f"p{order_id}", status=status, fills=fills)

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
            order = self._orders[order_id]
            price, fee_rate = (best, rules.taker_fee) if order.price is None else (order.price, rules.maker_fee)
            if price is None:
                continue  # a market order, which waits for a quote
            amount = _part(order, left, rules)
            if not amount:
                break
            fills: tuple[Fill, ...] = ()
            status = OrderStatus.EXPIRED
            if order.price is not None or self._can_pay(order, amount * price * (_ONE + fee_rate)):
                order.trades += 1
                order.filled += amount
                fill, spent = self._trade(order_id, order.trades, amount, price, fee_rate)
                if spent > order.reserved:
                    self._funds.spend(order_id, order.trades, self._quote, spent - order.reserved)
                order.reserved = max(order.reserved - spent, _ZERO)
                fills = (fill,)
                left -= amount
                status = _OPEN if order.remaining else _CLOSED
            if status is not _OPEN:
                del self._orders[order_id]
                self._queue.remove(place)
            changes.append((order_id, status, fills, order.filled))
        return changes, left

    def _trade(
        self, order_id: str, number: int, amount: Decimal, price: Decimal, fee_rate: Decimal
    ) -> tuple[Fill, Decimal]:
        """A trade, and what it spends."""
        cost = amount * price
        fee = cost * fee_rate
        fill = Fill(trade_id=f"{order_id}-{number}", amount=amount, price=price, fee=fee, fee_currency=self._quote)
        return fill, cost + fee if self._buying else amount

    def _can_pay(self, order: OpenOrder, cost: Decimal) -> bool:
        return not self._buying or cost <= order.reserved or cost <= order.reserved + self._funds.free(self._quote)

    def _rank(self, price: Decimal | None) -> Decimal:
        if price is None:
            return _FIRST
        return -price if self._buying else price


def _part(order: OpenOrder, left: Decimal, rules: MarketRules) -> Decimal:
    return order.remaining if order.remaining <= left else rules.round_amount(left)
