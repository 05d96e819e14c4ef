"""Signals from standard input, read by a thread of its own so that waiting for a line holds nothing up."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import BinaryIO

from reactivex import Observable, abc
from reactivex.disposable import BooleanDisposable

from clock import Clock
from domain.signal import Raw

__all__ = ["read_lines"]

_LOOK_AGAIN_S = 0.001


def read_lines(file: BinaryIO, *, depth: Callable[[], int], depth_max: int, clock: Clock) -> Observable[Raw]:
    """Each line of `file` as a signal; while `depth_max` signals are under way, nothing more is read.

    Emits when:      a line is complete; blank ones are left out.
    Completes when:  the file is at its end.
    Errors when:     reading raises.
    Memory:          lines read and not yet taken by the loop.
    """

    def subscribe(observer: abc.ObserverBase[Raw], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        disposed = BooleanDisposable()

        def read() -> None:
            try:
                for line in file:
                    while depth() >= depth_max and not disposed.is_disposed:
                        time.sleep(_LOOK_AGAIN_S)
                    if disposed.is_disposed:
                        return
                    if payload := line.strip():
                        clock.call_threadsafe(observer.on_next, Raw(payload, may_say_now=True))
                clock.call_threadsafe(observer.on_completed)
            except (OSError, ValueError) as error:
                clock.call_threadsafe(observer.on_error, error)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return

        Thread(target=read, name="standard input", daemon=True).start()
        return disposed

    return Observable(subscribe)
