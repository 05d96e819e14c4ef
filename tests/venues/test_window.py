"""How much fits into a while."""

import pytest

from tidegate.venues.ccxt.window import Window

S = 1_000_000_000


def test_what_is_taken_counts_for_the_whole_window():
    window = Window(3, 10)
    for at_s in (0, 1, 2):
        assert window.ready_ns(at_s * S) == at_s * S
        window.take(at_s * S)
    assert window.ready_ns(3 * S) == 10 * S
    assert window.ready_ns(3 * S, 2) == 11 * S
    assert window.ready_ns(10 * S) == 10 * S


def test_what_is_more_than_the_limit_goes_alone():
    window = Window(3, 10)
    assert window.ready_ns(0, 5) == 0
    window.take(0, 5)
    assert window.ready_ns(1 * S) == 10 * S


@pytest.mark.parametrize(("used", "ready_s"), [(1, 5), (2, 5), (3, 10), (7, 15)])
def test_whoever_must_know_is_believed_where_it_counts_more(used, ready_s):
    window = Window(3, 10)
    window.take(0)
    window.take(0)
    window.observe(used, 5 * S)
    assert window.ready_ns(5 * S) == ready_s * S
