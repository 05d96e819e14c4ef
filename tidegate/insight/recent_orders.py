"""The latest orders, by the journal's committed events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from decimal import Decimal

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.order_summary import OrderState, fills_in
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal import Side

__all__ = ["RecentOrder", "RecentOrders"]

_KEPT = 64


class RecentOrder(Struct):
    """An order, and its status so far."""

    at_ns: int
    signal_id: str
    side: Side
    symbol: str
    amount: Decimal
    price: Decimal | None
    status: OrderState = OrderState.PLACING
    filled: Decimal = Decimal(0)


class RecentOrders:
    """Remembers the last orders that were intended, and follows them; those that may still fill are kept longest.

    Memory: 64 orders.
    """

    def __init__(self) -> None:
        self._orders: dict[str, RecentOrder] = {}

    def latest(self, count: int) -> Sequence[RecentOrder]:
        """Copies of the last `count` orders: those that may still fill, then the others, the newest of each first."""
        newest = reversed(self._orders.values())
        return [copy(order) for order in sorted(newest, key=lambda order: order.status.over)[:count]]

    def resume(self, histories: Iterable[SignalHistory]) -> None:
        """Take in the orders of signals that an earlier run left open."""
        self.watch(
            sorted((event for history in histories for event in history.events), key=lambda event: event.position)
        )

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        for event in events:
            body = event.body
            sent = body if isinstance(body, e.Intent) else body.request if isinstance(body, e.Adopted) else None
            if sent is not None:
                opened = RecentOrder(event.at_ns, event.signal_id, sent.side, sent.symbol, sent.amount, sent.price)
                self._orders[sent.client_order_id] = opened
                if len(self._orders) > _KEPT:
                    del self._orders[self._dispensable()]
            if (order := self._orders.get(getattr(body, "client_order_id", ""))) is not None:
                order.status = _status_after(body, order.status)
                order.filled += sum((fill.amount for fill in fills_in(body)), Decimal(0))

    def _dispensable(self) -> str:
        over = (order_id for order_id, order in self._orders.items() if order.status.over)
        return next(over, next(iter(self._orders)))


def _status_after(body: e.Body, status: OrderState) -> OrderState:
    match body:
        case (
            e.Placed(status=venues)
            | e.OrderChanged(status=venues)
            | e.Reopened(status=venues)
            | e.Adopted(status=venues)
        ):
            return OrderState(venues)
        case e.Deferred() | e.Failed():
            return OrderState.NOT_PLACED
        case e.Unknown():
            return OrderState.UNKNOWN
        case e.Parked():
            return OrderState.PARKED
    return status
