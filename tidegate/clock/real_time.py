"""Operators of reactivex that would wait in real time, noticed where time is simulated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from threading import get_ident
from types import FrameType

from reactivex.scheduler import TimeoutScheduler

__all__ = ["no_real_time"]

_WAIT = ("reactivex.operators._", "reactivex.observable.")


@contextmanager
def no_real_time(clock: str) -> Iterator[None]:
    """Within it, an operator of reactivex that waits without a scheduler is an error; `clock` is what to pass instead.

    Without `scheduler=` it would take a timer thread, and real time, while simulated time flies. The operator's stream
    errors when it is subscribed. Other threads are not affected. `ops.timestamp` and `ops.time_interval` go unnoticed.

    Raises:
        TypeError: at the end, when there was one, even where the stream swallowed the error. It names the operator.
    """
    before = TimeoutScheduler._global  # noqa: SLF001 - reactivex offers no way to set its default scheduler
    refusing = TimeoutScheduler._global = _Refusing(clock, before)  # noqa: SLF001
    try:
        yield
    finally:
        TimeoutScheduler._global = before  # noqa: SLF001
    if refusing.noticed is not None:
        raise refusing.noticed


class _Refusing(dict[type, TimeoutScheduler]):
    """Stands in for the place where reactivex keeps its default scheduler: on one thread there is none."""

    def __init__(self, clock: str, before: MutableMapping[type, TimeoutScheduler]) -> None:
        super().__init__()
        self.noticed: TypeError | None = None
        self._clock, self._before, self._thread = clock, before, get_ident()

    def __getitem__(self, scheduler: type) -> TimeoutScheduler:
        if get_ident() != self._thread:
            return self._before[scheduler]
        error = TypeError(f"{_operator()} has no scheduler and would wait in real time: pass scheduler={self._clock}")
        self.noticed = self.noticed or error
        raise error

    def __setitem__(self, scheduler: type, made: TimeoutScheduler) -> None:
        self._before[scheduler] = made


def _operator() -> str:
    """The operator of reactivex that asked for the default scheduler."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(_WAIT):
            return f"{module.rpartition('.')[2].lstrip('_')}()"
        frame = frame.f_back
    return "an operator"
