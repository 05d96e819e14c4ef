"""One pending timer, for what has to happen at the earliest of many moments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """A timer that calls `fn` once, at the earliest moment it was set to since it last rang.

    Whoever waits for the earliest of many moments sets it for each of them, and again when it has rung: it costs a
    timer only when the new moment is earlier. Made by `Clock.alarm`. Memory: one timer.
    """

    def __init__(self, call_at: Callable[[int, Callable[[], None]], asyncio.Handle], fn: Callable[[], object]) -> None:
        self._call_at = call_at
        self._fn = fn
        self._at_ns: int | None = None
        self._timer: asyncio.Handle | None = None

    @property
    def at_ns(self) -> int | None:
        """The moment at which it rings, in nanoseconds UTC, or None when it is not set."""
        return self._at_ns

    def set(self, at_ns: int) -> None:
        """Ring at `at_ns`, unless it rings before; a moment in the past rings at once, not within this call."""
        if self._at_ns is None or at_ns < self._at_ns:
            self.clear()
            self._at_ns = at_ns
            self._timer = self._call_at(at_ns, self._ring)

    def clear(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
        self._at_ns = self._timer = None

    def _ring(self) -> None:
        self._at_ns = self._timer = None
        self._fn()
