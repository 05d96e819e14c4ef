import pytest

from tidegate.domain.timeframe import parse_timeframe

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("1m", 60),
        ("5m", 300),
        ("1h", 3_600),
        ("1d", 86_400),
        ("1w", 604_800),
        ("9999s", 9_999),
    ],
)
def test_a_timeframe_is_a_number_and_a_unit(text, seconds):
    assert parse_timeframe(text) == seconds * SECOND_NS


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "0m", "-5m", "5 m", "05m", "1.5h", "1M", "5min", "1y", "5m\n", "٥m", "10000s"],
    ids=repr,
)
def test_anything_else_is_an_error_that_shows_the_allowed_forms(text):
    with pytest.raises(ValueError, match="such as 10s, 5m or 1h, was") as caught:
        parse_timeframe(text)
    assert repr(text) in str(caught.value)
