"""Bybit's errors: code and words, as its documents have them. Nearly all of them come with HTTP 200."""

from __future__ import annotations

import orjson

from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.spoiled import FORBIDDEN_PAGE
from tidegate.emulator.wire import Reply

__all__ = ["refuse"]

_STALE = "invalid request, please check your server timestamp or recv_window param."
_ERRORS = {
    VenueRejection.UNKNOWN_SYMBOL: (170121, "Invalid symbol."),
    VenueRejection.BAD_PARAMETER: (10001, "Request parameter error."),
    VenueRejection.LOT_SIZE: (170137, "Order quantity has too many decimals."),
    VenueRejection.PRICE_FILTER: (170134, "Order price has too many decimals."),
    VenueRejection.PERCENT_PRICE: (170193, "Buy order price cannot be higher than the upper limit."),
    VenueRejection.NOTIONAL: (170140, "Order value exceeded lower limit."),
    VenueRejection.INSUFFICIENT_BALANCE: (170131, "Insufficient balance."),
    VenueRejection.DUPLICATE_ID: (170141, "Duplicate clientOrderId."),
    VenueRejection.POST_ONLY: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
    VenueRejection.MARKET_CLOSED: (170151, "The trading pair is not open yet."),
    VenueRejection.MAINTENANCE: (10016, "Service not available."),
    VenueRejection.NO_SUCH_ORDER: (170213, "Order does not exist."),
    VenueRejection.NOT_CANCELABLE: (170213, "Order does not exist."),
    VenueRejection.UNKNOWN_KEY: (10003, "API key is invalid."),
    VenueRejection.BAD_SIGNATURE: (10004, "Error sign, please check your signature generation algorithm."),
    VenueRejection.TOO_OLD: (10002, _STALE),
    VenueRejection.FROM_THE_FUTURE: (10002, _STALE),
    VenueRejection.REVOKED: (10003, "API key is invalid."),
    VenueRejection.WRONG_ADDRESS: (10010, "Unmatched IP, please check your API key's bound IP addresses."),
    VenueRejection.NO_PERMISSION: (10005, "Permission denied, please check your API key permissions."),
    VenueRejection.SUSPENDED: (10027, "Transactions are banned."),
    VenueRejection.RATE_LIMITED: (10006, "Too many visits. Exceeded the API Rate Limit."),
    VenueRejection.STATUS_UNKNOWN: (10000, "Server Timeout"),
    VenueRejection.UNEXPECTED_RESPONSE: (10016, "Server error."),
    VenueRejection.INTERNAL_ERROR: (170032, "Network error. Please try again later"),
    VenueRejection.DISCONNECTED: (170146, "Order creation timeout"),
    VenueRejection.UNMAPPED: (999999, "An undocumented error."),
}


def refuse(refusal: VenueRejection, *, now_ms: int, until_ms: int, status: int | None = None) -> Reply:
    """Say a refusal as Bybit does; `until_ms` is when a limit ends. A banned address gets a page, and no hint."""
    if refusal is VenueRejection.FORBIDDEN:
        return Reply(FORBIDDEN_PAGE, status=status or 403, content_type="text/html")
    if refusal is VenueRejection.BANNED:
        return Reply(b"403, access too frequent", status=status or 403, content_type="text/plain")
    code, message = _ERRORS[refusal]
    headers = f"X-Bapi-Limit-Reset-Timestamp: {until_ms}\r\n" if refusal is VenueRejection.RATE_LIMITED else ""
    said = {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": now_ms}
    return Reply(orjson.dumps(said), status=status or 200, headers=headers)
