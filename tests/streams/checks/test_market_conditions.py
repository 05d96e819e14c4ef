"""What the market must be like for an entry: measured by other arithmetic than the checks', with the near miss."""

import math
import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.candle_statistics import CandleStatistics
from streams.checks.check import Wait
from streams.checks.drift import drift
from streams.checks.hours import within_hours
from streams.checks.spread import spread
from streams.checks.volatility import volatility
from streams.checks.volume import volume
from tidegate.domain.hours import HOURS_PATTERN, read_hours
from tidegate.domain.market import Candle, Quote
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.terms import PerQuote
from tidegate.domain.verdict import Refusal

MINUTE_NS = 60_000_000_000
NOW_NS = 1_735_689_600_000_000_000  # Wednesday, 1 January 2025, 00:00 UTC


def signal(side=Side.BUY, *, price=None, symbol="BTC/USDT") -> Signal:
    return Signal(id="s", content=b"", raw=b"", symbol=symbol, side=side, price=price)


def quote(bid, ask) -> Quote:
    return Quote("BTC/USDT", NOW_NS, Decimal(bid), Decimal(ask), Decimal(1))


def candles(closes, *, volume=1.0, last_closed_ns=NOW_NS):
    """One-minute candles, the last of which closed at a moment."""
    first_ns = last_closed_ns - len(closes) * MINUTE_NS
    return [
        Candle("BTC/USDT", first_ns + at * MINUTE_NS, MINUTE_NS, close, close, close, close, volume)
        for at, close in enumerate(closes)
    ]


@pytest.mark.parametrize(
    ("bid", "ask", "wide"),
    [
        pytest.param("9990", "10010", None, id="exactly 20 bps of the middle"),
        pytest.param("9990", "10010.01", 20.0099900, id="a cent more"),
        pytest.param("9990", "10009.99", None, id="a cent less"),
        pytest.param("10010", "9990", None, id="a crossed book is not wide"),
        pytest.param("0", "0", None, id="a price of nothing is for the terms to refuse"),
    ],
)
def test_a_spread_is_measured_in_bps_of_the_middle(situation, bid, ask, wide):
    found = spread(Decimal(20))(signal(), situation(signal(), quote=quote(bid, ask)))
    if wide is None:
        assert found is None
    else:
        assert (found.reason, found.limit) == (Reason.SPREAD_TOO_WIDE, 20.0)
        assert found.measured == pytest.approx(wide, rel=1e-7)


prices = st.decimals(min_value="0.0001", max_value=10**6, places=4)


@given(bid=prices, ask=prices, most=st.decimals(min_value="0.1", max_value=500, places=1))
def test_any_spread_is_let_through_up_to_the_limit(situation, bid, ask, most):
    bps = (Fraction(ask) - Fraction(bid)) / ((Fraction(ask) + Fraction(bid)) / 2) * 10_000
    found = spread(most)(signal(), situation(signal(), quote=quote(bid, ask)))
    assert (found is None) is (bps <= Fraction(most))
    assert found is None or found.measured == pytest.approx(float(bps))


closes = st.lists(st.floats(min_value=0.01, max_value=1e6), min_size=1, max_size=40)


@given(closes=closes, count=st.integers(2, 8))
def test_the_volatility_is_the_sample_standard_deviation_of_the_last_returns(closes, count):
    folded = CandleStatistics(count)
    for candle in candles(closes):
        folded.fold(candle)
    returns = [math.log(after / before) for before, after in pairwise(closes)][-count:]
    if len(returns) < count:
        assert folded.volatility is None
    else:
        assert folded.volatility == pytest.approx(statistics.stdev(returns), rel=1e-9, abs=1e-11)
    assert folded.candles == min(len(closes), count + 1)


def test_a_million_wild_candles_leave_no_error_behind():
    """Sums that are kept in floats have lost the small returns by then."""
    folded = CandleStatistics(3)
    for candle in candles([1e-6, 1e9] * 5_000 + [100, 101, 102, 101]):
        folded.fold(candle)
    expected = statistics.stdev([math.log(101 / 100), math.log(102 / 101), math.log(101 / 102)])
    assert folded.volatility == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("close", [0.0, -1.0, math.nan, math.inf])
def test_a_candle_without_a_price_changes_nothing(close):
    folded = CandleStatistics(2)
    for candle in candles([100, 101, 102]):
        folded.fold(candle)
    before = folded.volatility, folded.quote_volume, folded.closed_at_ns
    folded.fold(candles([close], last_closed_ns=NOW_NS + MINUTE_NS)[0])
    assert (folded.volatility, folded.quote_volume, folded.closed_at_ns) == before


def test_a_candle_counts_once_and_in_order():
    folded = CandleStatistics(2)
    for candle in (*candles([100, 101, 102]), *candles([500, 102])):
        folded.fold(candle)
    assert folded.volatility == pytest.approx(statistics.stdev([math.log(101 / 100), math.log(102 / 101)]))


RETURNS = [math.log(b / a) for a, b in ((100, 102), (102, 101), (101, 103))]
STDEV = statistics.stdev(RETURNS)


@pytest.mark.parametrize(
    ("most", "waits"),
    [
        pytest.param(STDEV * 1.000001, False, id="a little below the limit"),
        pytest.param(STDEV * 0.999999, True, id="a little above it"),
    ],
)
def test_a_signal_waits_while_the_market_is_too_volatile(situation, most, waits):
    there = situation(signal(), candles=candles([100, 102, 101, 103]), kept_candles=3)
    found = volatility(most)(signal(), there)
    assert (found is not None) is waits
    if found is not None:
        assert (found.reason, found.limit) == (Reason.TOO_VOLATILE, most)
        assert found.measured == pytest.approx(STDEV)


@pytest.mark.parametrize(
    ("most", "volume_of_it", "waits"),
    [
        pytest.param("1030", 10.0, False, id="exactly the minimum"),
        pytest.param("1030.01", 10.0, True, id="a cent less than the minimum"),
        pytest.param("1", 0.0, True, id="nothing at all"),
    ],
)
def test_a_signal_waits_while_the_last_candle_traded_too_little(situation, most, volume_of_it, waits):
    there = situation(signal(), candles=candles([999, 103], volume=volume_of_it), kept_candles=3)
    found = volume(PerQuote(Decimal(most)))(signal(), there)
    expected = Wait(Reason.VOLUME_TOO_LOW, measured=volume_of_it * 103, limit=float(most)) if waits else None
    assert found == expected


def test_the_least_volume_is_that_of_the_quote_currency(situation):
    there = situation(signal(), candles=candles([100], volume=1), kept_candles=3)
    assert volume(PerQuote(Decimal(5), {"USDT": Decimal(101)}))(signal(), there) is not None
    assert volume(PerQuote(Decimal(500), {"USDT": Decimal(99)}))(signal(), there) is None


@pytest.mark.parametrize(
    ("given", "check", "said"),
    [
        pytest.param([], volatility(9.0), "no candle has closed yet", id="no volatility"),
        pytest.param([], volume(PerQuote(Decimal(1))), "no candle has closed yet", id="no volume"),
        pytest.param(candles([1, 2]), volatility(9.0), "2 of 3 candles have closed", id="too few for a volatility"),
        pytest.param(
            candles([1, 2, 3], last_closed_ns=NOW_NS - 2 * MINUTE_NS - 10**9),
            volatility(9.0), "no candle closed in the last 121 s", id="old volatility",
        ),
        pytest.param(
            candles([1, 2, 3], last_closed_ns=NOW_NS - 2 * MINUTE_NS - 10**9),
            volume(PerQuote(Decimal(1))), "no candle closed in the last 121 s", id="old volume",
        ),
    ],
)  # fmt: skip
def test_without_candles_of_the_present_a_signal_waits(situation, given, check, said):
    found = check(signal(), situation(signal(), candles=given, kept_candles=2))
    assert isinstance(found, Wait)
    assert found.measured == said


def test_a_candle_that_closed_two_timeframes_ago_is_still_of_the_present(situation):
    last = candles([100, 101, 102], last_closed_ns=NOW_NS - 2 * MINUTE_NS)
    assert volume(PerQuote(Decimal(1)))(signal(), situation(signal(), candles=last, kept_candles=2)) is None


@pytest.mark.parametrize(
    ("side", "price", "bid", "ask", "against"),
    [
        pytest.param("buy", "100", "100.10", "100.30", None, id="dearer by exactly 20 bps"),
        pytest.param("buy", "100", "100.10", "100.32", 21.0, id="dearer by 21"),
        pytest.param("buy", "100", "49", "51", None, id="cheaper is not against a purchase"),
        pytest.param("sell", "100", "99.70", "99.90", None, id="a sale, cheaper by exactly 20 bps"),
        pytest.param("sell", "100", "99.68", "99.90", 21.0, id="a sale, cheaper by 21"),
        pytest.param("sell", "100", "199", "201", None, id="dearer is not against a sale"),
    ],
)
def test_a_price_that_moved_against_the_trade_refuses_it(situation, side, price, bid, ask, against):
    said = signal(Side(side), price=Decimal(price))
    there = situation(said, quote=quote(bid, ask))
    there.own_coins = side == "sell"
    found = drift(Decimal(20))(said, there)
    assert found == (against and Refusal(Reason.PRICE_DRIFTED, measured=against, limit=20.0))


def test_without_a_price_of_its_own_the_middle_at_receipt_is_what_it_moved_from(situation):
    there = situation(signal(), quote=quote("99", "101"), mid=Decimal("99.8"))
    found = drift(Decimal(20))(signal(), there)
    assert found.measured == pytest.approx((100 / 99.8 - 1) * 10_000)
    assert drift(Decimal(21))(signal(), there) is None
    assert drift(Decimal(1))(signal(price=Decimal(100)), there) is None  # its own price comes first


def test_where_no_price_was_known_at_receipt_the_signal_is_refused(situation):
    found = drift(Decimal(20))(signal(), situation(signal()))
    assert found == Refusal(Reason.PRICE_DRIFTED, measured="no price was known when it was received", limit=20.0)


@pytest.mark.parametrize(
    ("hours", "at", "opened"),
    [
        pytest.param("08:00-20:00", "2025-01-01 08:00:00", True, id="its first moment"),
        pytest.param("08:00-20:00", "2025-01-01 07:59:59", False, id="a second before"),
        pytest.param("08:00-20:00", "2025-01-01 19:59:59", True, id="its last second"),
        pytest.param("08:00-20:00", "2025-01-01 20:00:00", False, id="its end"),
        pytest.param("Mon-Fri 08:00-20:00", "2025-01-03 12:00:00", True, id="a Friday"),
        pytest.param("Mon-Fri 08:00-20:00", "2025-01-04 12:00:00", False, id="a Saturday"),
        pytest.param("Sat 22:00-02:00", "2025-01-05 01:59:59", True, id="past midnight, of the day before"),
        pytest.param("Sat 22:00-02:00", "2025-01-04 01:59:59", False, id="but not of the same day"),
        pytest.param("Sun 22:00-02:00", "2025-01-06 01:00:00", True, id="past the end of the week"),
        pytest.param("Fri-Mon 00:00-24:00", "2025-01-06 23:59:59", True, id="days around the weekend, all day long"),
        pytest.param("Fri-Mon 00:00-24:00", "2025-01-07 00:00:00", False, id="and no day more"),
    ],
)
def test_hours_are_of_the_week_in_utc(situation, hours, at, opened):
    at_ns = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 10**9
    found = within_hours([read_hours(hours)])(signal(), situation(signal(), at_ns=at_ns))
    assert (found is None) is opened
    if found is not None:
        said = datetime.fromisoformat(at).strftime("%a %H:%M UTC")
        assert found == Wait(Reason.OUTSIDE_HOURS, measured=said, limit=hours)


EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
clocks = st.tuples(st.integers(0, 23), st.integers(0, 59))


@given(
    at=st.datetimes(min_value=EPOCH, max_value=EPOCH + timedelta(days=36_500)),
    day=st.sampled_from(DAYS),
    begins=clocks,
    ends=clocks,
)
def test_a_moment_lies_within_hours_that_began_that_day_or_the_day_before(at, day, begins, ends):
    assume(begins != ends)
    text = f"{day} {begins[0]:02d}:{begins[1]:02d}-{ends[0]:02d}:{ends[1]:02d}"
    within = False
    for date in (at.date(), at.date() - timedelta(days=1)):
        start = datetime.combine(date, datetime.min.time()) + timedelta(hours=begins[0], minutes=begins[1])
        end = datetime.combine(date, datetime.min.time()) + timedelta(hours=ends[0], minutes=ends[1])
        end += timedelta(days=end <= start)
        within |= DAYS[date.weekday()] == day and start <= at < end
    at_ns = (at - EPOCH) // timedelta(microseconds=1) * 1000
    assert read_hours(text).cover(at_ns) is within


@given(text=st.from_regex(HOURS_PATTERN, fullmatch=True))
def test_whatever_is_written_as_hours_can_be_read(text):
    try:
        assert read_hours(text).text == text
    except ValueError:
        begins, ends = text.rsplit(" ")[-1].split("-")
        assert begins == ends


CONDITIONS = [
    pytest.param(within_hours([read_hours("12:00-13:00")]), id="hours"),
    pytest.param(spread(Decimal(1)), id="spread"),
    pytest.param(volatility(1e-9), id="volatility"),
    pytest.param(volume(PerQuote(Decimal(10**9))), id="volume"),
    pytest.param(drift(Decimal(1)), id="drift"),
]


@pytest.mark.parametrize("check", CONDITIONS)
def test_entry_conditions_do_not_bind_closings(situation, check):
    for side, own_coins, bound in ((Side.BUY, False, True), (Side.SELL, False, False), (Side.SELL, True, True)):
        there = situation(signal(side), candles=candles([100, 150, 90]), kept_candles=2)
        there.own_coins = own_coins
        assert (check(signal(side), there) is not None) is bound
