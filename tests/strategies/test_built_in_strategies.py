import random
from math import sqrt

import pytest

from tidegate.domain.market import Candle
from tidegate.domain.signal import Side
from tidegate.strategies import trade_breakout, trade_ema_cross, trade_rsi_reversion

MINUTE_NS = 60_000_000_000
BUY, SELL = Side.BUY, Side.SELL


def candle(close, high=None, low=None, volume=1.0):
    high, low = close if high is None else high, close if low is None else low
    return Candle("BTC/USDT", 0, MINUTE_NS, close, high, low, close, volume)


def closes(*prices):
    return [candle(float(price)) for price in prices]


def random_candles(seed, length=2_000):
    chance, price, candles = random.Random(seed), 100.0, []
    for index in range(length):
        opened, price = price, price * (1 + chance.gauss(0, 0.01))
        high, low = max(opened, price) * (1 + chance.random() / 100), min(opened, price) * (1 - chance.random() / 100)
        volume = chance.expovariate(1)
        candles.append(Candle("BTC/USDT", index * MINUTE_NS, MINUTE_NS, opened, high, low, price, volume))
    return candles


def sides(strategy, candles):
    return [idea and idea.side for idea in map(strategy, candles)]


ALL = {
    "ema cross": lambda: trade_ema_cross(fast=3, slow=8),
    "rsi reversion": lambda: trade_rsi_reversion(period=5),
    "breakout": lambda: trade_breakout(period=6),
}
every_strategy = pytest.mark.parametrize("fresh", ALL.values(), ids=ALL.keys())


# With periods 1 and 2 the fast average is the close; the slow one starts at the mean of two closes.
@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param(closes(10, 9, 8, 12), [None, None, None, BUY], id="crossing upwards buys"),
        pytest.param(closes(10, 11, 12, 8), [None, None, None, SELL], id="crossing downwards sells"),
        pytest.param(closes(10, 9, 12, 13, 14), [None, None, BUY, None, None], id="staying above says nothing more"),
        pytest.param(closes(9, 10, 11, 12), [None] * 4, id="the first side is noted only"),
        pytest.param(closes(12, 14, 13, 15), [None] * 4, id="touching and turning back is no crossing"),
        pytest.param(closes(7, 7, 7, 9), [None] * 4, id="a side taken for the first time is no crossing"),
        pytest.param(closes(10, 9, 12, 6), [None, None, BUY, SELL], id="each crossing gives its own idea"),
    ],
)
def test_ema_cross(given, then):
    assert sides(trade_ema_cross(fast=1, slow=2), given) == then


# With period 1 the index is 100 after a rise, 0 after a fall; with period 2 it also takes values between.
@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param(closes(10, 9, 10), [None, None, BUY], id="coming up from below low buys"),
        pytest.param(closes(10, 11, 10), [None, None, SELL], id="coming down from above high sells"),
        pytest.param(closes(10, 9, 8, 7), [None] * 4, id="falling on says nothing"),
        pytest.param(closes(10, 11, 12, 13), [None] * 4, id="rising on says nothing"),
        pytest.param(
            closes(10, 9, 10, 9, 10), [None, None, BUY, SELL, BUY], id="from one extreme to the other and back"
        ),
        pytest.param(closes(10, 10, 11, 12), [None] * 4, id="a market at rest was not at an extreme"),
    ],
)
def test_rsi_reversion(given, then):
    assert sides(trade_rsi_reversion(period=1), given) == then


@pytest.mark.parametrize(
    ("prices", "then"),
    [
        pytest.param([10, 9, 8, 9, 10], [None, None, None, BUY, None], id="at low"),
        pytest.param([10, 11, 12, 11, 10], [None, None, None, SELL, None], id="at high"),
    ],
)
def test_rsi_reversion_speaks_at_the_level_itself_and_only_once(prices, then):
    levels = {"low": 50, "high": 90} if BUY in then else {"low": 10, "high": 50}
    assert sides(trade_rsi_reversion(period=2, **levels), closes(*prices)) == then  # the fourth close brings it to 50


def test_rsi_reversion_is_stronger_the_further_it_turns():
    shallow = [trade(c) for trade in [trade_rsi_reversion(period=3)] for c in closes(10, 9.5, 9, 8.5, 9.2)][-1]
    deep = [trade(c) for trade in [trade_rsi_reversion(period=3)] for c in closes(10, 9.5, 9, 8.5, 12)][-1]
    assert shallow.side is deep.side is BUY
    assert 0 < shallow.strength < deep.strength < 1


@pytest.mark.parametrize("mirrored", [False, True], ids=["buying", "selling"])
def test_rsi_reversion_measures_the_turn_from_the_extreme(mirrored):
    prices = [20 - price if mirrored else price for price in (10, 9, 8, 8.5, 10)]
    *_, idea = map(trade_rsi_reversion(period=2, low=50, high=50.1 if mirrored else 90), closes(*prices))
    turn = 100 * 0.875 / (0.875 + 0.25)  # from 0, over 33 on the way
    assert idea.side is (SELL if mirrored else BUY)
    assert idea.strength == pytest.approx(turn / (turn + 40 / sqrt(2)))


@pytest.mark.parametrize(
    ("prices", "then"),
    [
        pytest.param([10, 12, 11, 13], [None, None, None, BUY], id="a close above the highest high buys"),
        pytest.param([12, 10, 11, 9], [None, None, None, SELL], id="a close below the lowest low sells"),
        pytest.param([10, 12, 11, 12], [None] * 4, id="a close at the highest high is not beyond"),
        pytest.param([12, 10, 11, 10], [None] * 4, id="a close at the lowest low is not beyond"),
        pytest.param([10, 11, 10, 12, 13, 14], [None] * 3 + [BUY, None, None], id="the next closes beyond say nothing"),
        pytest.param([10, 11, 10, 12, 11, 13], [None] * 3 + [BUY, None, BUY], id="back inside, it may break out again"),
        pytest.param([10, 11, 10, 12, 8], [None] * 3 + [BUY, SELL], id="through the range and out on the other side"),
        pytest.param([20, 10, 11, 10, 12], [None] * 4 + [BUY], id="what is older than the period does not count"),
    ],
)
def test_breakout(prices, then):
    assert sides(trade_breakout(period=3), closes(*prices)) == then


def test_breakout_looks_at_highs_and_lows_not_closes():
    strategy = trade_breakout(period=2)
    assert sides(strategy, [candle(10, high=15), candle(10, low=5), candle(14), candle(6), candle(15.5)]) == [
        None, None, None, None, BUY,
    ]  # fmt: skip


def test_breakout_measures_its_strength_in_quarters_of_the_usual_range():
    strategy = trade_breakout(period=2)
    *_, idea = map(strategy, [candle(10, 12, 8), candle(10, 12, 8), candle(13, 13, 9)])
    assert idea.strength == pytest.approx(1 / (1 + 4 / 4))  # one above 12, both true ranges are 4


def test_ema_cross_measures_its_strength_in_halves_of_the_usual_range():
    strategy = trade_ema_cross(fast=1, slow=2)
    *_, idea = map(strategy, closes(10, 9, 12))
    slow = 9.5 + 2 / 3 * (12 - 9.5)
    assert idea.strength == pytest.approx((12 - slow) / (12 - slow + 2 / 2))  # the true ranges are 1 and 3


@every_strategy
def test_strengths_lie_on_both_sides_of_a_half(fresh):
    ideas = [idea for idea in map(fresh(), random_candles(seed=1)) if idea]
    below = sum(idea.strength < 0.5 for idea in ideas)
    assert len(ideas) > 50
    assert 0.15 < below / len(ideas) < 0.85
    assert all(0 <= idea.strength <= 1 and 0 <= idea.confidence <= 1 for idea in ideas)


@every_strategy
def test_confidence_is_the_volume_against_its_average(fresh):
    candles = random_candles(seed=2)
    loud = [Candle(*(getattr(c, f) for f in c.__struct_fields__[:-1]), c.volume * 1000) for c in candles]
    silent = [Candle(*(getattr(c, f) for f in c.__struct_fields__[:-1]), 0.0) for c in candles]
    confidences = [idea.confidence for idea in map(fresh(), candles) if idea]
    assert len(set(confidences)) == len(confidences) > 50
    assert [idea.confidence for idea in map(fresh(), loud) if idea] == pytest.approx(confidences)
    assert {idea.confidence for idea in map(fresh(), silent) if idea} == {None}


@every_strategy
def test_two_instances_fed_the_same_think_the_same(fresh):
    candles = random_candles(seed=3)
    assert list(map(fresh(), candles)) == list(map(fresh(), candles))


@every_strategy
def test_instances_fed_in_turns_do_not_disturb_each_other(fresh):
    ours, theirs = random_candles(seed=4), random_candles(seed=5)
    alone = list(map(fresh(), ours))
    first, second = fresh(), fresh()
    assert [(first(a), second(b))[0] for a, b in zip(ours, theirs, strict=True)] == alone


@every_strategy
def test_the_scale_of_the_prices_does_not_matter(fresh):
    candles = random_candles(seed=6)
    cheap = [
        Candle(c.symbol, c.opened_at_ns, MINUTE_NS, *(p / 2**40 for p in (c.open, c.high, c.low, c.close)), c.volume)
        for c in candles
    ]
    assert list(map(fresh(), cheap)) == list(map(fresh(), candles))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: trade_ema_cross(fast=26, slow=26), "fast must be below slow, was 26", id="fast equals slow"
        ),
        pytest.param(
            lambda: trade_ema_cross(fast=0), "fast must be a whole number of at least 1, was 0", id="fast is 0"
        ),
        pytest.param(lambda: trade_ema_cross(slow="26"), "slow must be a whole number", id="slow is text"),
        pytest.param(lambda: trade_rsi_reversion(low=70, high=30), "low must be below high", id="low above high"),
        pytest.param(
            lambda: trade_rsi_reversion(low=0), "both between 0 and 100, was 0", id="low that is never reached"
        ),
        pytest.param(lambda: trade_rsi_reversion(high=100), "with high 100", id="high that is never reached"),
        pytest.param(
            lambda: trade_rsi_reversion(period=1.5), "period must be a whole number", id="period is no integer"
        ),
        pytest.param(lambda: trade_breakout(period=-1), "period must be .* was -1", id="negative period"),
    ],
)
def test_parameters_that_make_no_sense_are_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
