"""What really happened at the venues, independent of every answer they gave."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from tidegate.domain.order import Fill, OrderRequest, OrderStatus

__all__ = ["Ban", "FaultyLedger", "Sent", "TakenOrder"]


class Sent(Struct, frozen=True):
    """A call that began to send an order: when, by our own clock, which event was believed last then, in which life."""

    request: OrderRequest
    at_ns: int
    by_own_clock_ns: int
    believed: int
    history: int = 0
    while_banned: bool = False


class Ban(Struct, frozen=True):
    """An answer that sends a whole address away until a moment: when it came, and in which life of the pipeline."""

    told_ns: int
    until_ns: int
    history: int


class TakenOrder(Struct):
    """An order of ours that a venue took, at `at_ns`. It shows in lookups from `shown_ns` on.

    Each of its `fills` was traded at the moment in `filled_ns` at the same index.
    """

    request: OrderRequest
    venue_order_id: str
    at_ns: int
    shown_ns: int
    status: OrderStatus
    fills: list[Fill]
    filled_ns: list[int]

    @property
    def filled(self) -> Decimal:
        """The amount that was traded."""
        return sum((fill.amount for fill in self.fills), Decimal(0))


class FaultyLedger:
    """Every send, every order, ours or not, over all accounts, and whether strangers did anything.

    Memory: all of them.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.taken: list[TakenOrder] = []
        self.bans: list[Ban] = []
        self.foreign: list[str] = []
        self.strangers_acted = False
        self.news: list[tuple[int, str]] = []

    def orders(self, client_order_id: str) -> Iterator[TakenOrder]:
        """The orders that were taken under an id."""
        return (order for order in self.taken if order.request.client_order_id == client_order_id)

    def open(self) -> set[str]:
        """The client order ids of the orders that are open."""
        return {order.request.client_order_id for order in self.taken if order.status is OrderStatus.OPEN}
