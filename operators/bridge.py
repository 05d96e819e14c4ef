"""From a stream to coroutines and back: a bounded number at once, in batches, never cancelled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from operators.timing import timed
from tidegate.clock import Clock

__all__ = ["Bridge", "bridge"]

_T = TypeVar("_T")
_R = TypeVar("_R")
_E = TypeVar("_E")


class Bridge(Generic[_T, _R]):
    """An operator that knows its load: `queued` items wait, `in_flight` items are being worked on."""

    def __init__(
        self,
        subscribe: Callable[[Observable[_T], OnChunk[_R], OnError, OnCompleted], abc.DisposableBase],
        guarded: Callable[[Callable[[_R], object], _R], None],
    ) -> None:
        self._subscribe, self._guarded = subscribe, guarded
        self.queued = 0
        self.in_flight = 0

    def __call__(self, source: Observable[_T]) -> Observable[_R]:
        """The results for the items of `source`."""
        return _Results(partial(self._subscribe, source), self._guarded)


class _Results(Chunked[_R]):
    """Results, of which one that a subscriber raises for holds back no other."""

    def __init__(
        self,
        subscribe: Callable[[OnChunk[_R], OnError, OnCompleted], abc.DisposableBase],
        guarded: Callable[[Callable[[_R], object], _R], None],
    ) -> None:
        super().__init__(subscribe)
        self._guarded = guarded

    def _subscribe_core(self, observer: abc.ObserverBase[_R], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        def each(results: Sequence[_R]) -> None:
            for result in results:
                self._guarded(observer.on_next, result)

        return self.subscribe_chunks(each, observer.on_error, observer.on_completed)


@timed
def bridge(
    work: Callable[[Sequence[_T]], Coroutine[object, object, Sequence[_R]]],
    *,
    clock: Clock,
    max_concurrent: int,
    max_batch: int = 1,
    max_queue: int,
    on_full: Callable[[_T], None],
    failed: Callable[[Sequence[_T], BaseException], Sequence[_R]],
    name: str,
) -> Bridge[_T, _R]:
    """Pass items to coroutines, and emit their results: one for each item, in order within a batch.

        -abc------|         max_concurrent=2, work takes 4
        -----AB--C|         c waited until a was done

    When a place is free, the items that have arrived go to `work` in batches of up to `max_batch`, one task each; items
    of one turn of the loop go together. When `max_queue` items wait, the next one goes to `on_full` instead. If the
    work of a batch raises, is cancelled, or returns a wrong number of results, `failed(batch, error)` gives the
    results. Work that has begun is never cancelled: after unsubscription its results are dropped, and so are the items
    that still wait. What a subscriber raises goes to the loop's exception handler; the other results of the batch
    follow.

    Emits when:      a batch is done: its results.
    Completes when:  upstream has completed, nothing waits and nothing is in flight.
    Errors when:     upstream has errored, nothing waits and nothing is in flight.
    Memory:          `max_queue` items, and `max_concurrent` tasks of `max_batch`, for each subscription.

    Raises:
        ValueError: `max_concurrent`, `max_batch` or `max_queue` is under 1.
    """
    for limit, number in (("max_concurrent", max_concurrent), ("max_batch", max_batch), ("max_queue", max_queue)):
        if number < 1:
            raise ValueError(f"{limit} must be at least 1, was {number}")

    def results_of(batch: Sequence[_T], task: asyncio.Task[Sequence[_R]]) -> Sequence[_R]:
        try:
            results = task.result()
            if len(results) != len(batch):
                raise ValueError(f"{name} must give {len(batch)} results, gave {len(results)}")
        except (Exception, asyncio.CancelledError) as error:
            return failed(batch, error)
        return results

    def guarded(emit: Callable[[_E], object], results: _E) -> None:
        try:
            emit(results)
        except Exception as error:
            clock.loop.call_exception_handler({"message": f"exception after {name}", "exception": error})

    def subscribe(
        source: Observable[_T], on_chunk: OnChunk[_R], on_error: OnError, on_completed: OnCompleted
    ) -> abc.DisposableBase:
        queue: deque[_T] = deque()
        tasks: set[asyncio.Task[Sequence[_R]]] = set()
        end: Callable[[], None] | None = None
        dispatching: asyncio.Handle | None = None

        def receive(items: Sequence[_T]) -> None:
            nonlocal dispatching
            room = max_queue - len(queue)
            for item in items[room:]:
                on_full(item)
            queue.extend(items[:room])
            load.queued += min(room, len(items))
            if queue and dispatching is None and len(tasks) < max_concurrent:
                dispatching = clock.call_soon(dispatch)

        def dispatch() -> None:
            nonlocal dispatching
            dispatching = None
            while queue and len(tasks) < max_concurrent:
                batch = [queue.popleft() for _ in range(min(max_batch, len(queue)))]
                load.queued -= len(batch)
                load.in_flight += len(batch)
                task = clock.loop.create_task(work(batch), name=name)
                tasks.add(task)
                task.add_done_callback(partial(finish, batch))

        def finish(batch: Sequence[_T], task: asyncio.Task[Sequence[_R]]) -> None:
            try:
                guarded(on_chunk, results_of(batch, task))
            finally:
                tasks.remove(task)
                load.in_flight -= len(batch)
                dispatch()
                end_if_over()

        def end_with(notify: Callable[[], None]) -> None:
            nonlocal end
            end = notify
            end_if_over()

        def end_if_over() -> None:
            if end is not None and not queue and not tasks:
                end()

        def stop() -> None:
            load.queued -= len(queue)
            queue.clear()

        upstream = subscribe_chunks(
            source, receive, lambda error: end_with(partial(on_error, error)), lambda: end_with(on_completed)
        )
        return CompositeDisposable(upstream, Disposable(stop))

    load: Bridge[_T, _R] = Bridge(subscribe, guarded)
    return load
