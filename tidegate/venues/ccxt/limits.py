"""What venues say of their limits: in headers, beside their markets, and in the words with which they send us away."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

__all__ = ["LimitKind", "ReportedLimit", "banned_until_ms", "read_away", "read_limits", "retry_after_s"]


class LimitKind(StrEnum):
    """What is counted: the weight of requests from an address, an account's orders, requests to one endpoint."""

    WEIGHT = "request weight"
    ORDERS = "orders"
    ENDPOINT = "requests to this endpoint"


class ReportedLimit(Struct, frozen=True, kw_only=True, gc=False):
    """What a venue counts in windows of `window_s`: `used` so far, at most `limit`; None where it does not tell.

    `resets_ms` is when it begins anew, in the venue's time, where it tells.
    """

    kind: LimitKind
    window_s: float
    used: int | None = None
    limit: int | None = None
    resets_ms: int | None = None


_UNIT_S = {"S": 1, "M": 60, "H": 3600, "D": 86_400}
_HEADER = re.compile(r"x-mbx-(used-weight|order-count)-(\d+)([smhd])$")
_BESIDE_MARKETS = re.compile(
    r'"rateLimitType":\s*"(REQUEST_WEIGHT|ORDERS)",\s*"interval":\s*"([SMHD])[A-Z]*",\s*"intervalNum":\s*(\d+),'
    r'\s*"limit":\s*(\d+)'
)
_IN_WORDS = re.compile(r"current limit is (\d+) (request weight|orders) per (\d+) ([SMHD])")
_HEAD = 2000  # characters in which the limits stand, of an answer that may have millions
_KINDS = {
    "used-weight": LimitKind.WEIGHT,
    "order-count": LimitKind.ORDERS,
    "REQUEST_WEIGHT": LimitKind.WEIGHT,
    "ORDERS": LimitKind.ORDERS,
    "request weight": LimitKind.WEIGHT,
    "orders": LimitKind.ORDERS,
}
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_BANNED_FOR_S = {"access too frequent": 600.0}  # bybit tells no end, and its documents ten minutes


def read_limits(headers: Mapping[str, str], text: str) -> Iterator[ReportedLimit]:
    """What an answer says of the venue's limits."""
    lower = {name.lower(): value for name, value in headers.items()}
    for name, value in lower.items():
        if (counted := _counted_in(name)) is not None and value.isdigit():
            yield ReportedLimit(kind=counted[0], window_s=counted[1], used=int(value))
    limit, left = lower.get("x-bapi-limit", ""), lower.get("x-bapi-limit-status", "")
    if limit.isdigit() and left.isdigit():
        reset = lower.get("x-bapi-limit-reset-timestamp", "")
        resets_ms = int(reset) if reset.isdigit() else None
        used = int(limit) - int(left)
        yield ReportedLimit(kind=LimitKind.ENDPOINT, window_s=1, used=used, limit=int(limit), resets_ms=resets_ms)
    for said in _BESIDE_MARKETS.finditer(text, 0, _HEAD):
        yield ReportedLimit(kind=_KINDS[said[1]], window_s=int(said[3]) * _UNIT_S[said[2]], limit=int(said[4]))
    if (words := _IN_WORDS.search(text, 0, _HEAD)) is not None:
        full = int(words[1])
        yield ReportedLimit(kind=_KINDS[words[2]], window_s=int(words[3]) * _UNIT_S[words[4]], used=full, limit=full)


@lru_cache(maxsize=1024)
def _counted_in(header: str) -> tuple[LimitKind, float] | None:
    """What a header counts, and in how many seconds; None of another header."""
    found = _HEADER.match(header)
    return None if found is None else (_KINDS[found[1]], int(found[2]) * _UNIT_S[found[3].upper()])


def banned_until_ms(text: str) -> int | None:
    """Until when the words of a venue say that our address is banned, in its time."""
    found = _BANNED_UNTIL.search(text)
    return int(found[1]) if found else None


def retry_after_s(headers: Mapping[str, str], now_ms: float) -> float | None:
    """Seconds, or the date until which to wait; None where neither can be read."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if said is None:
        return None
    try:
        after_s = float(said)
    except ValueError:
        try:
            after_s = parsedate_to_datetime(said).timestamp() - now_ms / 1000
        except ValueError:
            return None
    return max(after_s, 0.0) if math.isfinite(after_s) else None


def read_away(headers: Mapping[str, str], text: str, now_ms: float) -> tuple[float | None, bool]:
    """For how many seconds a venue that sends us away wants to be left alone, None where it does not tell; and whether
    its words say that this is a ban."""
    after_s, until_ms = retry_after_s(headers, now_ms), banned_until_ms(text)
    banned_s = next((for_s for words, for_s in _BANNED_FOR_S.items() if words in text), None)
    if until_ms is not None:
        banned_s = max((until_ms - now_ms) / 1000, 0.0)
    told = [for_s for for_s in (after_s, banned_s) if for_s is not None]
    return max(told, default=None), banned_s is not None
