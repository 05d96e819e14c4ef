"""Elements outside, chunks inside: streams whose elements travel together, as many as the source had ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

__all__ = ["ChunkSubject", "Chunked", "OnChunk", "OnCompleted", "OnError", "map_chunks", "map_each", "subscribe_chunks"]

_T = TypeVar("_T")
_R = TypeVar("_R")

OnChunk: TypeAlias = Callable[[Sequence[_T]], object]
OnError: TypeAlias = Callable[[Exception], None]
OnCompleted: TypeAlias = Callable[[], None]


class Chunked(Observable[_T]):
    """An observable that hands its elements over in chunks to whoever asks for them with `subscribe_chunks`.

        -(abc)-d-|        the source had three elements ready, then one
        -(abc)-d-|        any other operator, and every user, sees elements, one by one

    A chunk is a sequence of one element or more, in order, that nobody changes. A chunk of one is the plain case.

    Emits when:      upstream emits.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def __init__(self, subscribe: Callable[[OnChunk[_T], OnError, OnCompleted], abc.DisposableBase]) -> None:
        super().__init__()
        self.subscribe_chunks = subscribe

    def _subscribe_core(self, observer: abc.ObserverBase[_T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        emit = observer.on_next

        def each(chunk: Sequence[_T]) -> None:
            for element in chunk:
                emit(element)

        return self.subscribe_chunks(each, observer.on_error, observer.on_completed)


class ChunkSubject(Chunked[_T], Generic[_T]):
    """A subject whose elements are handed in as chunks. Memory: its subscribers."""

    def __init__(self) -> None:
        self._observers: tuple[tuple[OnChunk[_T], OnError, OnCompleted], ...] = ()
        super().__init__(self._add)

    def on_chunk(self, chunk: Sequence[_T]) -> None:
        """Hand a chunk to every subscriber; an empty one is none."""
        if chunk:
            for on_chunk, _, _ in self._observers:
                on_chunk(chunk)

    def _add(self, on_chunk: OnChunk[_T], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
        added = (on_chunk, on_error, on_completed)
        self._observers = (*self._observers, added)

        def remove() -> None:
            self._observers = tuple(other for other in self._observers if other is not added)

        return Disposable(remove)


def subscribe_chunks(
    source: Observable[_T], on_chunk: OnChunk[_T], on_error: OnError, on_completed: OnCompleted
) -> abc.DisposableBase:
    """Subscribe to a stream by chunks; each element of one that has none is a chunk of one. As with `subscribe`, its
    end disposes the subscription."""
    if not isinstance(source, Chunked):

        def alone(element: _T) -> None:
            on_chunk((element,))

        return source.subscribe(alone, on_error, on_completed)

    subscription = SingleAssignmentDisposable()

    def fail(error: Exception) -> None:
        on_error(error)
        subscription.dispose()

    def complete() -> None:
        on_completed()
        subscription.dispose()

    subscription.disposable = source.subscribe_chunks(on_chunk, fail, complete)
    return subscription


def map_chunks(
    fresh: Callable[[], Callable[[Sequence[_T]], Sequence[_R]]],
) -> Callable[[Observable[_T]], Chunked[_R]]:
    """Make one pass over each chunk. `fresh()` gives the function that does, once for each subscription.

        -(abc)-d-|
        -(ABC)-D-|

    Emits when:      upstream emits, what the function makes of it; nothing where that is empty.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          the function's.
    """

    def operator(source: Observable[_T]) -> Chunked[_R]:
        def subscribe(on_chunk: OnChunk[_R], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            made_of = fresh()

            def receive(chunk: Sequence[_T]) -> None:
                made = made_of(chunk)
                if made:
                    on_chunk(made)

            return subscribe_chunks(source, receive, on_error, on_completed)

        return Chunked(subscribe)

    return operator


def map_each(function: Callable[[_T], _R]) -> Callable[[Observable[_T]], Chunked[_R]]:
    """Apply a pure function to each element, in chunks: `map`, for a function that never raises.

        -(abc)-d-|
        -(ABC)-D-|

    Emits when:      upstream emits.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """
    return map_chunks(lambda: lambda chunk: [function(element) for element in chunk])
