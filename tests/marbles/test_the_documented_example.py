"""What docs promise to be lovely to write, word for word."""

from operators import identify, refuse_repeats, refuse_weak
from tidegate.marbles import Marbles, outcome_letter, signal


def test_a_repeat_is_refused_until_the_window_has_passed():
    m = Marbles(a=signal("a"), b=signal("b"), w=signal("w", strength=0.2))
    m.expect(m.hot("-a-a-w-b--a-|").pipe(identify(m.clock), refuse_weak(min_strength=0.5), refuse_repeats(window_s=5)),
                   "-a-D-W-b--a-|", show=outcome_letter)  # fmt: skip


def test_a_signal_with_a_key_is_the_same_one_each_time():
    m = Marbles(a=signal("a", key="a"))
    m.expect(m.hot("-a-a-|").pipe(identify(m.clock), refuse_repeats(window_s=5)), "-a-a-|", show=outcome_letter)
