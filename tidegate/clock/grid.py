"""Moments at equal distances, and ticks that sit on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

__all__ = ["GridTimer", "next_on_grid"]


def next_on_grid(anchor_ns: int, every_ns: int, at_ns: int) -> int:
    """The first of `anchor_ns`, `anchor_ns + every_ns`, ... that is not before `at_ns`."""
    return anchor_ns + max(0, -((anchor_ns - at_ns) // every_ns)) * every_ns


class _Time(Protocol):
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    def now_ns(self) -> int: ...
    def call_at(self, at_ns: int, fn: Callable[[], object], /) -> asyncio.Handle: ...


class GridTimer:
    """Calls `fn(tick_ns)` at each point of a grid, from `anchor_ns` on, until it is cancelled.

    The points do not drift, however long `fn` takes. A point that is passed by a whole period is left out: after a
    pause there is one tick, not a burst. What `fn` raises goes to the loop's exception handler, and the ticks go on.
    """

    def __init__(self, time: _Time, anchor_ns: int, every_ns: int, fn: Callable[[int], object]) -> None:
        self._time, self._every_ns, self._fn = time, every_ns, fn
        self._next_ns = anchor_ns
        self._timer: asyncio.Handle | None = time.call_at(anchor_ns, self._tick)

    def cancel(self) -> None:
        """No further tick."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        every_ns, at_ns = self._every_ns, self._next_ns
        at_ns += max(0, self._time.now_ns() - at_ns) // every_ns * every_ns
        self._next_ns = at_ns + every_ns
        try:
            self._fn(at_ns)
        except Exception as error:
            self._time.loop.call_exception_handler({"message": f"exception in the tick of {at_ns}", "exception": error})
        if self._timer is not None:
            self._timer = self._time.call_at(self._next_ns, self._tick)
