import sys
from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import Deadlines

keys = st.sampled_from("abcd")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), keys, st.integers(0, 50)),
        st.tuples(st.just("discard"), keys),
        st.tuples(st.just("due"), st.integers(0, 50)),
    )
)


@given(steps)
def test_it_does_what_a_sorted_list_would_do(steps):
    deadlines, plain = Deadlines(), []
    for action, *arguments in steps:
        if action == "add":
            key, at_ns = arguments
            plain = [*(entry for entry in plain if entry[1] != key), (at_ns, key)]
            deadlines.add(key, at_ns)
        elif action == "discard":
            plain = [entry for entry in plain if entry[1] != arguments[0]]
            deadlines.discard(*arguments)
        else:
            in_order = sorted(plain, key=lambda entry: entry[0])
            assert deadlines.due(*arguments) == [key for at_ns, key in in_order if at_ns <= arguments[0]]
            plain = [entry for entry in plain if entry[0] > arguments[0]]
        assert len(deadlines) == len(plain)
        assert deadlines.next_ns == min((at_ns for at_ns, _ in plain), default=None)


def test_keys_of_one_deadline_come_as_they_were_added():
    deadlines = Deadlines()
    for key in "cab":
        deadlines.add(key, 7)
    assert deadlines.due(6) == []
    assert deadlines.due(7) == ["c", "a", "b"]


class Key:
    """A key of which it can be known whether somebody still holds it."""


@pytest.mark.parametrize("at_once", [1, 2000], ids=["one at a time", "many at once"])
def test_what_was_discarded_is_not_kept(at_once):
    deadlines, alive = Deadlines(), WeakSet()
    deadlines.add("stays", 0)  # so that nothing is cleared from the front of the heap
    for _ in range(2000 // at_once):
        keys = [Key() for _ in range(at_once)]
        alive.update(keys)
        for key in keys:
            deadlines.add(key, 10**9)
        for key in keys:
            deadlines.discard(key)
    del keys, key
    assert len(alive) <= 2 * len(deadlines) + 64


def test_the_deadlines_a_key_had_before_are_not_kept():
    deadlines, key = Deadlines(), Key()
    deadlines.add("stays", 0)
    for number in range(2000):
        deadlines.add(key, 10**9 + number)
    assert sys.getrefcount(key) < 100
