"""A stream that should not fall silent, and the alarm when it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from operators.timing import timed
from tidegate.clock import Clock

__all__ = ["watch"]

_T = TypeVar("_T")


@timed
def watch(
    name: str,
    *,
    clock: Clock,
    silent_after_s: float,
    alarm: Callable[[str, float], None],
    alive: Callable[[str], None] | None = None,
) -> Callable[[Observable[_T]], Observable[_T]]:
    """Pass every item, and raise an alarm if none came for `silent_after_s`, or if the stream ends.

        -a--------b--|       silent_after_s=4
        -a--------b--|       alarm after a, alive at b, alarm at the end

    `alarm(name, seconds since the last item, or since the subscription)` is called once for each silence, and at
    completion or an error, but not on unsubscription. `alive(name)` is called with the first item after a silence.

    Emits when:      upstream emits.
    Completes when:  upstream completes, after the alarm.
    Errors when:     upstream errors, after the alarm.
    Memory:          one timer, which costs nothing per item.

    Raises:
        ValueError: `silent_after_s` is not above 0.
    """
    if not silent_after_s > 0:
        raise ValueError(f"silent_after_s must be above 0, was {silent_after_s}")
    silent_after_ns = round(silent_after_s * 1e9)

    def operator(source: Observable[_T]) -> Chunked[_T]:
        def subscribe(on_chunk: OnChunk[_T], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            last_ns = clock.now_ns()
            silent = False

            def receive(chunk: Sequence[_T]) -> None:
                nonlocal last_ns, silent
                last_ns = clock.now_ns()
                if silent:
                    silent = False
                    timer.set(last_ns + silent_after_ns)
                    if alive is not None:
                        alive(name)
                on_chunk(chunk)

            def ring() -> None:
                nonlocal silent
                silent = clock.now_ns() - last_ns >= silent_after_ns
                if silent:
                    raise_alarm()
                else:
                    timer.set(last_ns + silent_after_ns)

            def raise_alarm() -> None:
                alarm(name, (clock.now_ns() - last_ns) / 1e9)

            def fail(error: Exception) -> None:
                raise_alarm()
                on_error(error)

            def complete() -> None:
                raise_alarm()
                on_completed()

            timer = clock.alarm(ring)
            timer.set(last_ns + silent_after_ns)
            return CompositeDisposable(subscribe_chunks(source, receive, fail, complete), Disposable(timer.clear))

        return Chunked(subscribe)

    return operator
