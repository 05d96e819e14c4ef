"""One order in one line: what was sent, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from enum import StrEnum

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.moment import iso_of
from tidegate.domain.order import Fill, OrderRequest
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal import OrderType, Side

__all__ = ["OrderState", "OrderSummary", "fills_in", "orders_of", "plain", "request_of", "traded"]

_DIVISION = Context(prec=16)


class OrderState(StrEnum):
    """An order's status: our own words until a venue has acknowledged it, then ccxt's."""

    PLACING = "placing"
    UNKNOWN = "unknown"
    PARKED = "parked"
    NOT_PLACED = "not_placed"
    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def over(self) -> bool:
        """Whether nothing more can come of the order."""
        return self not in (OrderState.PLACING, OrderState.UNKNOWN, OrderState.PARKED, OrderState.OPEN)


class OrderSummary(Struct, kw_only=True):
    """An order. Decimals are plain strings, moments ISO 8601 in UTC. `detail` is the last thing the venue said.

    `cut_from` is the quantity that was asked for, where less could be sold.
    """

    client_order_id: str
    venue_order_id: str | None = None
    signal_id: str
    trader: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: str
    price: str | None
    status: OrderState = OrderState.PLACING
    filled: str = "0"
    average: str | None = None
    intended_at: str
    placed_at: str | None = None
    detail: str | None = None
    cut_from: str | None = None


def orders_of(history: SignalHistory) -> Sequence[OrderSummary]:
    """The orders of a signal, in the order of their intents. An order is open when evidence of it turns up late."""
    orders: dict[str, OrderSummary] = {}
    fills: dict[str, list[Fill]] = {}
    for event in history.events:
        body = event.body
        sent = body if isinstance(body, e.Intent) else body.request if isinstance(body, e.Adopted) else None
        if sent is not None:
            orders[sent.client_order_id] = _intended(history.signal_id, event.at_ns, sent)
            fills[sent.client_order_id] = []
        if sent is body:
            continue
        order = orders.get(getattr(body, "client_order_id", ""))
        if order is None:
            continue
        match body:
            case e.Placed(venue_order_id=venue_id, status=status):
                order.venue_order_id, order.status = venue_id, OrderState(status)
                order.placed_at = iso_of(event.at_ns)
            case e.Reopened(venue_order_id=venue_id, status=status) | e.Adopted(venue_order_id=venue_id, status=status):
                order.venue_order_id, order.status = venue_id, OrderState(status)
                order.placed_at = iso_of(event.at_ns)
            case e.OrderChanged(status=status):
                order.status = OrderState(status)
            case e.Deferred() | e.Failed():
                order.status = OrderState.NOT_PLACED
            case e.Unknown():
                order.status = OrderState.UNKNOWN
            case e.Parked():
                order.status = OrderState.PARKED
        order.detail = getattr(body, "detail", order.detail)
        fills[order.client_order_id] += fills_in(body)
    for order_id, order in orders.items():
        order.filled, order.average = traded(fills[order_id])
    return list(orders.values())


def fills_in(body: e.Body) -> tuple[Fill, ...]:
    """The trades in an event."""
    match body:
        case e.Placed(fills=fills) | e.Reopened(fills=fills) | e.Adopted(fills=fills):
            return fills
        case e.Filled(fill=fill):
            return (fill,)
    return ()


def traded(fills: Iterable[Fill]) -> tuple[str, str | None]:
    """The amount traded, and its average price, to 16 digits; None where nothing was."""
    amount = cost = Decimal(0)
    for fill in fills:
        amount += fill.amount
        cost += fill.amount * fill.price
    return plain(amount), plain(_DIVISION.divide(cost, amount)) if amount else None


def plain(number: Decimal) -> str:
    """A decimal without an exponent."""
    return format(number, "f")


def _intended(signal_id: str, at_ns: int, intent: OrderRequest) -> OrderSummary:
    return OrderSummary(
        client_order_id=intent.client_order_id,
        signal_id=signal_id,
        trader=intent.trader,
        symbol=intent.symbol,
        side=intent.side,
        order_type=intent.order_type,
        quantity=plain(intent.amount),
        price=None if intent.price is None else plain(intent.price),
        intended_at=iso_of(at_ns),
        cut_from=None if intent.cut_from is None else plain(intent.cut_from),
    )


def request_of(history: SignalHistory, client_order_id: str) -> OrderRequest:
    """What was sent, or must have been sent, under an id.

    Raises:
        StopIteration: the signal has no such order.
    """
    bodies = (event.body for event in history.events)
    sent = (body.request if isinstance(body, e.Adopted) else body for body in bodies)
    return next(r for r in sent if isinstance(r, OrderRequest) and r.client_order_id == client_order_id)
