from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.market import Candle, MarketRules, base_of, quote_of

RULES = MarketRules("BTC/USDT", tick=Decimal("0.05"), lot=Decimal("0.002"), min_notional=Decimal(5))

steps = st.sampled_from([Decimal(digit).scaleb(exponent) for digit in (1, 2, 5) for exponent in range(-8, 3)])
numbers = st.decimals(min_value=0, max_value=10**9, places=10)


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        pytest.param("BTC/USDT", "BTC", "USDT", id="spot"),
        pytest.param("BTC/USDT:USDT", "BTC", "USDT", id="a settlement currency is no part of either"),
        pytest.param("1000SHIB/EUR", "1000SHIB", "EUR", id="digits belong to the name"),
    ],
)
def test_a_symbol_names_what_is_traded_and_what_is_paid(symbol, base, quote):
    assert (base_of(symbol), quote_of(symbol)) == (base, quote)


def test_a_candle_is_closed_one_timeframe_after_it_opened():
    candle = Candle("BTC/USDT", 1_000, 60, 1.0, 2.0, 0.5, 1.5, 10.0)
    assert candle.closed_at_ns == 1_060


@pytest.mark.parametrize(
    ("price", "rounded"),
    [
        pytest.param("100.07", "100.05", id="down to the nearest tick"),
        pytest.param("100.08", "100.10", id="up to the nearest tick"),
        pytest.param("100.025", "100.00", id="halfway, to the even tick below"),
        pytest.param("100.075", "100.10", id="halfway, to the even tick above"),
        pytest.param("0.02", "0", id="too little for a tick is nothing"),
    ],
)
def test_a_price_is_rounded_to_the_nearest_tick(price, rounded):
    assert RULES.round_price(Decimal(price)) == Decimal(rounded)


@pytest.mark.parametrize(("rounding", "rounded"), [(ROUND_FLOOR, "100.05"), (ROUND_CEILING, "100.10")])
def test_a_price_is_rounded_the_way_it_is_asked_for(rounding, rounded):
    assert RULES.round_price(Decimal("100.07"), rounding) == Decimal(rounded)


@pytest.mark.parametrize(("amount", "rounded"), [("0.0039", "0.002"), ("0.004", "0.004"), ("0.0019", "0")])
def test_an_amount_is_rounded_down_to_whole_lots(amount, rounded):
    assert RULES.round_amount(Decimal(amount)) == Decimal(rounded)


@given(numbers, steps)
def test_a_rounded_amount_is_in_lots_and_at_most_a_lot_below(amount, lot):
    rounded = MarketRules("A/B", lot, lot, Decimal(0)).round_amount(amount)
    assert rounded % lot == 0
    assert 0 <= amount - rounded < lot


@given(numbers, steps)
def test_a_rounded_price_is_in_ticks_and_at_most_half_a_tick_away(price, tick):
    rounded = MarketRules("A/B", tick, tick, Decimal(0)).round_price(price)
    assert rounded % tick == 0
    assert abs(price - rounded) <= tick / 2


@pytest.mark.parametrize(
    ("lot", "min_amount", "min_notional", "price", "least"),
    [
        pytest.param("0.01", "0", "0", "100", "0.01", id="one lot"),
        pytest.param("0.01", "0.05", "0", "100", "0.05", id="the venue's least amount"),
        pytest.param("0.02", "0.05", "0", "100", "0.06", id="in whole lots"),
        pytest.param("0.01", "0", "10", "100", "0.10", id="what the least cost buys"),
        pytest.param("0.01", "0", "10", "99", "0.11", id="in whole lots, rounded up"),
        pytest.param("0.01", "0", "10", "3000", "0.01", id="a price at which one lot is enough"),
    ],
)
def test_the_least_amount_that_a_venue_takes(lot, min_amount, min_notional, price, least):
    rules = MarketRules(
        "BTC/USDT", Decimal("0.01"), Decimal(lot), Decimal(min_notional), min_amount=Decimal(min_amount)
    )
    found = rules.least(Decimal(price))
    assert found == Decimal(least)
    one_less = found - rules.lot
    assert one_less < rules.lot or one_less < rules.min_amount or one_less * Decimal(price) < rules.min_notional
