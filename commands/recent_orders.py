"""The latest orders, as far as the journal's committed events tell."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

from msgspec import Struct

from domain import events as e
from domain.order_line import OrderState, fills_in
from domain.signal import Side

__all__ = ["RecentOrder", "RecentOrders"]

_KEPT = 64


class RecentOrder(Struct):
    """An order, and what became of it so far."""

    at_ns: int
    side: Side
    symbol: str
    amount: Decimal
    price: Decimal | None
    status: OrderState = OrderState.PLACING
    filled: Decimal = Decimal(0)


class RecentOrders:
    """Remembers the last orders that were intended, and follows them. Memory: 64 orders."""

    def __init__(self) -> None:
        self._orders: dict[str, RecentOrder] = {}

    def latest(self, count: int) -> Sequence[RecentOrder]:
        """The last `count` orders, newest first."""
        return list(islice(reversed(self._orders.values()), count))

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        for event in events:
            body = event.body
            if isinstance(body, e.Intended):
                opened = RecentOrder(event.at_ns, body.side, body.symbol, body.amount, body.price)
                self._orders[body.client_order_id] = opened
                if len(self._orders) > _KEPT:
                    del self._orders[next(iter(self._orders))]
            elif (order := self._orders.get(getattr(body, "client_order_id", ""))) is not None:
                order.status = _status_after(body, order.status)
                order.filled += sum((fill.amount for fill in fills_in(body)), Decimal(0))


def _status_after(body: e.Body, status: OrderState) -> OrderState:
    match body:
        case e.Placed(status=venues) | e.OrderChanged(status=venues) | e.Reopened(status=venues):
            return OrderState(venues)
        case e.Deferred() | e.Failed():
            return OrderState.NOT_PLACED
        case e.Unresolved():
            return OrderState.UNKNOWN
        case e.Parked():
            return OrderState.PARKED
    return status
