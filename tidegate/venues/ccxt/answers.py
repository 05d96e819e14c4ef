"""What a venue's answer to an order means. Unknown is the default; everything else has to be on a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tidegate.domain.order import OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.venues.ccxt.limits import banned_until_ms, retry_after_s
from tidegate.venues.ccxt.meaning import (
    BANNED,
    BY_CLASS,
    NEVER_CONNECTED,
    NEVER_SENT,
    TOO_MANY_FROM_HERE,
    UNKNOWN,
    Meaning,
    Ruling,
)
from tidegate.venues.ccxt.quirks import Quirks
from tidegate.venues.ccxt.redaction import redact

__all__ = ["OrderTaken", "Reading", "read_failure", "read_reply", "says_not_found"]

_ORDER_STATUSES = frozenset(OrderStatus)
_ABOUT_RULES = frozenset({"InvalidOrder", "BadRequest", "BadSymbol"})
_STATUSES: Mapping[int, Ruling] = {418: BANNED, 429: TOO_MANY_FROM_HERE}


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """What an answer that is no acknowledgement means, and why, in the venue's words: redacted and bounded.

    `code` is the venue's own, None where it gave none. `retry_after_s` is how long it wants to be left alone, by
    everybody at our address if `address_wide`; a ban ends at `banned_until_ms`. `about_rules`: it is rejected for what
    the market's rules say of price, amount or cost.
    """

    meaning: Meaning
    reason: Reason
    detail: str
    code: str | None = None
    retry_after_s: float | None = None
    banned_until_ms: int | None = None
    address_wide: bool = False
    about_rules: bool = False


class OrderTaken(Struct, frozen=True, kw_only=True, gc=False):
    """The venue has the order. `filled` is None where it does not tell: that is not zero, it has to be asked."""

    venue_order_id: str
    status: OrderStatus
    filled: Decimal | None = None


def read_failure(
    error: BaseException,
    quirks: Quirks,
    *,
    sent: bool,
    headers: Mapping[str, str],
    now_ms: int,
    status: int | None = None,
    body: str = "",
    secrets: Collection[str] = (),
) -> Reading:
    """What the failure of sending an order means.

    `sent` says that a request was begun that may have been the order; `status`, `headers` and `body` are of the answer
    to it, if there was one. `secrets` are kept out of the detail.
    """
    text = body or str(error)
    code, words = quirks.codes.find(text)
    ruling = _rule(error, quirks, sent, code, words, status)
    until_ms = banned_until_ms(words)
    if until_ms is not None and ruling.meaning is Meaning.REJECTED_FOR_NOW:
        ruling = BANNED
    after_s = retry_after_s(headers, now_ms)
    return Reading(
        meaning=ruling.meaning,
        reason=ruling.reason,
        detail=redact(f"{type(error).__name__}: {text}", secrets),
        code=code,
        retry_after_s=after_s if until_ms is None else max(after_s or 0, (until_ms - now_ms) / 1000),
        banned_until_ms=until_ms,
        address_wide=ruling.address_wide,
        about_rules=ruling.reason is Reason.REJECTED and type(error).__name__ in _ABOUT_RULES,
    )


def read_reply(order: Mapping[str, Any] | None, quirks: Quirks, secrets: Collection[str] = ()) -> OrderTaken | Reading:
    """What a reply of `create_order` means that ccxt took for a success: without the venue's id it is none.

    What it does not tell is not made up: a status that is missing reads as open, fills as not known.
    """
    order = order or {}
    if venue_order_id := order.get("id"):
        return OrderTaken(
            venue_order_id=str(venue_order_id), status=_status(order), filled=_decimal(order.get("filled"))
        )
    said = str(order.get("info") or order)
    code, words = quirks.codes.find_in(order.get("info"))
    ruling = quirks.codes.ruling(code, words) or UNKNOWN
    detail = redact(f"no order id: {said}", secrets)
    return Reading(meaning=ruling.meaning, reason=ruling.reason, detail=detail, code=code)


def says_not_found(error: BaseException, quirks: Quirks, body: str = "") -> bool:
    """Whether a lookup failed because the venue has no such order, in the code that is declared for it."""
    code, _ = quirks.codes.find(body or str(error))
    return type(error).__name__ == "OrderNotFound" and code in quirks.codes.not_found


def _rule(error: BaseException, quirks: Quirks, sent: bool, code: str | None, words: str, status: int | None) -> Ruling:
    if not sent:
        return NEVER_SENT
    if (said := quirks.codes.ruling(code, words)) is not None:
        return said
    if (said := _STATUSES.get(status or 0)) is not None:
        return said
    if code is None and (said := quirks.statuses.get(status or 0)) is not None:
        return said
    if NEVER_CONNECTED & {kind.__name__ for kind in type(error.__cause__).__mro__}:
        return NEVER_SENT
    ruling = BY_CLASS.get(type(error).__name__, UNKNOWN) if type(error).__module__.startswith("ccxt.") else UNKNOWN
    proved = code is not None and (status or 0) < 500
    return ruling if proved or ruling.meaning is Meaning.REJECTED_FOR_NOW else UNKNOWN


def _status(order: Mapping[str, Any]) -> OrderStatus:
    """Some classes call an order closed that was canceled with a part of it filled."""
    told = order.get("status")
    status = OrderStatus(told) if told in _ORDER_STATUSES else OrderStatus.OPEN
    if status is OrderStatus.CLOSED:
        amount, filled = _decimal(order.get("amount")), _decimal(order.get("filled"))
        if amount is not None and filled is not None and filled < amount:
            return OrderStatus.CANCELED
    return status


def _decimal(number: float | str | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))
