"""Binance's errors: HTTP status, code, and words, as its documents have them."""

from __future__ import annotations

import orjson

from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.spoiled import FORBIDDEN_PAGE
from tidegate.emulator.wire import Reply

__all__ = ["refuse"]

_TOO_MUCH = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
_WAY_TOO_MUCH = (
    "Way too much request weight used; IP banned until {until_ms}. "
    "Please use WebSocket Streams for live updates to avoid bans."
)
_ERRORS = {
    VenueRejection.UNKNOWN_SYMBOL: (400, -1121, "Invalid symbol."),
    VenueRejection.BAD_PARAMETER: (400, -1102, "A mandatory parameter was not sent, was empty/null, or malformed."),
    VenueRejection.LOT_SIZE: (400, -1013, "Filter failure: LOT_SIZE"),
    VenueRejection.PRICE_FILTER: (400, -1013, "Filter failure: PRICE_FILTER"),
    VenueRejection.PERCENT_PRICE: (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    VenueRejection.NOTIONAL: (400, -1013, "Filter failure: NOTIONAL"),
    VenueRejection.INSUFFICIENT_BALANCE: (400, -2010, "Account has insufficient balance for requested action."),
    VenueRejection.DUPLICATE_ID: (400, -2010, "Duplicate order sent."),
    VenueRejection.POST_ONLY: (400, -2010, "Order would immediately match and take."),
    VenueRejection.MARKET_CLOSED: (400, -1013, "Market is closed."),
    VenueRejection.MAINTENANCE: (503, 1, "System is under maintenance."),
    VenueRejection.NO_SUCH_ORDER: (400, -2013, "Order does not exist."),
    VenueRejection.NOT_CANCELABLE: (400, -2011, "Unknown order sent."),
    VenueRejection.UNKNOWN_KEY: (401, -2008, "Invalid Api-Key ID."),
    VenueRejection.BAD_SIGNATURE: (400, -1022, "Signature for this request is not valid."),
    VenueRejection.TOO_OLD: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    VenueRejection.FROM_THE_FUTURE: (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    VenueRejection.REVOKED: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    VenueRejection.WRONG_ADDRESS: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    VenueRejection.NO_PERMISSION: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    VenueRejection.SUSPENDED: (400, -2010, "This action is disabled on this account."),
    VenueRejection.RATE_LIMITED: (
        429,
        -1003,
        _TOO_MUCH,
    ),
    VenueRejection.BANNED: (
        418,
        -1003,
        _WAY_TOO_MUCH,
    ),
    VenueRejection.STATUS_UNKNOWN: (
        408,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
    VenueRejection.UNEXPECTED_RESPONSE: (
        500,
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
    VenueRejection.INTERNAL_ERROR: (500, -1000, "An unknown error occurred while processing the request."),
    VenueRejection.DISCONNECTED: (500, -1001, "Internal error; unable to process your request. Please try again."),
    VenueRejection.UNMAPPED: (400, -9999, "An undocumented error."),
}


def refuse(refusal: VenueRejection, *, now_ms: int, until_ms: int, status: int | None = None) -> Reply:
    """Say a refusal as Binance does; `until_ms` is when a ban or a limit ends."""
    if refusal is VenueRejection.FORBIDDEN:
        return Reply(FORBIDDEN_PAGE, status=status or 403, content_type="text/html")
    usual, code, message = _ERRORS[refusal]
    wait_s = max(1, -(-(until_ms - now_ms) // 1000))
    headers = f"Retry-After: {wait_s}\r\n" if refusal in (VenueRejection.RATE_LIMITED, VenueRejection.BANNED) else ""
    body = orjson.dumps({"code": code, "msg": message.format(until_ms=until_ms)})
    return Reply(body, status=status or usual, headers=headers)
