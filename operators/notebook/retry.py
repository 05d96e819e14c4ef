"""A source that is subscribed again after a failure, later each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SerialDisposable, SingleAssignmentDisposable

from operators.backoff import backoff_s
from operators.timing import timed
from tidegate.clock import Clock

__all__ = ["retry_after_backoff"]

_T = TypeVar("_T")


@timed
def retry_after_backoff(
    *,
    clock: Clock,
    retries: int | None,
    delay_s: float,
    max_delay_s: float,
    jitter: Callable[[], float],
    retry_on: tuple[type[Exception], ...],
) -> Callable[[Observable[_T]], Observable[_T]]:
    """Subscribe to the source again when it errs in one of the ways `retry_on`, after a delay that doubles.

        -a-#                 the source, each time
        -a----a----a--       delay_s=4, jitter 0: waits 2, and 2 again because items came between

    Another error passes at once. The wait is `backoff_s`. An item sets the count of attempts back to 0, so `retries`
    bounds the failures in a row; None is no bound. However often it comes to it, neither stack nor memory grow.

    Emits when:      the source emits.
    Completes when:  the source completes.
    Errors when:     the source errs in another way, or once more than `retries` times in a row.
    Memory:          one subscription or one timer.

    Raises:
        ValueError: `retries` or `delay_s` is negative, or `max_delay_s` is less than `delay_s`.
    """
    if retries is not None and retries < 0:
        raise ValueError(f"retries must be at least 0, was {retries}")
    if not 0 <= delay_s <= max_delay_s:
        raise ValueError(f"delay_s must be at least 0 and at most max_delay_s, was {delay_s} and {max_delay_s}")

    def operator(source: Observable[_T]) -> Observable[_T]:
        def subscribe(observer: abc.ObserverBase[_T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            current = SerialDisposable()
            failures = 0

            def attempt() -> None:
                subscription = SingleAssignmentDisposable()
                current.disposable = subscription  # before subscribing: the source may fail within that
                subscription.disposable = source.subscribe(receive, fail, observer.on_completed)

            def receive(item: _T) -> None:
                nonlocal failures
                failures = 0
                observer.on_next(item)

            def fail(error: Exception) -> None:
                nonlocal failures
                if not isinstance(error, retry_on) or failures == retries:
                    observer.on_error(error)
                    return
                wait_s = backoff_s(failures, delay_s=delay_s, max_delay_s=max_delay_s, jitter=jitter)
                failures += 1
                current.disposable = Disposable(clock.call_after(wait_s, attempt).cancel)

            attempt()
            return current

        return Observable(subscribe)

    return operator
