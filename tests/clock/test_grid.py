import pytest

from tidegate.clock import next_on_grid


@pytest.mark.parametrize(
    ("at_ns", "then_ns"),
    [
        pytest.param(-50, 100, id="before the grid begins it is the anchor"),
        pytest.param(100, 100, id="the anchor is on the grid"),
        pytest.param(101, 130, id="between two points it is the later one"),
        pytest.param(129, 130, id="just before a point it is that point"),
        pytest.param(130, 130, id="a point is on the grid"),
        pytest.param(1_700_000_000_000_000_001, 1_700_000_000_000_000_020, id="a large number of nanoseconds is exact"),
    ],
)
def test_the_first_point_that_is_not_before(at_ns, then_ns):
    assert next_on_grid(100, 30, at_ns) == then_ns
