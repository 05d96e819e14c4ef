"""Asking a venue that does not answer again, at the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger

from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable

__all__ = ["Patience"]

_FIRST_S, _LONGEST_S = 1.0, 60.0
_T = TypeVar("_T")


class Patience:
    """Repeats requests that fail, after 1 s, later each time, at most after a minute, and says so; or gives up at once.

    `failed` is awaited after each failure.
    """

    def __init__(self, clock: Clock, *, waits: bool, failed: Callable[[], Awaitable[object]]) -> None:
        self._clock, self._waits, self._failed = clock, waits, failed

    async def until_answered(self, what: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        """What `ask` gives, once it gives anything.

        Raises:
            SettingsError: trying again would not help.
            VenueUnavailable: it failed, and retrying is off.
        """
        pause_s = _FIRST_S
        while True:
            try:
                return await ask()
            except VenueUnavailable as error:
                await self._failed()
                if not self._waits:
                    raise
                wait_s = max(pause_s, getattr(error, "for_s", 0.0))
                logger.warning("{} does not answer yet: {}; it is asked again in {:.0f} s", what, error, wait_s)
                pause_s = min(2 * pause_s, _LONGEST_S)
                await self._clock.sleep(wait_s)
