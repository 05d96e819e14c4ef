"""Every request of an exchange on its way out: in its turn, and with a clock that the venue agrees with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tidegate.domain.errors import TidegateError
from tidegate.venues.ccxt.address import PRIORITY, Priority, RequestBudget, RequestBudgets, asked_as
from tidegate.venues.ccxt.calls import host_of
from tidegate.venues.ccxt.meaning import CLOCK_SKEW
from tidegate.venues.ccxt.quirks import Quirks

__all__ = ["Timekeeping", "encode_plainly", "hosts_of", "in_turn", "says_clock_skew"]

_MEASURED_EVERY_S = 1.0
_MEASURES_S = 15.0

_is_plain = re.compile(r"[\w.~&=-]*", re.ASCII).fullmatch
_PLAIN = {str, int}


def says_clock_skew(error: BaseException, quirks: Quirks) -> bool:
    """Whether a venue refused a request because of the time it was signed with."""
    return type(error).__name__ == "InvalidNonce" or quirks.codes.ruling(*quirks.codes.find(str(error))) is CLOCK_SKEW


class Timekeeping:
    """Measures the venue's clock anew when a request was refused for its time: once for all that were, at most once a
    second. Memory: one task."""

    def __init__(self, measure: Callable[[], Awaitable[object]]) -> None:
        self._measure = measure
        self._measuring: asyncio.Task[None] | None = None
        self._measured_s = 0.0
        self.times = 0

    async def correct(self, times: int) -> bool:
        """Measure, unless that was done since `times` was read; gives whether it is measured anew."""
        if self.times != times:
            return True
        loop = asyncio.get_running_loop()
        if self._measuring is None or self._measuring.done():
            if self.times and loop.time() - self._measured_s < _MEASURED_EVERY_S:
                return False
            self._measuring = loop.create_task(self._run(), name="measuring a venue's clock")
        await asyncio.shield(self._measuring)
        return self.times != times

    async def _run(self) -> None:
        with asked_as(Priority.ORDER), suppress(TidegateError, TimeoutError):
            async with asyncio.timeout(_MEASURES_S):
                await self._measure()
            self.times += 1
            self._measured_s = asyncio.get_running_loop().time()


def in_turn(exchange: Any, addresses: RequestBudgets, quirks: Quirks, timekeeping: Timekeeping) -> None:
    """Let every request of an exchange wait for its turn at its address, before it is signed.

    Orders do not wait: `asked_as(Priority.ORDER)`. What is refused for its time has the venue's clock measured anew; it
    is asked once more, unless it is an order.

    Raises, at each request:
        LeftAlone: nothing was sent.
    """
    request, address_of = exchange.request, _known(exchange, addresses)

    async def turned(
        path: str,
        api: Sequence[str] | str = "public",
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Any:
        address = address_of(api)
        params, config = params or {}, config or {}
        priority = PRIORITY.get()

        async def once() -> Any:
            cost = float(exchange.calculate_rate_limiter_cost(api, method, path, params, config) or 0)
            if priority is Priority.ORDER:
                address.spend(cost)
            else:
                await address.turn(cost, priority, path)
            return await request(path, api, method, params, config)

        times = timekeeping.times
        try:
            return await once()
        except Exception as error:
            if not says_clock_skew(error, quirks):
                raise
            if not await timekeeping.correct(times) or priority is Priority.ORDER:
                raise
        return await once()

    exchange.request = turned


def encode_plainly(exchange: Any) -> None:
    """Let an exchange write queries in which nothing needs quotes without looking at each character of them."""
    urlencode = exchange.urlencode

    def encoded(params: Mapping[str, Any], *how: Any, **named: Any) -> str:
        if not how and not named and {*map(type, params.values())} <= _PLAIN:
            query = "&".join([f"{name}={value}" for name, value in params.items()])
            alone = query.count("=") == len(params) == query.count("&") + 1
            if alone and _is_plain(query) is not None:
                return query
        return str(urlencode(params, *how, **named))

    exchange.urlencode = encoded


def hosts_of(exchange: Any) -> set[str]:
    """The hosts, with their ports, that an exchange would talk to."""
    return {host_of(url.replace("{hostname}", exchange.hostname or "")) for url in _texts(exchange.urls["api"])}


def _known(exchange: Any, addresses: RequestBudgets) -> Callable[[Sequence[str] | str], RequestBudget]:
    """The address of each part of an exchange's API, looked for once."""
    known: dict[str, RequestBudget] = {}

    def address_of(api: Sequence[str] | str) -> RequestBudget:
        name = api if isinstance(api, str) else ".".join(api)
        if (address := known.get(name)) is None:
            address = known[name] = _address_of(exchange, api, addresses)
        return address

    return address_of


def _address_of(exchange: Any, api: Sequence[str] | str, addresses: RequestBudgets) -> RequestBudget:
    tree = exchange.urls["api"]
    for step in [api] if isinstance(api, str) else api:
        tree = tree.get(step, tree) if isinstance(tree, Mapping) else tree
    return addresses.of(host_of(next(_texts(tree), "").replace("{hostname}", exchange.hostname or "")))


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for branch in tree.values():
            yield from _texts(branch)
    elif isinstance(tree, str):
        yield tree
