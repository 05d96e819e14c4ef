"""The market data of a venue as it comes: by requests, and by websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.clock import Clock
from tidegate.market.ccxt.exchange import CcxtExchange
from tidegate.venues.ccxt.calls import recorded
from tidegate.venues.ccxt.troubles import Troubles
from tidegate.venues.ccxt.websocket import Websocket

__all__ = ["VenueFeed"]

_T = TypeVar("_T")
_R = TypeVar("_R")


class VenueFeed:
    """How an exchange is asked by REST, and listened to by websocket. Nothing that goes wrong there leaves it.

    At most `max_concurrent` requests are under way, each for `timeout_s` at most; while the venue wants to be left
    alone, none is made. When the websocket is silent for `silent_after_s`, it is closed and opened again.
    The venue's clock is `ahead_ns()` ahead of ours. Memory: what waits for its place.
    """

    def __init__(
        self,
        exchange: CcxtExchange,
        troubles: Troubles,
        *,
        clock: Clock,
        ahead_ns: Callable[[], int],
        max_concurrent: int,
        timeout_s: float,
        silent_after_s: float,
    ) -> None:
        self.exchange, self.clock, self.ahead_ns = exchange, clock, ahead_ns
        self._troubles = troubles
        self._places = asyncio.Semaphore(max_concurrent)
        self._timeout_s = timeout_s
        self._websocket = Websocket(
            exchange.close_ws_clients, troubles, clock=clock, timeout_s=timeout_s, silent_after_s=silent_after_s
        )

    async def ask(self, where: str, request: Callable[[], Awaitable[_T]], take: Callable[[_T], _R]) -> _R | None:
        """What `take` makes of the answer to a request; None when one of them failed, or it is too early to ask."""
        async with self._places:
            if self.clock.now_ns() < self._troubles.again_ns(where):
                return None
            with recorded() as call:
                try:
                    async with asyncio.timeout(self._timeout_s) as limit:
                        answer = await request()
                    taken = take(answer)
                except Exception as error:
                    self._troubles.note(where, _named(error, limit, self._timeout_s), call)
                    return None
            self._troubles.answered(where)
            return taken

    async def pause(self, where: str) -> None:
        """Come back when it is time to try again there."""
        await self.clock.sleep_until(self._troubles.again_ns(where))

    async def listen(
        self,
        where: str,
        watch: Callable[[], Awaitable[_T]],
        on_message: Callable[[_T], None],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Pass each websocket message to `on_message`, until cancelled; call `lost` when messages may be missing."""
        await self._websocket.listen(where, watch, on_message, lost)


def _named(error: Exception, limit: asyncio.Timeout, timeout_s: float) -> Exception:
    return TimeoutError(f"silent for {timeout_s:g} s") if limit.expired() else error
