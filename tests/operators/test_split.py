import pytest

from operators import identify, refuse_weak
from operators.notebook import only_accepted, only_refused
from tidegate.marbles import Marbles, outcome_letter, signal


@pytest.mark.parametrize(
    ("split", "given", "then"),
    [
        pytest.param(only_accepted, "-a-w-a|", "-a---a|", id="accepted"),
        pytest.param(only_refused, "-a-w-a|", "---W--|", id="refused"),
        pytest.param(only_accepted, "-w#", "--#", id="accepted: errors pass through"),
        pytest.param(only_refused, "-a#", "--#", id="refused: errors pass through"),
    ],
)
def test_every_verdict_goes_one_of_two_ways(split, given, then):
    m = Marbles(a=signal("a"), w=signal("w", strength=0.2))
    m.expect(m.hot(given).pipe(identify(m.clock), refuse_weak(min_strength=0.5), split()), then, show=outcome_letter)
