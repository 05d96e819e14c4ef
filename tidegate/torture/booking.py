"""What a journal says of each order, to be held against what a venue did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.order_summary import fills_in
from tidegate.domain.ports import SignalHistory
from tidegate.torture.faulty.ledger import TakenOrder

__all__ = ["Booking", "agrees", "bookings_of"]


class Booking(Struct):
    """An order that was intended; `status` is None where the journal does not say that it was placed."""

    order_id: str
    intent: e.Intent
    position: int
    at_ns: int
    status: OrderStatus | None = None
    venue_order_id: str = ""
    not_placed: bool = False
    fills: list[Fill] = []


def bookings_of(history: SignalHistory) -> Iterator[Booking]:
    """The orders of a signal, the first one first. Events of an order without an intent are left out."""
    booked: dict[str, Booking] = {}
    for event in history.events:
        body = event.body
        if isinstance(body, e.Intent):
            booked[body.client_order_id] = Booking(body.client_order_id, body, event.position, event.at_ns)
            continue
        booking = booked.get(getattr(body, "client_order_id", ""))
        if booking is None:
            continue
        match body:
            case e.Placed(venue_order_id=venue_id, status=status) | e.Reopened(venue_order_id=venue_id, status=status):
                booking.venue_order_id, booking.status, booking.not_placed = venue_id, status, False
            case e.Deferred() | e.Failed():
                booking.not_placed = True
            case e.OrderChanged(status=status):
                booking.status = status
        booking.fills += fills_in(body)
    yield from booked.values()


def agrees(taken: TakenOrder, booked: Mapping[str, Booking]) -> bool:
    """Whether the journal says of an order what the venue did with it."""
    booking = booked.get(taken.request.client_order_id)
    if booking is None or booking.status is not taken.status:
        return False
    return sorted(map(_key, booking.fills)) == sorted(map(_key, taken.fills))


def _key(fill: Fill) -> tuple[str, object, object]:
    return fill.trade_id, fill.amount, fill.price
