"""An order, what a venue may answer to it, and what becomes of it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from domain.reasons import Reason
from domain.signal import OrderType, Side

__all__ = ["Acknowledged", "Answer", "Fill", "NotPlaced", "OrderRequest", "OrderStatus", "OrderUpdate", "Unanswered"]


class OrderStatus(StrEnum):
    """ccxt's words for the state of an order on a venue."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class OrderRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One order to be sent, complete: nothing is left to the venue's taste. `price` is None for market orders.

    `reserved` is the amount of the spent currency (quote when buying, base when selling) set aside for it.
    """

    client_order_id: str
    trader: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    price: Decimal | None
    generation: int
    reserved: Decimal


class Fill(Struct, frozen=True, kw_only=True, gc=False):
    """One trade of an order. (venue, `trade_id`) is unique; the fee is in `fee_currency`."""

    trade_id: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str


class Acknowledged(Struct, frozen=True, kw_only=True, gc=False):
    """The venue has the order, under its own `venue_order_id`, with what it filled at once."""

    venue_order_id: str
    status: OrderStatus
    fills: tuple[Fill, ...] = ()


class NotPlaced(Struct, frozen=True, kw_only=True, gc=False):
    """Proved: no order came of it. `final` says that trying again on this account is useless."""

    reason: Reason
    detail: str
    final: bool
    retry_after_s: float | None = None


class Unanswered(Struct, frozen=True, kw_only=True, gc=False):
    """Nobody knows whether an order came of it. The default for everything that is not one of the other two."""

    detail: str


Answer: TypeAlias = Acknowledged | NotPlaced | Unanswered


class OrderUpdate(Struct, frozen=True, kw_only=True, gc=False):
    """What became of an acknowledged order since: new fills, and its status now."""

    trader: str
    client_order_id: str
    at_ns: int
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
