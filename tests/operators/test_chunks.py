"""Chunks: elements for everybody, chunks for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

import reactivex as rx
from reactivex import operators as ops
from reactivex.disposable import Disposable

from operators.chunks import Chunked, ChunkSubject, OnCompleted, OnError, map_chunks, subscribe_chunks


def _doubled(chunk: Sequence[int]) -> list[int]:
    return [2 * number for number in chunk]


def test_an_operator_that_knows_no_chunks_sees_elements() -> None:
    subject, seen = ChunkSubject[int](), list[int]()
    subject.pipe(ops.map(lambda number: number + 1)).subscribe(seen.append)
    subject.on_chunk((1, 2, 3))
    assert seen == [2, 3, 4]


def test_a_chunk_passes_whole_through_stages_that_know_chunks() -> None:
    subject, seen = ChunkSubject[int](), list[Sequence[int]]()
    doubled = subject.pipe(map_chunks(lambda: _doubled), map_chunks(lambda: _doubled))
    subscribe_chunks(doubled, seen.append, lambda _: None, lambda: None)
    subject.on_chunk((1, 2))
    subject.on_chunk((3,))
    assert seen == [[4, 8], [12]]


def test_elements_of_any_observable_are_chunks_of_one_and_it_completes() -> None:
    seen, ended = list[Sequence[int]](), list[str]()
    doubled = rx.of(1, 2).pipe(map_chunks(lambda: _doubled))
    subscribe_chunks(doubled, seen.append, lambda _: None, lambda: ended.append("completed"))
    assert (seen, ended) == ([[2], [4]], ["completed"])


def test_an_error_passes_and_an_empty_chunk_does_not() -> None:
    error, errors, seen = ValueError("broken"), list[Exception](), list[Sequence[int]]()
    subscribe_chunks(rx.throw(error).pipe(map_chunks(lambda: _doubled)), seen.append, errors.append, lambda: None)
    subject = ChunkSubject[int]()
    none_of_it: list[int] = []
    subscribe_chunks(subject.pipe(map_chunks(lambda: lambda _: none_of_it)), seen.append, errors.append, lambda: None)
    subject.on_chunk((1,))
    subject.on_chunk(())
    assert (errors, seen) == ([error], [])


def test_each_subscription_has_its_own_pass() -> None:
    made = list[int]()

    def fresh() -> type[list[int]]:
        made.append(1)
        return list

    subject = ChunkSubject[int]()
    numbered = subject.pipe(map_chunks(fresh))
    assert not made
    first = numbered.subscribe()
    numbered.subscribe()
    assert len(made) == 2
    first.dispose()
    subject.on_chunk((1,))


def test_a_disposed_subscription_gets_nothing_more() -> None:
    subject, seen = ChunkSubject[int](), list[int]()
    subscription = subject.subscribe(seen.append)
    subject.on_chunk((1,))
    subscription.dispose()
    subject.on_chunk((2,))
    assert seen == [1]


def test_the_end_of_a_stream_disposes_its_subscription() -> None:
    disposed = list[str]()

    def ended(_: object, __: object, on_completed: OnCompleted) -> Disposable:
        on_completed()
        return Disposable(lambda: disposed.append("completed"))

    def broken(_: object, on_error: OnError, __: object) -> Disposable:
        on_error(ValueError("broken"))
        return Disposable(lambda: disposed.append("errored"))

    for subscribe in (ended, broken):
        stage = Chunked[int](subscribe).pipe(map_chunks(lambda: list))
        subscribe_chunks(stage, lambda _: None, lambda _: None, lambda: None)
    assert disposed == ["completed", "errored"]
