"""One websocket of a venue, listened to without end: nothing that goes wrong there leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.clock import Clock
from tidegate.venues.ccxt.troubles import Troubles

__all__ = ["Websocket"]

_T = TypeVar("_T")


class Websocket:
    """The websocket of one exchange object, which several listeners may share.

    When it delivers nothing at all for `silent_after_s`, it is closed, for `timeout_s` at most, and opened again; None
    waits without end. Memory: a few numbers.
    """

    def __init__(
        self,
        close: Callable[[], Awaitable[object]],
        troubles: Troubles,
        *,
        clock: Clock,
        timeout_s: float,
        silent_after_s: float | None,
    ) -> None:
        self._close, self._troubles, self._clock = close, troubles, clock
        self._timeout_s, self._silent_after_s = timeout_s, silent_after_s
        self._received_ns = clock.now_ns()

    async def listen(
        self,
        where: str,
        watch: Callable[[], Awaitable[_T]],
        on_message: Callable[[_T], None],
        lost: Callable[[], None] = lambda: None,
        *,
        alone: bool = False,
    ) -> None:
        """Pass each message to `on_message`, until cancelled; call `lost` when messages may be missing.

        A failure is noted, and the next try waits for as long as `Troubles` says. A listener that is `alone` begins
        each with a new connection.
        """
        while True:
            try:
                async with asyncio.timeout(self._silent_after_s) as limit:
                    message = await watch()
                self._received_ns = self._clock.now_ns()
                on_message(message)
                self._troubles.over(where)
                continue
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                error: Exception = ConnectionError("the websocket was closed")  # ccxt cancels what it had promised
            except Exception as failure:
                if limit.expired() and not self._is_silent():
                    continue  # others are served: this market is quiet
                error = TimeoutError(f"silent for {self._silent_after_s:g} s") if limit.expired() else failure
            lost()
            self._troubles.note(where, error)
            if alone or limit.expired():
                await self._renew(where)
            await self._clock.sleep_until(self._troubles.again_ns(where))

    def _is_silent(self) -> bool:
        return self._clock.now_ns() - self._received_ns >= (self._silent_after_s or 0) * 1e9

    async def _renew(self, where: str) -> None:
        """Close it: ccxt takes what was subscribed to for subscribed, as long as it is open."""
        self._received_ns = self._clock.now_ns()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._close()
        except Exception as error:
            self._troubles.note(where, error)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
