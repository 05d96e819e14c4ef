"""The circuit breaker, moment by moment."""

import pytest

from operators.breaker import Breaker, Circuit

S = 1_000_000_000


def breaker(**given) -> Breaker:
    return Breaker(**{"fail_max": 3, "reset_timeout_s": 10, "max_reset_timeout_s": 35, **given})


def opened(at_s: int = 0) -> Breaker:
    it = breaker()
    for _ in range(3):
        it.failed(at_s * S)
    return it


def test_it_opens_after_so_many_failures_in_a_row():
    it = breaker()
    states = []
    for second in range(4):
        it.failed(second * S)
        states.append(it.state(second * S))
    assert states == ["closed", "closed", "open", "open"]


def test_a_success_begins_the_count_anew():
    it = breaker()
    for _ in range(5):
        it.failed(0)
        it.failed(0)
        it.succeeded()
    assert it.state(0) is Circuit.CLOSED
    assert it.probe_at_ns is None


@pytest.mark.parametrize(("at_s", "state"), [(14, "open"), (15, "half_open"), (999, "half_open")])
def test_it_is_half_open_once_its_time_is_over(at_s, state):
    it = opened(at_s=5)
    assert it.probe_at_ns == 15 * S
    assert it.state(at_s * S) == state


def test_a_probe_that_fails_doubles_the_time_up_to_the_maximum():
    it = opened()
    at_s, waits = 0, []
    for _ in range(4):
        waits.append(it.probe_at_ns // S - at_s)
        at_s = it.probe_at_ns // S
        it.failed(at_s * S)
    assert waits == [10, 20, 35, 35]


def test_a_failure_of_what_was_on_its_way_does_not_lengthen_the_time():
    it = opened()
    it.failed(4 * S)
    assert it.probe_at_ns == 10 * S


def test_a_probe_that_succeeds_closes_it_with_the_first_time_again():
    it = opened()
    it.failed(10 * S)
    it.succeeded()
    assert it.state(11 * S) is Circuit.CLOSED
    for _ in range(3):
        it.failed(100 * S)
    assert it.probe_at_ns == 110 * S


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fail_max": 0}, "fail_max must be at least 1, was 0"),
        ({"reset_timeout_s": 0}, "reset_timeout_s must be above 0"),
        ({"max_reset_timeout_s": 9}, "at most max_reset_timeout_s, was 10 and 9"),
    ],
)
def test_limits_that_make_no_sense_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        breaker(**given)
