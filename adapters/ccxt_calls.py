"""What really happened on the wire during one call of ccxt: whether a request was begun, and the answer to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Call", "recorded", "watch"]


@dataclass(slots=True)
class Call:
    """The wire's side of one call. A call may ask other things before what it is for.

    `sent` says that a request was begun which may have been the order `order_id`: one that carries this id, or that is
    not a GET; on an exchange of which it is not known that it takes no orders by GET, any request. `status`, `headers`
    and `body` are of the answer to the last request; `status` is None where none came.
    """

    order_id: str = ""
    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


_SENT_AWAY = (403, 418, 429)
_LONGEST_S = 600.0
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_CURRENT: ContextVar[Call | None] = ContextVar("ccxt_call", default=None)


@contextmanager
def recorded(order_id: str = "") -> Iterator[Call]:
    """The call that is made within, by this task or by tasks that it starts; with an id, it sends that order."""
    call = Call(order_id)
    token = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(token)


def away_s(headers: Mapping[str, str], text: str, now_ms: int) -> float | None:
    """For how many seconds a venue that sends us away wants to be left alone; None where it does not tell."""
    if (until := _BANNED_UNTIL.search(text)) is not None:
        return max((int(until[1]) - now_ms) / 1000, 0.0)
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(said) if said.strip().isdigit() else None


def watch(
    exchange: Any,
    stamp: Callable[[], Mapping[str, str]] = dict,
    left_alone_until_ms: dict[str, float] | None = None,
    *,
    gets_only_read: bool = True,
) -> None:
    """Let an exchange tell the current call of every request and answer, and refuse bodies that say nothing.

    A request that is not a GET gets the headers that `stamp` gives at that moment. An answer that is neither an object
    nor a list raises `BadResponse`, where ccxt would pass it on as if nothing had been found. A venue that sends us
    away, by 403, 418 or 429, is asked nothing until the time it named is over, else for a second, the next time for
    two, and so on up to ten minutes: `RateLimitExceeded` instead. Exchanges that are given the same
    `left_alone_until_ms`, by host, leave it alone together, as a ban is for an address. `gets_only_read` says that this
    exchange takes no orders by GET; one that is about to leave so nevertheless raises `NotSupported`.
    """
    from ccxt.base.errors import BadResponse, NotSupported, RateLimitExceeded

    fetch = exchange.fetch
    left_alone = {} if left_alone_until_ms is None else left_alone_until_ms
    sent_away = 0

    async def watched(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        left_alone_ms = left_alone.get(urlsplit(url).netloc, 0) - exchange.milliseconds()
        if left_alone_ms > 0:
            raise RateLimitExceeded(f"{exchange.id} is left alone for {left_alone_ms / 1000:g} s more, as it wants")
        call = _CURRENT.get()
        if call is not None:
            call.status, call.headers, call.body = None, {}, ""
            carries = call.order_id != "" and call.order_id in f"{url} {body}"
            if carries and method == "GET":  # the transport sends those again unasked
                raise NotSupported(f"{exchange.id} sends orders by GET: such a request may be repeated on its way")
            call.sent = call.sent or method != "GET" or carries or not gets_only_read
        if method != "GET":
            headers = {**(headers or {}), **stamp()}
        answer = await fetch(url, method, headers, body)
        if not isinstance(answer, dict | list):
            asked = f"{exchange.id} {method} {urlsplit(url).path}"
            raise BadResponse(f"{asked}: the answer is neither an object nor a list")
        return answer

    def on_answer(status: int, *answer: Any) -> Any:
        _reason, url, _method, headers, text, *_ = answer
        call = _CURRENT.get()
        if call is not None:
            call.status, call.headers, call.body = status, dict(headers), text
        nonlocal sent_away
        if status in _SENT_AWAY:
            now_ms = exchange.milliseconds()
            named_s = away_s(headers, text, now_ms)
            wait_s = min(2.0**sent_away, _LONGEST_S) if named_s is None else named_s
            host = urlsplit(url).netloc
            left_alone[host] = max(left_alone.get(host, 0), now_ms + 1000 * wait_s)
            sent_away += 1
        elif status < 400:
            sent_away = 0
        return text

    exchange.fetch, exchange.on_rest_response = watched, on_answer
