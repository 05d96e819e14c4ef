"""What a signal is known by: the same for ever, and the same however its numbers are written."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.identity import by_value
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw

AT_NS = 1_735_689_600_000_000_000
SAID = '"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":1735689600000,"source":"desk"'


def read(more: str):
    signal, refusal = read_signal(Raw(f"{{{SAID},{more}}}".encode()), AT_NS)
    assert refusal is None
    return signal


@pytest.mark.parametrize(
    ("price", "unkeyed", "content"),
    [
        pytest.param("100", "68035006b05eeb185edd", "fa19429924ce738514bc", id="an integer"),
        pytest.param('"100"', "68035006b05eeb185edd", "fa19429924ce738514bc", id="a string"),
        pytest.param('"100.5"', "6edc28dff8a2fd27995c", "d70ab199f1d0a085eaf5", id="a fraction"),
        pytest.param("0.5", "383a970300c746b7fc1f", "68c96c0f847daa9f5bcb", id="a float"),
        pytest.param('"0.00000012"', "b0208db0cfae39811782", "df647efaa8c4d4384188", id="a small one"),
        pytest.param('"1e-7"', "4e1532b15c8c0a1e62de", "452ad3cfb366aa24b408", id="a small one with an exponent"),
        pytest.param('"123456789012345678"', "6ec4dc694b0d618aa905", "e03cf1b6b40afd42561e", id="a large one"),
    ],
)
def test_the_ids_of_the_usual_notations_are_those_of_every_version(price, unkeyed, content):
    signal = read(f'"price":{price}')
    assert (signal.id, signal.content.hex(), signal.as_written) == (unkeyed, unkeyed, b"")
    keyed = read(f'"key":"k","price":{price}')
    assert (keyed.id, keyed.content.hex(), keyed.as_written) == ("fd0c06a0040c994d5c6f", content, b"")


@pytest.mark.parametrize(
    ("price", "unkeyed_as_written", "as_written"),
    [
        pytest.param('"100.0"', "721dd9319b9f087f391a", "1e8bdcd5a484ab48127d", id="a string with a zero"),
        pytest.param("100.0", "721dd9319b9f087f391a", "1e8bdcd5a484ab48127d", id="a float"),
        pytest.param("1e2", "488d795429f08c17478b", "a1464463e0ef20347e75", id="an exponent"),
    ],
)
def test_other_notations_are_the_same_signal_and_remember_how_they_used_to_be_known(
    price, unkeyed_as_written, as_written
):
    signal = read(f'"price":{price}')
    assert (signal.id, signal.as_written.hex()) == ("68035006b05eeb185edd", unkeyed_as_written)
    keyed = read(f'"key":"k","price":{price}')
    assert (keyed.content.hex(), keyed.as_written.hex()) == ("fa19429924ce738514bc", as_written)


@pytest.mark.parametrize("name", ["price", "quantity"])
def test_numbers_count_by_value(name):
    notations = ["2500", '"2500"', '"2500.000"', "2500.0", "2.5e3", '"25E+2"', '"+2500"']
    assert len({read(f'"{name}":{number}').id for number in notations}) == 1
    assert len({read(f'"{name}":{number}').id for number in ("2500", '"2500.0000000000000000000000000000001"')}) == 2


digits = st.integers(1, 10**38 - 1)


@given(digits=digits, exponent=st.integers(-18, 18), zeros=st.integers(0, 5))
def test_one_notation_for_each_number_and_no_digit_lost(digits, exponent, zeros):
    number = Decimal((0, tuple(map(int, str(digits))), exponent))
    padded = Decimal((0, tuple(map(int, str(digits) + "0" * zeros)), exponent - zeros))
    assert by_value(number) == number
    assert str(by_value(number)) == str(by_value(padded))
    if number.adjusted() < 18:  # the others are not read
        plain = format(number, "f")
        shortest = plain.rstrip("0").rstrip(".") if "." in plain else plain
        assert by_value(number).as_tuple() == Decimal(shortest).as_tuple()


@given(*[st.decimals(min_value="0.00000001", max_value=10**9, places=8)] * 2)
def test_two_numbers_are_two_signals(first, second):
    ids = {read(f'"price":{json.dumps(str(number))}').id for number in (first, second)}
    assert len(ids) == (1 if first == second else 2)
