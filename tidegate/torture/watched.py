"""A loop on which every place where a task waits is a point of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import TypeVar

from tidegate.clock import VirtualLoop
from tidegate.torture.faulty.points import Act, Killed, Points

__all__ = ["WatchedLoop"]

_T = TypeVar("_T")


class WatchedLoop(VirtualLoop):
    """Virtual time that reports every await of every task to `points`, and cancels the task where they ask for it."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self._points = points
        self._tasks: set[asyncio.Task[object]] = set()

    def create_task(
        self,
        coro: Generator[asyncio.Future[object] | None, None, _T] | Coroutine[object, object, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        """Run a coroutine on this loop, and watch it."""
        watched = _watched(coro, self._points, name or "a task") if self._points.awaits else coro
        task: asyncio.Task[_T] = super().create_task(watched, name=name, context=context)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def bury(self) -> None:
        """Let go of everything that was under way, as the death of a process does."""
        for task in self._tasks:
            task.get_coro().close()
            task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001 - there is no public way
        self.close()


@coroutine
def _watched(
    coro: Generator[asyncio.Future[object] | None, None, _T] | Coroutine[object, object, _T], points: Points, name: str
) -> Generator[object, None, _T]:
    error: BaseException | None = None
    try:
        while True:
            try:
                awaited = coro.send(None) if error is None else coro.throw(error)
            except StopIteration as stop:
                result: _T = stop.value
                return result
            error = None
            act = points.reach_await(name)
            if act is Act.CANCEL:
                error = asyncio.CancelledError()
                continue
            if act is Act.KILL:
                raise Killed(name)
            try:
                yield awaited
            except GeneratorExit:
                raise
            except BaseException as thrown:
                error = thrown
    finally:
        coro.close()
