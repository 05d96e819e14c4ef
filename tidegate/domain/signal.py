"""What somebody asks for: a signal, as it is understood after reading."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from tidegate.domain.reasons import Reason

__all__ = ["OrderType", "Raw", "Receipt", "Reply", "Side", "Signal"]


class Side(StrEnum):
    """The side of a trade. `NONE` only for a signal that could not be read."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    BUY = "buy"
    SELL = "sell"
    NONE = ""


class OrderType(StrEnum):
    """ccxt's words for how an order is priced."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    LIMIT = "limit"
    MARKET = "market"


class Receipt(Struct, frozen=True, gc=False):
    """The receipt of a signal once it is committed, or shed.

    `signal_id` is None exactly when nothing was recorded: the signal was turned away, for `reason`.
    """

    signal_id: str | None
    reason: Reason | None = None
    redelivered: bool = False

    @property
    def new(self) -> bool:
        """Whether the signal was recorded now, accepted or refused, and not known before."""
        return self.signal_id is not None and not self.redelivered


Reply: TypeAlias = Callable[[Receipt], None]


class Raw(Struct, frozen=True, gc=False):
    """What a source hands in: the bytes as received, and how to answer their sender.

    `generated` marks our own strategies' signals. `may_say_now` lets `"timestamp": "now"` through: files and stdin.
    `signal` is what the bytes say, where they were read before and say the same at any time.
    """

    payload: bytes
    generated: bool = False
    may_say_now: bool = False
    reply: Reply | None = None
    signal: Signal | None = None


class Signal(Struct, frozen=True, gc=False):
    """One request to trade. `timestamp_ns` is when the sender made it, in nanoseconds UTC.

    `id` identifies it permanently, `content` is the hash of what it says, `raw` the bytes as they came. `as_written` is
    the hash by which journals before version 0.2 knew this very notation of its numbers, where it is another one.
    """

    id: str
    content: bytes
    raw: bytes
    symbol: str = ""
    side: Side = Side.NONE
    strength: float = 0.0
    confidence: float = 0.0
    timestamp_ns: int = 0
    source: str = "unnamed"
    key: str | None = None
    price: Decimal | None = None
    order_type: OrderType | None = None
    ttl_s: float | None = None
    quantity: Decimal | None = None
    trader: str | None = None
    tags: tuple[str, ...] = ()
    generated: bool = False
    as_written: bytes = b""
