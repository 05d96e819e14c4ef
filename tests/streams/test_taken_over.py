"""Streams of the user's own, brought to the loop."""

from threading import Thread, get_ident

import pytest
import reactivex as rx
from reactivex import Subject
from reactivex import operators as ops

from streams.taken_over import taken_over
from tidegate.clock import Clock, VirtualLoop


@pytest.fixture
def clock():
    return Clock.simulated(VirtualLoop(), 0)


def elsewhere(call, *arguments):
    thread = Thread(target=call, args=arguments)
    thread.start()
    thread.join()


def test_what_comes_from_another_thread_is_taken_over_by_the_loop(clock):
    source, seen = Subject(), []
    source.pipe(taken_over(clock)).subscribe(
        lambda item: seen.append((item, get_ident())), on_completed=lambda: seen.append(("end", get_ident()))
    )
    source.on_next("here")
    assert seen == [("here", get_ident())]
    elsewhere(source.on_next, "there")
    elsewhere(source.on_completed)
    assert len(seen) == 1
    clock.loop.advance(0)
    assert seen == [(item, get_ident()) for item in ("here", "there", "end")]


def test_an_error_from_another_thread_is_taken_over_too(clock):
    source, seen = Subject(), []
    source.pipe(taken_over(clock)).subscribe(on_error=lambda error: seen.append((str(error), get_ident())))
    elsewhere(source.on_error, OSError("gone"))
    assert seen == []
    clock.loop.advance(0)
    assert seen == [("gone", get_ident())]


def test_timers_without_a_scheduler_go_by_the_clock(clock):
    seen = []
    rx.interval(2).pipe(taken_over(clock), ops.take(2)).subscribe(lambda _: seen.append(clock.loop.time()))
    clock.loop.advance(5)
    assert seen == [2, 4]
