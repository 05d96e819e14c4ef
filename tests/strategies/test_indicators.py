"""The incremental indicators against TA-Lib's definitions, written out plainly over whole lists."""

import random
from collections import deque
from itertools import pairwise

import pytest

from tidegate.strategies.indicators import Atr, Ema, Highest, Lowest, Rsi

PERIODS = [1, 2, 3, 14, 26]


def random_walk(length=400, seed=7):
    chance = random.Random(seed)
    prices, price = [], 100.0
    for _ in range(length):
        price *= 1 + chance.gauss(0, 0.01)
        prices.append(price)
    return prices


def random_bars(length=400, seed=11):
    chance = random.Random(seed)
    closes = random_walk(length, seed)
    return [(close + chance.random(), close - chance.random(), close) for close in closes]


def wilder(values, period):
    averages = [sum(values[:period]) / period]
    for value in values[period:]:
        averages.append((averages[-1] * (period - 1) + value) / period)
    return averages


def plain_ema(values, period):
    averages = [sum(values[:period]) / period]
    for value in values[period:]:
        averages.append(averages[-1] + 2 / (period + 1) * (value - averages[-1]))
    return [None] * (period - 1) + averages


def plain_rsi(values, period):
    changes = [after - before for before, after in pairwise(values)]
    gains = wilder([max(change, 0) for change in changes], period)
    losses = wilder([max(-change, 0) for change in changes], period)
    return [None] * period + [100 * up / (up + down) for up, down in zip(gains, losses, strict=True)]


def plain_atr(bars, period):
    ranges = [
        max(high - low, abs(high - before), abs(low - before)) for (_, _, before), (high, low, _) in pairwise(bars)
    ]
    return [None] * period + wilder(ranges, period)


def plain_window(values, period, choose):
    return [None if i + 1 < period else choose(values[i + 1 - period : i + 1]) for i in range(len(values))]


def agree(actual, expected):
    assert [value is None for value in actual] == [value is None for value in expected]
    assert [v for v in actual if v is not None] == pytest.approx([v for v in expected if v is not None], rel=1e-9)


@pytest.mark.parametrize("period", PERIODS)
def test_ema_is_as_talib_defines_it(period):
    prices, ema = random_walk(), Ema(period)
    agree([ema.update(price) for price in prices], plain_ema(prices, period))


@pytest.mark.parametrize("period", PERIODS)
def test_rsi_is_as_talib_defines_it(period):
    prices, rsi = random_walk(), Rsi(period)
    agree([rsi.update(price) for price in prices], plain_rsi(prices, period))


@pytest.mark.parametrize("period", PERIODS)
def test_atr_is_as_talib_defines_it(period):
    bars, atr = random_bars(), Atr(period)
    agree([atr.update(*bar) for bar in bars], plain_atr(bars, period))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize(("indicator", "choose"), [(Highest, max), (Lowest, min)], ids=["highest", "lowest"])
def test_the_extreme_of_a_window_is_that_of_its_values(indicator, choose, period):
    values = [float(random.Random(seed).randint(-5, 5)) for seed in range(300)]  # with many ties
    extreme = indicator(period)
    assert [extreme.update(value) for value in values] == plain_window(values, period, choose)


def test_rsi_gives_the_values_of_the_published_example():
    prices = [44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
              46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439]  # fmt: skip
    rsi = Rsi(14)
    assert [rsi.update(price) for price in prices][14:] == pytest.approx(
        [70.53, 66.32, 66.55, 69.41, 66.36, 57.97], abs=0.01
    )


@pytest.mark.parametrize(
    ("prices", "then"),
    [
        pytest.param([5.0] * 9, 50.0, id="neither high nor low where nothing moves"),
        pytest.param([1.0, 2.0, 3.0, 4.0], 100.0, id="100 where it only rises"),
        pytest.param([4.0, 3.0, 2.0, 1.0], 0.0, id="0 where it only falls"),
    ],
)
def test_rsi_at_its_ends(prices, then):
    rsi = Rsi(3)
    assert [rsi.update(price) for price in prices][-1] == then


def test_a_window_remembers_no_more_than_its_period():
    highest = Highest(10)
    (kept,) = [cell.cell_contents for cell in highest.update.__closure__ if isinstance(cell.cell_contents, deque)]
    for value in range(10_000, 0, -1):  # falling: every value may still become the highest
        highest.update(float(value))
        assert len(kept) <= 10


@pytest.mark.parametrize("indicator", [Ema, Rsi, Atr, Highest, Lowest])
@pytest.mark.parametrize("period", [0, -1, 2.0, "3", True, None], ids=repr)
def test_a_period_must_be_a_whole_number_of_at_least_one(indicator, period):
    with pytest.raises(ValueError, match=f"period must be a whole number of at least 1, was {period!r}"):
        indicator(period)
