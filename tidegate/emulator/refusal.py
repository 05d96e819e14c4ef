"""Why an exchange answers with an error, in words that belong to no exchange."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["VenueRejection"]


class VenueRejection(StrEnum):
    """One error an exchange can give. A dialect says each of them in its exchange's own code and words.

    The ledger gives some on its own; all of them can be scripted, each under its own name as a kind of fault.
    """

    UNKNOWN_SYMBOL = "unknown_symbol"
    BAD_PARAMETER = "bad_parameter"
    LOT_SIZE = "lot_size"
    PRICE_FILTER = "price_filter"
    PERCENT_PRICE = "percent_price"
    NOTIONAL = "notional"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    DUPLICATE_ID = "duplicate_id"
    POST_ONLY = "post_only"
    MARKET_CLOSED = "market_closed"
    MAINTENANCE = "maintenance"
    NO_SUCH_ORDER = "no_such_order"
    NOT_CANCELABLE = "not_cancelable"

    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    REVOKED = "revoked"
    WRONG_ADDRESS = "wrong_address"
    NO_PERMISSION = "no_permission"
    SUSPENDED = "suspended"

    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    FORBIDDEN = "forbidden"

    STATUS_UNKNOWN = "status_unknown"
    UNEXPECTED_RESPONSE = "unexpected_response"
    INTERNAL_ERROR = "internal_error"
    DISCONNECTED = "disconnected"
    UNMAPPED = "unmapped"
