"""An order as its exchange sees it, and its trades."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tidegate.domain.signal import OrderType, Side

__all__ = ["ExchangeOrder", "Fate", "NewOrder", "Status", "Trade"]


class Status(StrEnum):
    """An order's state. An open one may be partly filled, and so may a canceled or expired one."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    PREVENTED = "prevented"  # it would have traded with its own account


class Fate(StrEnum):
    """What an exchange makes of a good order."""

    TAKEN = "taken"
    DROPPED = "dropped"  # acknowledged, and then forgotten
    CUT = "cut"  # half of it filled, the rest canceled at once
    PREVENTED = "prevented"


class NewOrder(Struct, frozen=True, kw_only=True, gc=False):
    """What a client asks for, read but not judged. Market orders have `amount` or `cost`, limit orders a `price`."""

    id: str
    client_order_id: str
    side: Side
    order_type: OrderType
    amount: Decimal | None
    cost: Decimal | None = None
    price: Decimal | None = None
    time_in_force: str = "GTC"
    post_only: bool = False


class Trade(Struct, frozen=True, kw_only=True, gc=False):
    """One fill. The fee is in the currency received, or in the coin in which the exchange takes all fees."""

    trade_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    at_ms: int


class ExchangeOrder(Struct, kw_only=True):
    """One accepted order. It shows in lookups and lists from `visible_at_ms` on.

    `price` is its limit, or the price a market order met; `cost` is what its trades cost or brought, without fees.
    """

    venue_order_id: str
    client_order_id: str
    symbol: str
    id: str
    side: Side
    order_type: OrderType
    amount: Decimal
    price: Decimal
    time_in_force: str
    post_only: bool
    accepted_at_ms: int
    visible_at_ms: int
    updated_at_ms: int
    status: Status = Status.OPEN
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    trades: list[Trade] = []

    @property
    def remaining(self) -> Decimal:
        """What is not filled."""
        return self.amount - self.filled
