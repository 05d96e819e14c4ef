"""What really happened on the wire during one call of ccxt: whether a request was begun, and the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tidegate.venues.ccxt.address import PRIORITY, Priority, RequestBudgets
from tidegate.venues.ccxt.limits import read_limits
from tidegate.venues.ccxt.pace import OrderPace

__all__ = ["ExchangeCall", "host_of", "recorded", "venue_ms_of", "watch"]


@dataclass(slots=True)
class ExchangeCall:
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


_CURRENT: ContextVar[ExchangeCall | None] = ContextVar("ccxt_call", default=None)


@contextmanager
def recorded(order_id: str = "") -> Iterator[ExchangeCall]:
    """The call that is made within, by this task or by tasks that it starts; with an id, it sends that order."""
    call = ExchangeCall(order_id)
    token = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(token)


def host_of(url: str) -> str:
    """The host of an address, with its port."""
    return urlsplit(url).netloc.rpartition("@")[2]


def watch(
    exchange: Any,
    stamp: Callable[[], Mapping[str, str]] = dict,
    addresses: RequestBudgets | None = None,
    pace: OrderPace | None = None,
    *,
    gets_only_read: bool = True,
) -> None:
    """Let an exchange tell the current call of every request and answer, and refuse bodies that say nothing.

    A request that is not a GET gets the headers that `stamp` gives at that moment. An answer that is neither an object
    nor a list raises `BadResponse`, where ccxt would pass it on as if nothing had been found. What answers say of
    limits goes to their address and to `pace`. A venue that sends us away, by 403, 418 or 429, is sent nothing until
    the time it named is over, else for a second, the next time for two, and so on up to ten minutes: `LeftAlone`
    instead. Exchanges that are given the same `addresses` leave a host alone together. `gets_only_read` says that this
    exchange takes no orders by GET; one that is about to leave so nevertheless raises `NotSupported`.
    """
    from ccxt.base.errors import BadResponse, NotSupported

    fetch = exchange.fetch
    addresses = RequestBudgets() if addresses is None else addresses

    async def watched(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        addresses.of(host_of(url)).check()
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
        counted = tuple(read_limits(headers, text))
        venue_ms, path = venue_ms_of(exchange), urlsplit(url).path
        addresses.of(host_of(url)).heard(status, headers, text, counted=counted, venue_ms=venue_ms, path=path)
        if pace is not None and counted:
            pace.heard(counted, venue_ms, of_an_order=PRIORITY.get() is Priority.ORDER)
        return text

    exchange.fetch, exchange.on_rest_response = watched, on_answer


def venue_ms_of(exchange: Any) -> int:
    """The venue's time in ms, as far as it was measured."""
    return int(exchange.milliseconds() - (exchange.options.get("timeDifference") or 0))
