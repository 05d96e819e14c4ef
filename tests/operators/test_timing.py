"""Operators that need the clock say so, and which."""

import pytest
from reactivex.scheduler import TimeoutScheduler

from operators import admit, bridge, identify, watch
from operators.notebook import expire, retry_after_backoff

PASS = r"pass the clock of a Replay \(day.clock\), of Marbles \(m.clock\) or of the running pipeline"


@pytest.mark.parametrize("operator", [admit, bridge, expire, identify, retry_after_backoff, watch])
def test_without_its_clock_an_operator_says_which_to_pass(operator):
    with pytest.raises(TypeError, match=rf"{operator.__name__}\(\): clock is missing; {PASS}"):
        operator()


@pytest.mark.parametrize("clock", [None, TimeoutScheduler()])
def test_another_scheduler_is_not_the_clock(clock):
    with pytest.raises(TypeError, match=rf"identify\(\): clock must be a tidegate.clock.Clock, was .*; {PASS}"):
        identify(clock)
    with pytest.raises(TypeError, match=r"watch\(\): clock must be a tidegate.clock.Clock"):
        watch("it", clock=clock, silent_after_s=1, alarm=print)
