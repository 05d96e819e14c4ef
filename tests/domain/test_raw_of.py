"""A signal given as a mapping is read as if its sender had written the bytes."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.reading import raw_of, read_signal
from tidegate.domain.signal import Raw, Side

NOW_NS = 1_735_689_600_000_000_000
SAID = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k1"}


class Number(float):
    """A number of a type that no encoder knows, such as NumPy's."""


class Word(StrEnum):
    BUY = "buy"


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError


def read(said):
    return read_signal(raw_of(said), NOW_NS)


@pytest.mark.parametrize(
    ("field", "value", "understood"),
    [
        ("strength", Number(0.5), 0.5),
        ("side", Side.BUY, Side.BUY),
        ("side", Word.BUY, Side.BUY),
        ("price", Decimal("100.10"), Decimal("100.10")),
        ("price", 100, Decimal(100)),
        ("tags", ("a", "b"), ("a", "b")),
    ],
)
def test_a_field_is_understood(field, value, understood):
    signal, refusal = read({**SAID, field: value})
    assert refusal is None
    assert getattr(signal, field) == understood


def test_a_moment_may_be_a_datetime():
    signal, refusal = read({**SAID, "timestamp": datetime(2025, 1, 1, tzinfo=UTC)})
    assert refusal is None
    assert signal.timestamp_ns == NOW_NS


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("strength", float("nan"), "Expected `float`, got `str` - at `$.strength`"),
        ("price", float("inf"), "Expected a number above 0, got Infinity - at `$.price`"),
        ("price", float("nan"), "Expected a number above 0, got NaN - at `$.price`"),
        ("strength", object, "Expected `float`, got `str` - at `$.strength`"),
        ("strenght", 0.9, "Object contains unknown field `strenght`"),
        ("key", "\ud800", "malformed"),
        ("tags", Odd(), "malformed"),
        (7, 7, "Object contains unknown field `7`"),
    ],
)
def test_what_no_sender_could_write_is_refused_with_its_field(field, value, says):
    _, refusal = read({**SAID, field: value})
    assert says in refusal.measured


def test_a_raw_signal_is_left_as_it_is():
    raw = Raw(b"{}", reply=print)
    assert raw_of(raw) is raw


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(anything)
def test_whatever_is_given_is_read_or_refused(said):
    signal, _ = read(said)
    assert signal.raw.decode(errors="strict") is not None
