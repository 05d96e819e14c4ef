"""An observable that knows when it was listened to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from tidegate.clock import Clock

__all__ = ["MarbleSource"]

_T = TypeVar("_T")


class MarbleSource(Observable[_T]):
    """What `subscribe_to` gives, with the time of each subscription.

    Memory: two numbers for each subscription.
    """

    def __init__(
        self, subscribe_to: Callable[[abc.ObserverBase[_T]], abc.DisposableBase], clock: Clock, frame_ns: int
    ) -> None:
        super().__init__()
        self._subscribe_to, self._clock, self._frame_ns = subscribe_to, clock, frame_ns
        self._start_ns = clock.now_ns()
        self._spans: list[tuple[float, float | None]] = []

    @property
    def subscriptions(self) -> list[tuple[float, float | None]]:
        """When each subscription began and ended, in frames since the source was made; None while it lasts."""
        return list(self._spans)

    def _subscribe_core(
        self,
        observer: abc.ObserverBase[_T],
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002
    ) -> abc.DisposableBase:
        index, begun = len(self._spans), self._now()
        self._spans.append((begun, None))
        subscription = self._subscribe_to(observer)

        def end() -> None:
            self._spans[index] = (begun, self._now())
            subscription.dispose()

        return Disposable(end)

    def _now(self) -> float:
        return (self._clock.now_ns() - self._start_ns) / self._frame_ns
