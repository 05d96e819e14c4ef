"""Streams of the user's own, which may emit on any thread, brought to the loop."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import TypeVar

from reactivex import Observable, abc

from tidegate.clock import Clock

__all__ = ["taken_over"]

_T = TypeVar("_T")


def taken_over(clock: Clock) -> Callable[[Observable[_T]], Observable[_T]]:
    """Let the loop take over what comes from another thread; timers without a scheduler go by `clock`.

        -a--b-|      b comes from another thread
        -a---b|      in the loop's next turn

    Emits when:      upstream emits on the loop's thread, else a turn later.
    Completes when:  upstream completes, likewise.
    Errors when:     upstream errors, likewise.
    Memory:          what the loop has not taken over yet.
    """

    def stage(source: Observable[_T]) -> Observable[_T]:
        def subscribe(observer: abc.ObserverBase[_T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            thread = get_ident()

            def on_next(item: _T) -> None:
                if get_ident() == thread:
                    observer.on_next(item)
                else:
                    clock.call_threadsafe(observer.on_next, item)

            def on_error(error: Exception) -> None:
                if get_ident() == thread:
                    observer.on_error(error)
                else:
                    clock.call_threadsafe(observer.on_error, error)

            def on_completed() -> None:
                if get_ident() == thread:
                    observer.on_completed()
                else:
                    clock.call_threadsafe(observer.on_completed)

            return source.subscribe(on_next, on_error, on_completed, scheduler=clock)

        return Observable(subscribe)

    return stage
