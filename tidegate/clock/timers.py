"""What a loop has still to run at its time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush

__all__ = ["TimerCall", "Timers"]

_MANY = 128


class Timers:
    """Calls ordered by their time; those of one time come in the order in which they were added.

    Memory: at most twice the calls that are pending, and 128: a timeout that is set and cancelled for each of a
    million orders does not fill it.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, TimerCall]] = []
        self._added = 0
        self._cancelled = 0

    def add(self, call: TimerCall) -> None:
        """Keep a call until its time."""
        self._added += 1
        call.timers = self
        heappush(self._heap, (call.when_ns, self._added, call))

    def next_ns(self) -> int | None:
        """The time of the earliest call, or None when there is none."""
        heap = self._heap
        while heap and heap[0][2].fn is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def take_due(self, now_ns: int) -> list[TimerCall]:
        """Remove and give every call whose time has come."""
        heap, due = self._heap, []
        while heap and heap[0][0] <= now_ns:
            call = heappop(heap)[2]
            if call.fn is None:
                self._cancelled -= 1
            else:
                call.timers = None
                due.append(call)
        return due

    def note_cancelled(self) -> None:
        """One of them was cancelled: when most of them are, drop those."""
        self._cancelled += 1
        if self._cancelled > _MANY and self._cancelled * 2 > len(self._heap):
            self._heap = [timer for timer in self._heap if timer[2].fn is not None]
            heapify(self._heap)
            self._cancelled = 0

    def clear(self) -> None:
        """Drop them all."""
        self._heap.clear()
        self._cancelled = 0


class TimerCall(asyncio.TimerHandle):
    """A callback that is due at `when_ns`. Cancelled, it has no `fn` any more."""

    __slots__ = ("args", "context", "fn", "timers", "when_ns")

    def __init__(
        self, when_ns: int, fn: Callable[..., object], args: tuple[object, ...], context: Context | None
    ) -> None:
        # The base class is for the type only: its own constructor costs as much as all the rest.
        self.when_ns = when_ns
        self.fn: Callable[..., object] | None = fn
        self.args = args
        self.context = context or copy_context()
        self.timers: Timers | None = None

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<call of {self.fn} at {self.when_ns} ns>"

    def when(self) -> float:
        """The loop time at which it is due, in seconds."""
        return self.when_ns / 1e9

    def cancelled(self) -> bool:
        """Whether `cancel()` was called."""
        return self.fn is None

    def cancel(self) -> None:
        """Forget the callback; harmless when it has run already."""
        if self.fn is not None:
            self.fn, self.args = None, ()
            if self.timers is not None:
                self.timers.note_cancelled()
