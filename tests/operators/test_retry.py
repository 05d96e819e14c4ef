import sys

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st

from operators import backoff_s
from operators.notebook import retry_after_backoff
from tidegate.marbles import Marbles


@pytest.mark.parametrize(
    ("attempt", "jitter", "wait_s"),
    [
        pytest.param(0, 1.0, 0.5, id="the first wait is the delay"),
        pytest.param(1, 1.0, 1.0, id="the next is twice as long"),
        pytest.param(4, 1.0, 8.0, id="and so on"),
        pytest.param(5, 1.0, 10.0, id="up to the longest"),
        pytest.param(5, 0.0, 5.0, id="jitter takes up to half away"),
        pytest.param(10**9, 1.0, 10.0, id="however many there were"),
    ],
)
def test_backoff(attempt, jitter, wait_s):
    assert backoff_s(attempt, delay_s=0.5, max_delay_s=10, jitter=lambda: jitter) == wait_s


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_a_wait_is_between_half_the_delay_and_the_longest(attempt, jitter):
    assert 0.25 <= backoff_s(attempt, delay_s=0.5, max_delay_s=10, jitter=lambda: jitter) <= 10


def retry(m, *, retries=None, delay_s=2, max_delay_s=8, retry_on=(ConnectionError,)):
    return retry_after_backoff(
        clock=m.clock, retries=retries, delay_s=delay_s, max_delay_s=max_delay_s, jitter=lambda: 1, retry_on=retry_on
    )


@pytest.mark.parametrize(
    ("given", "retries", "then"),
    [
        pytest.param("-a-|", None, "-a-|", id="a source that does not err"),
        pytest.param("-#", None, "-----------------------------", id="errors are not seen while it goes on"),
        pytest.param("-a#", None, "-a---a---a---a", id="an item sets the delay back"),
        pytest.param("-a#", 1, "-a---a---a---a", id="and the count"),
        pytest.param("-#", 0, "-#", id="no retries"),
        pytest.param("-#", 2, "---------#", id="retries used up: waits 2 and 4"),
        pytest.param("(a#)", 3, "(a)-a-a-a-a", id="the source may err while it is subscribed to"),
    ],
)
def test_retry_after_backoff(given, retries, then):
    m = Marbles(error=ConnectionError())
    m.expect(m.cold(given).pipe(retry(m, retries=retries)), then)


def test_the_delay_doubles_up_to_the_longest_and_one_subscription_is_alive():
    m = Marbles(error=ConnectionError())
    source = m.cold("-#")
    source.pipe(retry(m)).subscribe()
    m.run(for_s=35)
    assert source.subscriptions == [(0, 1), (3, 4), (8, 9), (17, 18), (26, 27), (35, None)]


def test_another_error_passes_at_once():
    m = Marbles(error=KeyError())
    m.expect(m.cold("-a#").pipe(retry(m)), "-a#")


def test_ten_thousand_resubscriptions_grow_no_stack():
    m = Marbles()
    depths = []

    def fail_at_once(observer, _scheduler):
        depths.append(len(list(frames())))
        if len(depths) < 10_000:
            observer.on_error(ConnectionError())
        else:
            observer.on_completed()

    m.expect(reactivex.create(fail_at_once).pipe(retry(m, delay_s=0, max_delay_s=0)), "|")
    assert len(depths) == 10_000
    assert len(set(depths[1:])) == 1


def frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def test_unsubscribing_ends_the_waiting():
    m = Marbles(error=ConnectionError())
    source = m.cold("-#")
    subscription = source.pipe(retry(m)).subscribe()
    m.run(for_s=2)
    subscription.dispose()
    assert m.loop.next_due_ns() is None
    assert source.subscriptions == [(0, 1)]


def test_unsubscribing_ends_the_subscription_to_the_source():
    m = Marbles()
    source = m.cold("-a--")
    subscription = source.pipe(retry(m)).subscribe()
    m.run(for_s=2)
    subscription.dispose()
    assert source.subscriptions == [(0, 2)]


def test_two_subscribers_count_their_own_failures():
    m = Marbles(error=ConnectionError())
    retried = m.cold("-#").pipe(retry(m, retries=1))
    first = m.record(retried)
    m.expect(retried, "----#")
    m.expect(first, "----#")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"retries": -1}, "retries must be at least 0, was -1"),
        ({"delay_s": -1}, "delay_s must be at least 0 and at most max_delay_s, was -1 and 8"),
        ({"delay_s": 9}, "delay_s must be at least 0 and at most max_delay_s, was 9 and 8"),
    ],
)
def test_settings_that_make_no_sense_are_not_taken(settings, says):
    with pytest.raises(ValueError, match=says):
        retry(Marbles(), **settings)
