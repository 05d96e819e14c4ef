"""An order, the answers a venue may give, and its updates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side

__all__ = [
    "Acknowledged",
    "Answer",
    "Evidence",
    "Fill",
    "Listing",
    "LookupResult",
    "NotFound",
    "NotPlaced",
    "OrderRequest",
    "OrderStatus",
    "OrderUpdate",
    "Unanswered",
    "VenueOrder",
]


class OrderStatus(StrEnum):
    """ccxt's words for the state of an order on a venue."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class OrderRequest(Struct, frozen=True, omit_defaults=True, gc=False):
    """One order to be sent, complete: nothing is left to the venue's taste. `price` is None for market orders.

    `reserved` is the amount of the spent currency (quote when buying, base when selling) set aside for it, `least` the
    smallest amount that the venue takes at its price. `cut_from` is the amount that was asked for, where less may be
    sold; `own_coins` says that it sells coins that our trades did not buy.
    """

    client_order_id: str
    trader: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    price: Decimal | None
    attempt: int = msgspec.field(name="generation")
    reserved: Decimal
    least: Decimal | None = None
    cut_from: Decimal | None = None
    own_coins: bool = False

    @property
    def closes(self) -> bool:
        """Whether it only closes what our trades opened."""
        return self.side is Side.SELL and not self.own_coins


class Fill(Struct, frozen=True, omit_defaults=True, gc=False):
    """One trade of an order. (venue, `trade_id`) is unique; the fee is in `fee_currency`.

    `fee_in_quote` is what a fee in a third currency was worth in the quote currency when the trade was recorded; None
    where no rate was known, and for fees in one of the two currencies traded.
    """

    trade_id: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    fee_in_quote: Decimal | None = None


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a venue was asked, what it said and when, in nanoseconds UTC: redacted and bounded, for the record.

    `meaning` is what the answer was taken for, and by which rule.
    """

    asked: str
    asked_at_ns: int
    answered_at_ns: int
    answer: str
    meaning: str


class Acknowledged(Struct, frozen=True, gc=False):
    """The venue has the order, under its own `venue_order_id`, with the trades of it that are known.

    `filled` is how much was traded in all, None where the venue does not say. `status` is open until the trades add up
    to that.
    """

    venue_order_id: str
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    filled: Decimal | None = None
    evidence: Evidence | None = None


class NotPlaced(Struct, frozen=True, kw_only=True, gc=False):
    """Proved: no order came of it. `final` says that trying again on this account is useless.

    `retry_after_s` is how long the venue wants to be left alone, `address_wide` by everybody at our address.
    """

    reason: Reason
    detail: str
    final: bool
    retry_after_s: float | None = None
    address_wide: bool = False
    evidence: Evidence | None = None


class Unanswered(Struct, frozen=True, kw_only=True, gc=False):
    """Nobody knows whether an order came of it. The default for everything that is not one of the other two."""

    detail: str
    evidence: Evidence | None = None


Answer: TypeAlias = Acknowledged | NotPlaced | Unanswered
"""What may come of sending an order."""


class NotFound(Struct, frozen=True, kw_only=True, gc=False):
    """Every declared lookup succeeded, and none knows the order. No proof alone: lookups lag."""

    detail: str
    evidence: Evidence | None = None


LookupResult: TypeAlias = Acknowledged | NotFound | Unanswered
"""What may come of looking an order up; `Unanswered` where a lookup failed."""


class VenueOrder(Struct, frozen=True, kw_only=True, gc=False):
    """An order as a venue lists it, ours or a stranger's. `client_order_id` is None where it has none."""

    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal | None
    status: OrderStatus
    filled: Decimal
    at_ns: int
    fills: tuple[Fill, ...] = ()

    @property
    def booked_as(self) -> OrderStatus:
        """Its status as far as it can be booked: open until the trades listed add up to what was filled."""
        whole = sum(fill.amount for fill in self.fills) >= self.filled
        return self.status if whole else OrderStatus.OPEN


class Listing(Struct, frozen=True, kw_only=True, gc=False):
    """The orders that a venue listed. `missing` names what could not be read; where it is empty, nothing is missing."""

    orders: Sequence[VenueOrder]
    missing: tuple[str, ...] = ()


class OrderUpdate(Struct, frozen=True, kw_only=True, gc=False):
    """What became of an acknowledged order since: new fills, its status now, and, where the venue says it, the amount
    that was traded in all."""

    trader: str
    client_order_id: str
    at_ns: int
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    filled: Decimal | None = None
