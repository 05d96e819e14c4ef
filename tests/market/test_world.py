"""The worlds a pipeline can look at, under virtual time."""

from decimal import Decimal
from itertools import pairwise

import pytest

from operators.chunks import subscribe_chunks
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.market import Candle, Quote
from tidegate.domain.timeframe import parse_timeframe, timeframe_for
from tidegate.market.feeds import Playback, played_world
from tidegate.market.recordings import CandleFile, content_of, merge_candles, read_candles, write_candles
from tidegate.market.timing import as_recorded

NOW_NS = 1_735_689_600_123_456_789
S = 1_000_000_000
THEN_NS = 1_515_628_800 * S


def recording(symbol="ETH/BTC", *, minutes=5, count=8, from_ns=THEN_NS, price=10.0) -> CandleFile:
    span_ns = minutes * 60 * S
    candles = tuple(
        Candle(symbol, from_ns + n * span_ns, span_ns, price + n, price + n + 1, price + n, price + n + 0.5, 7.0)
        for n in range(count)
    )
    return CandleFile(None, symbol, span_ns, candles)


class Played:
    def __init__(self, *files, speed=1.0, history=2):
        self.loop = VirtualLoop()
        clock = Clock.simulated(self.loop, NOW_NS)
        self.world = played_world(Playback(files, speed), history=history, spread_bps=Decimal(2), clock=clock)
        self.news = []
        self.ends = []
        self.world.news.subscribe(
            lambda news: self.news.append((self.loop.time(), news)),
            on_completed=lambda: self.ends.append(self.loop.time()),
        )
        self.loop.run_forever()

    def candles(self):
        return [(at_s, news) for at_s, news in self.news if isinstance(news, Candle)]

    def quotes(self):
        return [(at_s, news) for at_s, news in self.news if isinstance(news, Quote)]


@pytest.mark.parametrize(("speed", "every_s"), [(1, 300), (60, 5), (0.5, 600), (100_000, 0.003)])
def test_candles_close_as_much_faster_as_was_asked_for(speed, every_s):
    it = Played(recording(), speed=speed)
    assert [at_s for at_s, _ in it.candles()] == pytest.approx([every_s * n for n in range(1, 7)])
    assert it.ends == pytest.approx([every_s * 6])
    for at_s, candle in it.candles():
        assert candle.closed_at_ns - NOW_NS == pytest.approx(at_s * S)
        assert candle.timeframe_ns == pytest.approx(every_s * S)
    assert [candle.close for _, candle in it.candles()] == [12.5, 13.5, 14.5, 15.5, 16.5, 17.5]


def test_what_is_known_at_the_start_closed_by_then_and_has_a_price_at_once():
    it = Played(recording(), recording("A/B", price=50.0), speed=60)
    assert [candle.close for candle in it.world.history] == [50.5, 10.5, 51.5, 11.5]
    assert max(candle.closed_at_ns for candle in it.world.history) == NOW_NS
    first = [quote for at_s, quote in it.quotes() if at_s == 0]
    assert {quote.symbol: (quote.bid + quote.ask) / 2 for quote in first} == {
        "A/B": Decimal("51.5"),
        "ETH/BTC": Decimal("11.5"),
    }
    assert {quote.at_ns for quote in first} == {NOW_NS}


@pytest.mark.parametrize("speed", [1, 7, 13.7, 999])
def test_played_candles_follow_each_other_without_gap_or_overlap(speed):
    it = Played(recording(minutes=1, count=50), speed=speed)
    known = [*it.world.history, *(candle for _, candle in it.candles())]
    assert all(one.closed_at_ns == other.opened_at_ns for one, other in pairwise(known))


def test_of_a_short_recording_no_more_than_half_is_past():
    it = Played(recording(count=6), history=200)
    assert (len(it.world.history), len(it.candles())) == (3, 3)


def test_without_history_everything_comes():
    it = Played(recording(), history=0)
    assert (len(it.world.history), len(it.candles()), it.candles()[0][0]) == (0, 8, 300)


def test_recordings_of_two_timeframes_close_when_they_did():
    it = Played(recording(minutes=5, count=6), recording("A/B", minutes=10, count=3), speed=60, history=2)
    assert [(round(at_s), candle.symbol) for at_s, candle in it.candles()] == [
        (5, "ETH/BTC"), (10, "A/B"), (10, "ETH/BTC"), (15, "ETH/BTC"), (20, "A/B"), (20, "ETH/BTC"),
    ]  # fmt: skip


def test_a_recording_is_known_by_its_candles_not_by_its_file(tmp_path):
    one, other = recording(), recording("A/B")
    name = tmp_path / "ETH-BTC-5m.csv"
    write_candles(name, one.candles)
    again = read_candles(name)
    moved = read_candles(name.rename(tmp_path / "x.csv"), "ETH/BTC", "5m")
    assert content_of([one]) == content_of([again]) == content_of([moved])
    assert content_of([one, other]) == content_of([other, one])
    different = [other, recording(price=10.1), recording(count=7), recording(minutes=1), recording(from_ns=0)]
    assert len({content_of([file]) for file in (one, *different)} | {content_of([one, other])}) == 7


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0.001, "1s"), (5, "5s"), (5.2, "6s"), (60, "1m"), (9_999, "9999s"), (10_000, "167m"), (10**6, "278h")],
)
def test_what_is_played_has_a_timeframe_that_can_be_written(duration_s, text):
    assert timeframe_for(round(duration_s * S)) == text
    assert parse_timeframe(text) >= duration_s * S


def test_what_closes_at_one_moment_comes_as_one_chunk_and_one_by_one_to_everybody_else():
    files = (recording(minutes=5, count=2), recording("A/B", minutes=10, count=1))
    loop = VirtualLoop()
    clock = Clock.simulated(loop, THEN_NS)
    news = as_recorded(merge_candles(files), clock=clock, spread_bps=Decimal(2))
    chunks, elements = [], []
    subscribe_chunks(news, chunks.append, lambda _: None, lambda: None)
    news.subscribe(elements.append)
    loop.run_forever()
    assert [[candle.symbol for candle in chunk.candles] for chunk in chunks] == [["ETH/BTC"], ["A/B", "ETH/BTC"]]
    assert [news for chunk in chunks for news in chunk] == elements
    assert [type(news) for news in elements] == 3 * [Candle, Quote]
    assert {quote.at_ns for quote in elements[1::2]} == {THEN_NS + 300 * S, THEN_NS + 600 * S}


def test_a_recording_that_cannot_be_read_any_more_is_an_error_of_the_stream():
    def broken():
        yield from recording(count=2).candles
        raise OSError("gone")

    loop, seen, errors = VirtualLoop(), [], []
    news = as_recorded(broken(), clock=Clock.simulated(loop, THEN_NS), spread_bps=Decimal(2))
    news.subscribe(seen.append, errors.append)
    loop.run_forever()
    assert (len(seen), [str(error) for error in errors], loop.unhandled) == (2, ["gone"], [])
