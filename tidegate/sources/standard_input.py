"""Signals from standard input, read by a thread of its own so that waiting for a line holds nothing up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock, Semaphore, Thread
from typing import BinaryIO

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from tidegate.clock import Clock
from tidegate.domain.signal import Raw

__all__ = ["read_lines"]

_LOOK_AGAIN_S = 0.001


def read_lines(file: BinaryIO, *, depth: Callable[[], int], depth_max: int, clock: Clock) -> Observable[Raw]:
    """Each line of `file` as a signal; while `depth_max` signals are under way, none is let in.

    No more than that is read: the writer has to wait, however long the loop is busy.

    Emits when:      a line is complete and there is room; blank ones are left out.
    Completes when:  the file is at its end.
    Errors when:     reading raises.
    Memory:          at most `depth_max` lines.
    """

    def subscribe(observer: abc.ObserverBase[Raw], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        reading = _Reading(file, observer, depth, depth_max, clock)
        Thread(target=reading.read, name="standard input", daemon=True).start()
        return Disposable(reading.stop)

    return Observable(subscribe)


class _Reading:
    """What the thread has read, and the loop not taken yet."""

    def __init__(
        self, file: BinaryIO, observer: abc.ObserverBase[Raw], depth: Callable[[], int], depth_max: int, clock: Clock
    ) -> None:
        self._file, self._observer, self._clock = file, observer, clock
        self._depth, self._depth_max = depth, depth_max
        self._room = Semaphore(depth_max)
        self._lines: deque[bytes] = deque()
        self._lock = Lock()
        self._woken = self._stopped = False
        self._end: Callable[[], None] | None = None

    def read(self) -> None:
        """In the thread: read while there is room."""
        end = self._observer.on_completed
        try:
            for line in self._file:
                if payload := line.strip():
                    self._room.acquire()
                    if self._stopped:
                        return
                    self._hand_over(payload)
        except (OSError, ValueError) as error:
            self._at_end(partial(self._observer.on_error, error))
        else:
            self._at_end(end)

    def stop(self) -> None:
        """On the loop: take nothing more. The thread ends with the next line."""
        self._stopped = True
        self._room.release()

    def _hand_over(self, payload: bytes) -> None:
        with self._lock:
            self._lines.append(payload)
        self._wake()

    def _at_end(self, end: Callable[[], None]) -> None:
        with self._lock:
            self._end = end
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            woken, self._woken = self._woken, True
        if not woken:
            try:
                self._clock.call_threadsafe(self._take)
            except RuntimeError:  # the loop is closed: no subscriber is left
                self._stopped = True

    def _take(self) -> None:
        """On the loop: let in what there is room for."""
        while self._lines and not self._stopped:
            if self._depth() >= self._depth_max:
                self._clock.call_after(_LOOK_AGAIN_S, self._take)
                return
            self._observer.on_next(Raw(self._lines.popleft(), may_say_now=True))
            self._room.release()
        with self._lock:
            if self._lines and not self._stopped:
                self._clock.call_soon(self._take)
                return
            self._woken, end = False, self._end
        if end is not None and not self._stopped:
            end()
