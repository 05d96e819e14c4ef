"""One stream to any number of subscribers, none of whom can harm it or another."""

from __future__ import annotations

import inspect
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from traceback import extract_tb
from types import FrameType
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from tidegate.clock import Clock
from tidegate.domain.text import encodable, safe, words_of

__all__ = ["Broadcast", "GuardedStream", "SubscriberDropped"]

_T = TypeVar("_T")

_MOST_PUBLISHED_WITHIN = 1000
_RX = "reactivex"


class SubscriberDropped(Exception):
    """A subscriber was dropped because it was too slow or published too much: it gets this as the stream's error."""


class Broadcast(abc.ObserverBase[_T], Generic[_T]):
    """The sending end of a stream: what is published here reaches every subscriber of `stream`, in order.

        committed = Broadcast(clock=clock, incident=report)
        commits.committed.subscribe(committed)      # or committed.publish(value)
        committed.stream.subscribe(draw, name="chart")

    A subscriber that raises, that takes longer than `slow_after_s` for one value by the steady clock (simulated time
    does not pass within a call), or that publishes more than 1,000 values from within its own calls is dropped:
    `incident(name, what)` is called once, and the subscriber gets `SubscriberDropped` as the stream's error, unless it
    raised. The others receive every value, and `publish` never raises. A value published from within a subscriber's
    call is delivered after the current one. KeyboardInterrupt and SystemExit pass through.

    A call that never returns cannot be interrupted: subscribers run on the loop's own thread. Everything here belongs
    to that thread. Memory: the subscribers, and at most 1,000 values for each while values are delivered.

    Raises:
        ValueError: `slow_after_s` is not above 0.
    """

    def __init__(self, *, clock: Clock, incident: Callable[[str, str], None], slow_after_s: float = 2.0) -> None:
        if not slow_after_s > 0:
            raise ValueError(f"slow_after_s must be above 0, was {slow_after_s}")
        self._clock, self._incident, self._slow_after_ns = clock, incident, round(slow_after_s * 1e9)
        self._subscribers: dict[int, _Subscriber[_T]] = {}
        self._subscribed = 0
        self._queue: deque[_T] = deque()
        self._delivering = False
        self._called: _Subscriber[_T] | None = None
        self._end: Callable[[abc.ObserverBase[_T]], None] | None = None
        self.stream: GuardedStream[_T] = GuardedStream(self._add)

    def publish(self, value: _T) -> None:
        """Deliver a value to every subscriber. After the end of the stream it is dropped."""
        if self._end is not None or not self._subscribers:
            return
        called = self._called
        if called is not None:
            called.published += 1
            if called.published > _MOST_PUBLISHED_WITHIN:
                return
        self._queue.append(value)
        if not self._delivering:
            self._deliver()

    def publish_all(self, values: Iterable[_T]) -> None:
        """Deliver several values, in order; without subscribers they are not even looked at."""
        if self._subscribers:
            for value in values:
                self.publish(value)

    def on_next(self, value: _T) -> None:
        """As `publish`, for `source.subscribe(broadcast)`."""
        self.publish(value)

    def on_error(self, error: Exception) -> None:
        """End the stream with an error: subscribers of now and of later receive it."""
        self._finish(lambda observer: observer.on_error(error))

    def on_completed(self) -> None:
        """End the stream: subscribers of now and of later receive its completion."""
        self._finish(lambda observer: observer.on_completed())

    def _deliver(self) -> None:
        queue, self._delivering = self._queue, True
        try:
            while queue:
                value = queue.popleft()
                for subscriber in list(self._subscribers.values()):
                    if subscriber.number in self._subscribers:  # else it was disposed by one before it
                        self._call(subscriber, value)
        finally:
            self._delivering, self._called = False, None
            for subscriber in self._subscribers.values():
                subscriber.published = 0

    def _call(self, subscriber: _Subscriber[_T], value: _T) -> None:
        began_ns = self._clock.now_ns()
        self._called = subscriber
        try:
            subscriber.observer.on_next(value)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # CancelledError too: that of a future is no cancellation of ours
            self._drop(subscriber, f"raised {type(error).__name__}: {words_of(error)}{_place_of(error)}")
            return
        finally:
            self._called = None
        took_ns = self._clock.now_ns() - began_ns
        if took_ns > self._slow_after_ns:
            self._drop(subscriber, f"took {took_ns / 1e9:.3g} s for one value, at most {self._slow_after_ns / 1e9:g} s")
        elif subscriber.published > _MOST_PUBLISHED_WITHIN:
            self._drop(subscriber, f"published more than {_MOST_PUBLISHED_WITHIN} values from within its own calls")

    def _drop(self, subscriber: _Subscriber[_T], what: str) -> None:
        self._remove(subscriber.number)
        self._end_one(subscriber, lambda observer: observer.on_error(SubscriberDropped(what)))
        try:
            self._incident(subscriber.name, what)
        except Exception as error:
            self._unhandled(f"exception in the report on {subscriber.name}", error)

    def _finish(self, end: Callable[[abc.ObserverBase[_T]], None]) -> None:
        if self._end is not None:
            return
        self._end = end
        subscribers = list(self._subscribers.values())
        self._subscribers.clear()
        for subscriber in subscribers:
            self._end_one(subscriber, end)

    @staticmethod
    def _end_one(subscriber: _Subscriber[_T], end: Callable[[abc.ObserverBase[_T]], None]) -> None:
        try:
            end(subscriber.observer)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: S110 - mostly the very error, of a subscriber without an on_error
            pass

    def _add(self, name: str, observer: abc.ObserverBase[_T]) -> abc.DisposableBase:
        if self._end is not None:
            self._end(observer)
            return Disposable()
        self._subscribed += 1
        number = self._subscribed
        self._subscribers[number] = _Subscriber(number, name, observer)
        return Disposable(partial(self._remove, number))

    def _remove(self, number: int) -> None:
        self._subscribers.pop(number, None)

    def _unhandled(self, message: str, error: BaseException) -> None:
        self._clock.loop.call_exception_handler({"message": message, "exception": error})


class GuardedStream(Observable[_T]):
    """The receiving end of a `Broadcast`: an Observable whose subscribers cannot harm it.

    Emits when:      a value is published, from the subscription on.
    Completes when:  the broadcast does.
    Errors when:     the broadcast does, or this subscriber is dropped for being too slow.
    Memory:          none.
    """

    def __init__(self, add: Callable[[str, abc.ObserverBase[_T]], abc.DisposableBase]) -> None:
        super().__init__()
        self._add = add

    def subscribe(
        self,
        on_next: abc.ObserverBase[_T] | abc.OnNext[_T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
        name: str | None = None,
    ) -> abc.DisposableBase:
        """Receive what is published from now on. Incidents name the subscriber `name`, else by its callback and the
        line that subscribed it, also behind `pipe`.

        Raises:
            TypeError: a callback is a coroutine function, which would never run.
        """
        callback, line = _subscription(on_next)
        if inspect.iscoroutinefunction(callback):
            raise TypeError(f"{_name_of(callback)} is async: subscribe a function that creates a task of it instead")
        add = partial(self._add, safe(name or f"{_name_of(callback)}{line}", 200))
        named: Observable[_T] = Observable(lambda observer, _scheduler: add(observer))
        return named.subscribe(on_next, on_error, on_completed, scheduler=scheduler)


class _Subscriber(Generic[_T]):
    """One subscription: its name, and how many values it has published from within its calls."""

    __slots__ = ("name", "number", "observer", "published")

    def __init__(self, number: int, name: str, observer: abc.ObserverBase[_T]) -> None:
        self.number, self.name, self.observer, self.published = number, name, observer, 0


def _subscription(on_next: object) -> tuple[object, str]:
    """The callback at the end of the pipe, and the line that subscribed it."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - of the line that subscribes
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == _RX:
        if frame.f_code.co_name == "subscribe" and "on_next" in frame.f_locals:
            on_next = frame.f_locals["on_next"]
        frame = frame.f_back
    line = f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})" if frame is not None else ""
    return on_next, line


def _name_of(callback: object) -> str:
    if callback is None:
        return "a subscriber"
    if isinstance(callback, partial):
        callback = callback.func
    name = getattr(callback, "__qualname__", None) or type(callback).__qualname__
    return str(name).rpartition("<locals>.")[2]


def _place_of(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__)
    return encodable(f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})") if frames else ""
