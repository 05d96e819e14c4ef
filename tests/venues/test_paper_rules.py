from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.market import MarketRules
from tidegate.venues.paper.rules import paper_rules

MAKER, TAKER = Decimal("0.0005"), Decimal("0.001")
OVERRIDE = MarketRules("BTC/USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(10))


def rules_at(prices: dict[str, Decimal], **overrides: MarketRules):
    return paper_rules(overrides=overrides, maker_fee=MAKER, taker_fee=TAKER, reference=prices.get)


@pytest.mark.parametrize(
    ("symbol", "price", "tick", "lot", "min_notional"),
    [
        pytest.param("BTC/USDT", "60000", "1", "1E-8", "5", id="dear: large ticks, small lots"),
        pytest.param("XRP/USDC", "0.52", "0.00001", "0.001", "5", id="under one"),
        pytest.param("SHIB/EUR", "0.00001234", "1E-9", "10", "5", id="cheap: small ticks, large lots"),
        pytest.param("ETH/BTC", "0.098", "0.000001", "1E-7", "0.0001", id="in bitcoin"),
        pytest.param("LINK/ETH", "0.005", "1E-7", "0.00001", "0.001", id="in ether"),
        pytest.param("BTC/JPY", "9999999", "100", "1E-10", "0", id="in a currency without a minimum"),
    ],
)
def test_rules_follow_from_the_price(symbol, price, tick, lot, min_notional):
    numbers = (Decimal(tick), Decimal(lot), Decimal(min_notional))
    assert rules_at({symbol: Decimal(price)})(symbol) == MarketRules(symbol, *numbers, MAKER, TAKER)


def test_an_override_comes_before_the_price():
    rules = rules_at({"BTC/USDT": Decimal(1)}, **{"BTC/USDT": OVERRIDE})
    assert rules("BTC/USDT") is OVERRIDE


def test_rules_do_not_follow_the_price_later():
    prices = {"BTC/USDT": Decimal(60_000)}
    rules = rules_at(prices)
    first = rules("BTC/USDT")
    prices["BTC/USDT"] = Decimal(1)
    assert rules("BTC/USDT") is first


@pytest.mark.parametrize("nothing", [{}, {"BTC/USDT": Decimal(0)}], ids=["no price", "a price of zero"])
def test_without_a_price_there_are_no_rules_yet(nothing):
    prices = dict(nothing)
    rules = rules_at(prices)
    assert rules("BTC/USDT") is None
    prices["BTC/USDT"] = Decimal(60_000)
    assert rules("BTC/USDT") is not None


@given(st.decimals(min_value="0.0000000001", max_value=10**9, places=10))
def test_a_price_has_five_digits_and_a_lot_costs_next_to_nothing(price):
    rules = rules_at({"A/USDT": price})("A/USDT")
    assert 10_000 <= price / rules.tick < 100_000
    assert Decimal("0.0001") < rules.lot * price <= Decimal("0.001")
