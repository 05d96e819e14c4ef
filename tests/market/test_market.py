import random
import statistics
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from math import log
from pathlib import Path

import pytest

from tidegate.market.simulated import SimulatedMarket
from tidegate.market.symbols import SimulatedSymbol, simulated_symbol
from tidegate.strategies import load

SECOND_NS = 1_000_000_000
TEN_SECONDS_NS = 10 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
NOON_NS = 1_789_560_000 * SECOND_NS
FOUR = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"]


def symbol(**changes):
    numbers = {"start_price": Decimal(100), "volume_per_day": Decimal(1000)}
    return SimulatedSymbol(symbol="A/B", **{**numbers, **changes})


def test_a_market_of_the_same_seed_is_the_same_market():
    ours, theirs = (SimulatedMarket(5).history("BTC/USDT", TEN_SECONDS_NS, 50, NOON_NS) for _ in range(2))
    assert ours == theirs


def test_what_was_asked_before_does_not_matter():
    moments = [NOON_NS + second * 7 * SECOND_NS for second in range(-500, 500)]
    forward = SimulatedMarket(5)
    expected = {moment: forward.quote("BTC/USDT", moment) for moment in moments}
    shuffled = SimulatedMarket(5)
    shuffled.history("ETH/USDT", TEN_SECONDS_NS, 10, NOON_NS)
    for moment in random.Random(1).sample(moments, len(moments)):
        assert shuffled.quote("BTC/USDT", moment) == expected[moment]


def test_another_process_with_another_hash_seed_sees_the_same_prices():
    script = (
        "from tidegate.market.simulated import SimulatedMarket\n"
        f"market = SimulatedMarket(5)\n"
        f"print(market.quote('BTC/USDT', {NOON_NS}), market.candle('ADA/EUR', {NOON_NS}, {TEN_SECONDS_NS}))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    market = SimulatedMarket(5)
    here = f"{market.quote('BTC/USDT', NOON_NS)} {market.candle('ADA/EUR', NOON_NS, TEN_SECONDS_NS)}\n"
    assert answers == {here}


def test_seeds_and_symbols_go_their_own_ways():
    def changes(seed, name):
        closes = [candle.close for candle in SimulatedMarket(seed).history(name, TEN_SECONDS_NS, 500, NOON_NS)]
        return [log(after / before) for before, after in pairwise(closes)]

    reference = changes(1, "BTC/USDT")
    assert abs(statistics.correlation(reference, changes(2, "BTC/USDT"))) < 0.25
    assert abs(statistics.correlation(reference, changes(1, "ETH/USDT"))) < 0.25


@pytest.mark.parametrize("name", [*FOUR, "ADA/EUR"])
@pytest.mark.parametrize("timeframe_ns", [SECOND_NS, TEN_SECONDS_NS, 300 * SECOND_NS, DAY_NS], ids=str)
def test_candles_are_whole_and_join(name, timeframe_ns):
    candles = SimulatedMarket(3).history(name, timeframe_ns, 200, NOON_NS)
    for candle in candles:
        assert 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
        assert 0 <= candle.volume < float("inf")
    for before, after in pairwise(candles):
        assert after.open == before.close
        assert after.opened_at_ns == before.closed_at_ns


def test_candles_show_more_than_their_ends():
    candles = SimulatedMarket(3).history("BTC/USDT", TEN_SECONDS_NS, 200, NOON_NS)
    assert sum(candle.high > max(candle.open, candle.close) for candle in candles) > 50
    assert sum(candle.low < min(candle.open, candle.close) for candle in candles) > 50


@pytest.mark.parametrize("into_the_candle_ns", [0, 1, TEN_SECONDS_NS - 1])
def test_history_ends_with_the_last_closed_candle_on_the_grid(into_the_candle_ns):
    market = SimulatedMarket(3)
    candles = market.history("BTC/USDT", TEN_SECONDS_NS, 3, NOON_NS + into_the_candle_ns)
    assert [candle.closed_at_ns for candle in candles] == [NOON_NS - 20 * SECOND_NS, NOON_NS - TEN_SECONDS_NS, NOON_NS]
    assert candles[-1] == market.candle("BTC/USDT", NOON_NS - TEN_SECONDS_NS, TEN_SECONDS_NS)


def test_history_of_nothing_is_empty():
    assert SimulatedMarket(3).history("BTC/USDT", TEN_SECONDS_NS, 0, NOON_NS) == []


def test_time_may_start_at_zero_with_history_before_it():
    candles = SimulatedMarket(3).history("BTC/USDT", TEN_SECONDS_NS, 20, TEN_SECONDS_NS * 10)
    assert candles[0].opened_at_ns == -10 * TEN_SECONDS_NS
    assert max(abs(log(after.close / before.close)) for before, after in pairwise(candles)) < 0.01
    used, fresh = SimulatedMarket(3), SimulatedMarket(3)
    used.quote("BTC/USDT", NOON_NS)
    assert fresh.quote("BTC/USDT", -4 * SECOND_NS) == used.quote("BTC/USDT", -4 * SECOND_NS)


@pytest.mark.parametrize("name", [*FOUR, "ADA/EUR"])
def test_quotes_lie_about_the_price_in_whole_ticks(name):
    market, tick = SimulatedMarket(3, spread_bps=4), simulated_symbol(name).tick
    for candle in market.history(name, TEN_SECONDS_NS, 100, NOON_NS):
        quote = market.quote(name, candle.closed_at_ns)
        assert (quote.symbol, quote.at_ns) == (name, candle.closed_at_ns)
        assert 0 < quote.bid <= Decimal(str(candle.close)) <= quote.ask
        assert quote.bid % tick == quote.ask % tick == 0
        assert quote.depth > 0
        middle = (quote.bid + quote.ask) / 2
        assert 0 <= quote.ask - quote.bid - middle * 4 / 10_000 < 2 * tick


def test_a_spread_below_a_tick_is_widened_to_one():
    market = SimulatedMarket(3, spread_bps=0.001, symbols=[symbol()])
    spreads = {quote.ask - quote.bid for second in range(100) for quote in [market.quote("A/B", second * SECOND_NS)]}
    assert min(spreads) == Decimal("0.01")


def test_the_price_wanders_as_widely_as_asked():
    changes = []
    for seed in range(60):
        closes = [
            c.close
            for c in SimulatedMarket(seed, symbols=[symbol(volatility_per_day=0.05)]).history(
                "A/B", DAY_NS, 40, NOON_NS
            )
        ]
        changes += [log(after / before) for before, after in pairwise(closes)]
    assert 0.045 < statistics.pstdev(changes) < 0.055


def test_the_price_does_not_run_away():
    for seed in range(10):
        year = SimulatedMarket(seed, symbols=[symbol(volatility_per_day=0.05)]).history("A/B", DAY_NS, 365, NOON_NS)
        assert 70 < min(candle.low for candle in year) < 100 < max(candle.high for candle in year) < 140


def test_volume_is_as_much_as_asked_on_average():
    hours = SimulatedMarket(1, symbols=[symbol(volume_per_day=Decimal(2400))]).history(
        "A/B", DAY_NS // 24, 2000, NOON_NS
    )
    assert 90 < statistics.mean(candle.volume for candle in hours) < 110


def test_on_offer_is_about_what_is_traded_in_a_second():
    market = SimulatedMarket(1, symbols=[symbol(volume_per_day=Decimal(864_000))])
    depths = [market.quote("A/B", NOON_NS + second * SECOND_NS).depth for second in range(200)]
    assert all(5 <= depth <= 15 for depth in depths)
    assert len(set(depths)) > 100
    assert market.quote("A/B", NOON_NS + SECOND_NS // 2).depth == depths[0]


def test_short_strategies_speak_several_times_a_minute_both_weakly_and_strongly():
    strengths, minutes = [], 60
    market = SimulatedMarket(1)
    for name, params in {
        "ema_cross": {"fast": 3, "slow": 8},
        "rsi_reversion": {"period": 5},
        "breakout": {"period": 6},
    }.items():
        for traded in FOUR:
            candles = market.history(traded, TEN_SECONDS_NS, minutes * 6, NOON_NS)
            strengths += [idea.strength for idea in map(load(name, params)(), candles) if idea]
    assert len(strengths) > 4 * minutes
    assert 0.1 < sum(strength < 0.5 for strength in strengths) / len(strengths) < 0.9


@pytest.mark.parametrize(("name", "least", "most"), [("BTC/USDT", 30_000, 150_000), ("ETH/USDT", 1_500, 7_000),
                                                     ("SOL/USDT", 60, 350), ("XRP/USDT", 0.2, 2)])  # fmt: skip
def test_the_four_symbols_have_sensible_prices(name, least, most):
    assert least < SimulatedMarket(1).quote(name, NOON_NS).bid < most


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DOGE/USDT", 0.03, 0.7), ("BNB/USDC", 200, 1_500), ("ADA/EUR", 0.1, 2), ("ETH/BTC", 0.02, 0.1),
        ("SOL/ETH", 0.015, 0.15), ("LTC/BTC", 0.0004, 0.004), ("SHIB/USDT", 0.000004, 0.0001),
        ("EUR/USDT", 1, 1.2), ("USDC/USDT", 0.97, 1.03), ("BTC/EUR", 30_000, 150_000),
    ],
)  # fmt: skip
def test_well_known_symbols_have_plausible_prices(name, least, most):
    for seed in (1, 7):
        assert least < SimulatedMarket(seed).quote(name, NOON_NS).bid < most


def test_a_cross_rate_is_that_of_its_two_currencies():
    worth = {name: simulated_symbol(f"{name}/USDT").start_price for name in ("ETH", "BTC", "LTC")}
    for base, quote in (("ETH", "BTC"), ("LTC", "ETH"), ("BTC", "ETH")):
        assert simulated_symbol(f"{base}/{quote}").start_price == pytest.approx(
            worth[base] / worth[quote], rel=Decimal("0.001")
        )


def test_any_other_symbol_has_a_price_of_its_own():
    prices = {simulated_symbol(f"COIN{number}/USDT").start_price for number in range(100)}
    assert len(prices) > 90
    assert all(Decimal("0.1") <= price <= 1000 for price in prices)


@pytest.mark.parametrize(
    ("start_price", "tick"),
    [("65000", "1"), ("99999", "1"), ("150", "0.01"), ("0.6", "0.00001"), ("1E+6", "100")],
)
def test_prices_have_five_significant_digits(start_price, tick):
    given = symbol(start_price=Decimal(start_price))
    assert given.tick == Decimal(tick)
    candles = SimulatedMarket(1, symbols=[given]).history("A/B", TEN_SECONDS_NS, 20, NOON_NS)
    assert all(Decimal(str(candle.close)) % given.tick == 0 for candle in candles)
    assert len({candle.close for candle in candles}) > 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"start_price": Decimal(0)}, "start_price of A/B must be above 0, was 0", id="no price"),
        pytest.param({"volume_per_day": Decimal(0)}, "volume_per_day of A/B must be above 0, was 0", id="no volume"),
        pytest.param(
            {"volatility_per_day": -0.1}, "volatility_per_day of A/B must be above 0, was -0.1", id="volatility below 0"
        ),
    ],
)
def test_symbols_that_make_no_sense_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        symbol(**changes)


@pytest.mark.parametrize("spread_bps", [0, -1, 10_000, float("nan")])
def test_a_spread_must_leave_a_bid_and_an_ask(spread_bps):
    with pytest.raises(ValueError, match="spread_bps must be above 0 and below 10000, was"):
        SimulatedMarket(1, spread_bps=spread_bps)
