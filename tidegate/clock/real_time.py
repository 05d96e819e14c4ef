"""Operators of reactivex that would wait in real time, noticed where time is simulated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import get_ident
from types import FrameType
from typing import NoReturn, TypeVar

from reactivex import abc, typing
from reactivex.scheduler import TimeoutScheduler

__all__ = ["no_real_time"]

_State = TypeVar("_State")


@contextmanager
def no_real_time(clock: str) -> Iterator[None]:
    """Within it, an operator of reactivex that waits without a scheduler is an error; `clock` is what to pass instead.

    Without `scheduler=` they count on a timer thread of their own, in real time, while simulated time flies.

    Raises:
        TypeError: at the end, when one did, even where the stream swallowed the error. It names the operator.
    """
    singletons = TimeoutScheduler._global  # noqa: SLF001 - reactivex offers no way to set its default scheduler
    before = TimeoutScheduler.singleton()
    refusing = _Refusing.of(clock)
    singletons[TimeoutScheduler] = refusing
    try:
        yield
    finally:
        singletons[TimeoutScheduler] = before
        if refusing.noticed is not None:
            raise refusing.noticed


class _Refusing(TimeoutScheduler):
    """Stands in for reactivex's default scheduler, on one thread; on others it is as before."""

    noticed: TypeError | None
    _clock: str
    _thread: int

    @classmethod
    def of(cls, clock: str) -> _Refusing:
        """A new one: the class it extends has only one."""
        self = object.__new__(cls)
        self.noticed, self._clock, self._thread = None, clock, get_ident()
        super(TimeoutScheduler, self).__init__()
        return self

    @property
    def now(self) -> datetime:
        self._refuse()
        return super().now

    def schedule(self, action: abc.ScheduledAction[_State], state: _State | None = None) -> abc.DisposableBase:
        self._refuse()
        return super().schedule(action, state)

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: abc.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        self._refuse()
        return super().schedule_relative(duetime, action, state)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: abc.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        self._refuse()
        return super().schedule_absolute(duetime, action, state)

    def _refuse(self) -> None:
        if get_ident() == self._thread:
            self._raise()

    def _raise(self) -> NoReturn:
        named = f"{_operator()}() has no scheduler and would wait in real time: pass scheduler={self._clock}"
        self.noticed = self.noticed or TypeError(named)
        raise self.noticed


def _operator() -> str:
    """The operator of reactivex that asked for the default scheduler."""
    name, frame = "an operator", sys._getframe(3)  # noqa: SLF001
    walked: FrameType | None = frame
    while walked is not None:
        module = str(walked.f_globals.get("__name__", ""))
        if module.startswith(("reactivex.operators._", "reactivex.observable.")):
            if "TimeoutScheduler" in walked.f_globals:
                name = module.rpartition(".")[2].lstrip("_")
            elif not module.startswith("reactivex.observable."):
                break
        walked = walked.f_back
    return name
