"""A venue's market through ccxt, on an exchange that is made up: what it tells, when, and what it keeps to itself."""

import asyncio
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar

import pytest

from tidegate.clock import Clock
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.domain.market import Candle, Quote
from tidegate.domain.reasons import Reason
from tidegate.marbles import Marbles
from tidegate.market.ccxt.followed import Followed
from tidegate.market.ccxt.market import open_market
from tidegate.venues.ccxt.address import LeftAlone
from tidegate.venues.ccxt.calls import watch

BTC, ETH = "BTC/USDT", "ETH/USDT"
MINUTE_NS = 60_000_000_000
MINUTE_MS = 60_000
NOON_NS = 1_735_732_800_000_000_000
NOON_MS = NOON_NS // 1_000_000

REST = {"fetchOHLCV": True, "fetchBidsAsks": True}
CANDLES_BY_WEBSOCKET = {**REST, "watchOHLCV": True}
QUOTES_BY_WEBSOCKET = {**REST, "watchBidsAsks": True}


class NetworkError(Exception):
    """What ccxt raises, for those who know it by name."""


NetworkError.__module__ = "ccxt.base.errors"
DDoSProtection = type("DDoSProtection", (NetworkError,), {"__module__": "ccxt.base.errors"})
RateLimitExceeded = type("RateLimitExceeded", (NetworkError,), {"__module__": "ccxt.base.errors"})


def ticker(bid=99.9, ask=100.1, bid_amount=3, ask_amount=2, at_ms=None):
    return {"bid": bid, "ask": ask, "bidVolume": bid_amount, "askVolume": ask_amount, "timestamp": at_ms}


class Exchange:
    """A venue with a candle a minute. Its newest row is of the candle that is forming, with a close of 0."""

    id = "nowhere"
    options: ClassVar = {}

    def __init__(self, clock, has):
        self.clock, self.has = clock, has
        self.timeframes = {"1m": "1", "5m": "5"}
        self.markets = {BTC: {}, ETH: {}, "BTC/USDC": {}}
        self.calls = []
        self.failure = {}
        self.takes_s = 0.1
        self.rows_late_s = self.opens_at_ms = 0
        self.ignores_since = False
        self.untraded = set()
        self.closes = {}
        self.tickers = defaultdict(ticker)
        self.books = defaultdict(lambda: {"bids": [[99, 7, 1]], "asks": [[101, 5, 1]], "timestamp": None})
        self.channels = defaultdict(asyncio.Queue)
        self.watched = Counter()
        self.at_once = self.at_once_max = 0
        self.renewed = 0
        self.is_closed = False
        watch(self)

    async def fetch(self, url, method, headers, body):
        return {}

    def now_ms(self):
        return self.clock.now_ns() // 1_000_000

    milliseconds = now_ms

    def minutes_of(self, method):
        """When calls were made, in seconds since noon."""
        return [(at_ns - NOON_NS) / 1e9 for name, at_ns, _ in self.calls if name == method]

    async def _answer(self, method, *arguments):
        self.calls.append((method, self.clock.now_ns(), arguments))
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            await self.clock.sleep(self.takes_s)
        finally:
            self.at_once -= 1
        failure = self.failure.get((method, arguments[0])) or self.failure.get(method)
        if failure is not None:
            error, headers = failure if isinstance(failure, tuple) else (failure, {})
            self.on_rest_response(0 if not headers else 429, "", "", "GET", headers, "", {}, None)
            raise error

    async def load_markets(self):
        await self._answer("load_markets", None)

    async def close(self):
        self.is_closed = True

    async def close_ws_clients(self):
        self.renewed += 1

    async def fetch_ohlcv(self, symbol, timeframe, since, limit):
        await self._answer("fetch_ohlcv", symbol, since)
        return self.rows(symbol, since, min(limit, 100))

    def rows(self, symbol, since_ms, limit):
        known_ms = self.now_ms() - round(self.rows_late_s * 1000)
        since_ms = known_ms - limit * MINUTE_MS if self.ignores_since else since_ms
        first_ms = -(-(since_ms - self.opens_at_ms) // MINUTE_MS) * MINUTE_MS + self.opens_at_ms
        opened = range(first_ms, since_ms + limit * MINUTE_MS, MINUTE_MS)
        return [self.row(symbol, at) for at in opened if at <= known_ms and at not in self.untraded]

    def row(self, symbol, opened_at_ms):
        minute = (opened_at_ms - NOON_MS) // MINUTE_MS
        close = self.closes.get(minute, 1000 + minute)
        forming = opened_at_ms + MINUTE_MS > self.now_ms()
        return [opened_at_ms, 1000, 3000, 0.5, 0 if forming else close, 7]

    async def fetch_bids_asks(self, symbols):
        await self._answer("fetch_bids_asks", tuple(symbols))
        return {symbol: self.tickers[symbol] for symbol in symbols}

    async def fetch_tickers(self, symbols):
        await self._answer("fetch_tickers", tuple(symbols))
        return {symbol: self.tickers[symbol] for symbol in symbols}

    async def fetch_order_book(self, symbol, limit):
        await self._answer("fetch_order_book", symbol)
        return self.books[symbol]

    async def watch_ohlcv(self, symbol, timeframe):
        return await self._watched("candles", symbol)

    async def watch_bids_asks(self, symbols):
        return await self._watched("quotes", None)

    async def watch_order_book(self, symbol):
        return await self._watched("book", symbol)

    async def _watched(self, *channel):
        self.watched[channel] += 1
        told = await self.channels[channel].get()
        if isinstance(told, BaseException):
            raise told
        return told

    def tell(self, channel, told, symbol=None):
        self.channels[channel, symbol].put_nowait(told)


class MarketFeed:
    """An exchange, its market once it is open, and what was heard since, from noon on."""

    def __init__(self, has=REST, *, begin_s=0, **followed):
        self.m = Marbles(start_ns=NOON_NS + round(begin_s * 1e9))
        self.exchange = Exchange(self.m.clock, has)
        self.faults = []
        self.heard = []
        self.ahead_ns = 0
        self.wall_s = 0.0
        self.market = None
        self.followed = Followed(**{"symbols": [BTC], "timeframe_ns": MINUTE_NS, "history": 3, **followed})

    def open(self):
        opening = open_market(
            self.exchange,
            self.followed,
            clock=Clock(self.m.loop, epoch_ns=self.m.clock.now_ns() - self.m.loop.time_ns(), wall_ns=self.wall_ns),
            fault=lambda where, error: self.faults.append((where, str(error))),
            redact=lambda text: text.replace("s3cret", "***"),
            ahead_ns=lambda: self.ahead_ns,
        )
        self.exchange.takes_s = 0
        self.market = self.m.loop.run_until_complete(opening)
        self.exchange.takes_s = 0.1
        self.exchange.calls.clear()
        return self

    def wall_ns(self):
        return self.m.clock.now_ns() + int(self.wall_s * 1e9)

    def follow(self):
        self.open()
        self.subscription = self.market.news.subscribe(self.hear, self.heard.append)
        return self

    def end(self):
        """Close the market, and see that nothing goes on."""
        if self.market is not None:
            self.m.loop.run_until_complete(self.market.close())
        assert asyncio.all_tasks(self.m.loop) == set()

    def hear(self, news):
        self.heard.append((self.now_s, news))

    @property
    def now_s(self):
        return (self.m.clock.now_ns() - NOON_NS) / 1e9

    def until(self, seconds):
        """Let time pass until so many seconds after noon."""
        self.m.run(seconds - self.now_s)
        return self

    def candles(self, symbol=BTC):
        """The minutes after noon in which the candles opened that were heard."""
        return [minute(news) for _, news in self.heard if type(news) is Candle and news.symbol == symbol]

    def candles_at(self):
        return [(round(at_s, 1), minute(news)) for at_s, news in self.heard if type(news) is Candle]

    def quotes(self, symbol=BTC):
        return [news for _, news in self.heard if type(news) is Quote and news.symbol == symbol]

    def asked(self, method):
        return self.exchange.minutes_of(method)


@pytest.fixture
def world():
    """Makes worlds, and ends them."""
    made = []

    def make(*has, **settings):
        made.append(MarketFeed(*has, **settings))
        return made[-1]

    yield make
    for each in made:
        each.end()


def minute(candle):
    return (candle.opened_at_ns - NOON_NS) // MINUTE_NS


# Before the start


def test_history_is_what_closed_in_the_last_periods_in_the_order_of_the_closes(world):
    market = world(symbols=[BTC, ETH], begin_s=30).open().market
    assert [(candle.symbol, minute(candle)) for candle in market.history] == [
        (symbol, number) for number in (-3, -2, -1) for symbol in (BTC, ETH)
    ]
    assert market.history[0] == Candle(BTC, NOON_NS - 3 * MINUTE_NS, MINUTE_NS, 1000.0, 3000.0, 0.5, 997.0, 7.0)


def test_a_long_history_is_asked_for_page_by_page(world):
    market = world(history=250, begin_s=30).open().market
    assert [minute(candle) for candle in market.history] == list(range(-250, 0))


def test_without_history_the_news_begin_now(world):
    w = world(history=0, begin_s=30).follow().until(65)
    assert list(w.market.history) == []
    assert w.candles() == [0]


@pytest.mark.parametrize("history", [0, 1, 3])
def test_candles_may_open_at_any_moment_of_their_period(world, history):
    w = world(history=history, delay_s=2)
    w.exchange.opens_at_ms = 40_000
    w.follow().until(110)
    assert [(candle.closed_at_ns - NOON_NS) // 1_000_000_000 for candle in w.market.history] == [
        -20 - 60 * back for back in reversed(range(history))
    ]
    assert [at_s for at_s, _ in w.candles_at()] == [42.1, 102.1]


def test_history_passes_over_stretches_without_trades(world):
    w = world(history=500)
    w.exchange.untraded = {NOON_MS - number * MINUTE_MS for number in range(50, 450)}
    history = w.open().market.history
    assert [minute(candle) for candle in history] == [*range(-501, -449), *range(-49, 0)]


def test_a_history_that_fails_to_come_is_tried_again(world):
    w = world()
    w.exchange.failure["fetch_ohlcv"] = NetworkError("down")
    w.m.clock.call_after(1.5, w.exchange.failure.clear)
    assert [minute(candle) for candle in w.open().market.history] == [-3, -2, -1]


@pytest.mark.parametrize("method", ["load_markets", "fetch_ohlcv"])
def test_a_market_that_does_not_answer_is_not_opened(world, method):
    w = world()
    w.exchange.failure[method] = NetworkError("GET https://nowhere/?key=s3cret")
    with pytest.raises(VenueUnavailable) as refused:
        w.open()
    assert "s3cret" not in f"{refused.value} {w.faults}"


@pytest.mark.parametrize(
    ("followed", "words"),
    [
        pytest.param({"symbols": [BTC, "BTC/USTD"]}, ["nowhere", "BTC/USTD", "near: ", BTC, "BTC/USDC"], id="a typo"),
        pytest.param({"symbols": ["btcusdt"]}, ["btcusdt (near: ", BTC], id="another spelling"),
        pytest.param({"symbols": ["XX", "YYY"]}, ["XX, YYY"], id="two with nothing near"),
        pytest.param({"timeframe_ns": 3 * MINUTE_NS}, ["timeframe", "1m, 5m", "was 3m"], id="a timeframe"),
    ],
)
def test_what_the_exchange_does_not_have_is_named_with_what_is_near(world, followed, words):
    with pytest.raises(SettingsError) as refused:
        world(**followed).open()
    assert [word for word in words if word not in str(refused.value)] == []


def test_an_exchange_without_candles_is_refused(world):
    with pytest.raises(SettingsError, match="nowhere has no candles"):
        world({"fetchTickers": True}).open()


# Candles, by REST


def test_candles_come_again_within_a_minute_once_a_clock_that_was_set_back_is_right(world):
    w = world(delay_s=2).follow().until(100)
    assert w.candles() == [0]
    w.wall_s -= 3_600
    w.until(400)
    assert w.candles() == [0]
    w.wall_s += 3_600
    w.until(470)
    assert w.candles() == [0, 1, 2, 3, 4, 5, 6]


def test_a_candle_is_told_once_shortly_after_it_closed(world):
    w = world(delay_s=2).follow().until(200)
    assert w.candles_at() == [(62.1, 0), (122.1, 1), (182.1, 2)]
    assert w.asked("fetch_ohlcv") == [62, 122, 182]


def test_what_closed_between_history_and_subscription_is_told_first(world):
    w = world().open().until(125)
    w.market.news.subscribe(w.hear)
    assert w.until(130).candles() == [0, 1]


def test_a_candle_that_is_late_at_the_venue_is_asked_for_again_and_the_grid_is_kept(world):
    w = world(delay_s=2)
    w.exchange.rows_late_s = 65
    w.follow().until(130)
    assert w.asked("fetch_ohlcv") == [2, 3.1, 5.2, 62, 63.1, 65.2, 122, 123.1, 125.2]
    assert w.candles_at() == [(5.3, -1), (65.3, 0), (125.3, 1)]


def test_a_venue_that_always_tells_its_newest_candles_is_heard_once(world):
    w = world(delay_s=2)
    w.exchange.ignores_since = True
    w.follow().until(130)
    assert [minute(candle) for candle in w.market.history] == [-3, -2, -1]
    assert w.candles() == [0, 1]


def test_a_candle_without_trades_is_passed_over(world):
    w = world(delay_s=2)
    w.exchange.untraded = {NOON_MS + MINUTE_MS}
    w.follow().until(250)
    assert w.candles_at() == [(62.1, 0), (182.1, 2), (242.1, 3)]
    assert w.faults == []


def test_a_symbol_that_is_not_traded_is_asked_for_once_a_candle(world):
    w = world(delay_s=2)
    w.exchange.untraded = {NOON_MS + number * MINUTE_MS for number in range(1000)}
    w.follow().until(60_000)
    assert w.candles() == []
    assert 1_000 <= len(w.asked("fetch_ohlcv")) < 1_030


def test_after_an_outage_what_was_missed_comes_first_and_in_order(world):
    w = world().follow().until(70)
    w.exchange.failure["fetch_ohlcv"] = NetworkError("down")
    w.until(250 * 60)
    w.exchange.failure.clear()
    w.until(255 * 60)
    assert w.candles() == list(range(254))
    assert w.faults == [("candles of BTC/USDT", "NetworkError: down")]


def test_a_candle_that_is_revised_is_not_told_again(world):
    w = world().follow().until(70)
    w.exchange.closes[0] = 1
    w.until(200)
    assert w.candles() == [0, 1, 2]
    assert [n.close for _, n in w.heard if type(n) is Candle] == [1000, 1001, 1002]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(None, id="it is missing"),
        pytest.param("nothing", id="a word"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(10**400, id="beyond all numbers"),
    ],
)
def test_a_candle_that_lacks_a_number_is_passed_over(world, wrong):
    w = world().follow()
    w.exchange.closes[1] = wrong
    assert w.until(200).candles() == [0, 2]


def test_a_candle_is_not_closed_before_it_is_at_the_venue(world):
    w = world(delay_s=2, begin_s=15)
    w.ahead_ns = -10_000_000_000
    w.follow().until(75)
    assert w.asked("fetch_ohlcv") == [72]
    assert w.candles_at() == [(72.1, 0)]


def test_each_subscriber_hears_everything(world):
    w = world().follow().until(70)
    others = []
    w.market.news.subscribe(others.append)
    w.until(130)
    assert [minute(news) for news in others if type(news) is Candle] == w.candles() == [0, 1]


def test_a_subscriber_that_raises_hears_the_next_one_too(world):
    w = world().open()
    heard = []

    def hear(news):
        heard.append(news)
        raise ValueError("no")

    w.market.news.subscribe(hear)
    with pytest.raises(AssertionError, match="no"):
        w.until(130)
    assert [minute(news) for news in heard if type(news) is Candle] == [0, 1]
    assert w.faults == []


# Candles, by websocket


def test_by_websocket_a_candle_is_told_when_the_next_one_opens_and_not_asked_for(world):
    w = world(CANDLES_BY_WEBSOCKET).follow()
    for second in (10, 59, 60.5, 119, 120.5):
        w.until(second)
        opened = NOON_MS + int(second // 60) * MINUTE_MS
        w.exchange.tell("candles", [[opened, 1, 2, 0.5, second, 7]], BTC)
    w.until(123)
    assert w.candles_at() == [(60.5, 0), (120.5, 1)]
    assert [n.close for _, n in w.heard if type(n) is Candle] == [59, 119]
    assert w.asked("fetch_ohlcv") == []


def test_by_websocket_many_rows_at_once_are_taken_in_order(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300).follow().until(121)
    rows = [[NOON_MS + number * MINUTE_MS, 1, 2, 0.5, number, 7] for number in (2, 0, 1, 1)]
    w.exchange.tell("candles", rows, BTC)
    assert w.until(121.5).candles() == [0, 1]


def test_what_the_websocket_leaves_out_is_asked_for_before_anything_newer_is_told(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300).follow()
    w.exchange.failure["fetch_ohlcv"] = NetworkError("down")
    for number in (0, 2, 3, 4):
        w.until(number * 60 + 1)
        w.exchange.tell("candles", [[NOON_MS + number * MINUTE_MS, 1, 2, 0.5, 5, 7]], BTC)
    w.until(250)
    assert w.candles() == [0]
    w.exchange.failure.clear()
    w.until(310)
    assert w.candles() == [0, 1, 2, 3, 4]


def test_after_a_break_of_the_websocket_the_candle_it_was_telling_is_asked_for(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300, delay_s=2).follow().until(10)
    w.exchange.tell("candles", [[NOON_MS, 1, 2, 0.5, 5, 7]], BTC)
    w.exchange.tell("candles", NetworkError("reset"), BTC)
    w.until(60.5).exchange.tell("candles", [[NOON_MS + MINUTE_MS, 1, 2, 0.5, 5, 7]], BTC)
    w.until(70)
    assert w.candles_at() == [(62.1, 0)]
    assert w.faults == [("candles of BTC/USDT by websocket", "NetworkError: reset")]


def test_a_websocket_that_fails_is_tried_again_less_and_less_often(world):
    w = world(CANDLES_BY_WEBSOCKET).follow()
    for _ in range(200):
        w.exchange.tell("candles", NetworkError("reset"), BTC)
    w.until(63)
    assert w.exchange.watched["candles", BTC] == 7  # at 0, 1, 3, 7, 15, 31, 63 s
    w.until(663)
    assert w.exchange.watched["candles", BTC] == 17
    assert w.faults == [("candles of BTC/USDT by websocket", "NetworkError: reset")]
    assert w.candles() == list(range(11))


def test_a_websocket_that_works_again_begins_anew(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300).follow()
    w.exchange.tell("candles", NetworkError("reset"), BTC)
    w.until(10).exchange.tell("candles", [[NOON_MS, 1, 2, 0.5, 5, 7]], BTC)
    w.until(20).exchange.tell("candles", NetworkError("reset"), BTC)
    w.until(21.5)
    assert w.exchange.watched["candles", BTC] == 4
    assert w.faults == [("candles of BTC/USDT by websocket", "NetworkError: reset")] * 2


def test_a_websocket_that_falls_silent_is_opened_anew_while_candles_are_asked_for(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=30, delay_s=2).follow().until(29)
    assert w.exchange.renewed == 0
    assert w.until(31).exchange.renewed == 1
    assert w.faults == [("candles of BTC/USDT by websocket", "TimeoutError: silent for 30 s")]
    w.until(62.5)
    assert w.candles_at() == [(62.1, 0)]
    assert w.exchange.watched["candles", BTC] >= 2


def test_a_quiet_symbol_does_not_close_the_websocket_on_the_others(world):
    w = world(CANDLES_BY_WEBSOCKET, symbols=[BTC, ETH], silent_after_s=30).follow()
    for second in range(0, 300, 20):
        w.until(second).exchange.tell("candles", [[NOON_MS + second // 60 * MINUTE_MS, 1, 2, 0.5, 5, 7]], ETH)
    w.until(305)
    assert w.exchange.renewed == 0
    assert w.faults == []
    assert w.candles(BTC) == w.candles(ETH) == [0, 1, 2, 3, 4]


def test_what_ccxt_cancels_by_itself_does_not_end_the_listening(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300).follow().until(10)
    w.exchange.tell("candles", asyncio.CancelledError(), BTC)
    for second in (30, 61):
        w.until(second).exchange.tell("candles", [[NOON_MS + second // 60 * MINUTE_MS, 1, 2, 0.5, 5, 7]], BTC)
    assert w.until(61.5).candles() == [0]
    assert w.faults == [("candles of BTC/USDT by websocket", "ConnectionError: the websocket was closed")]


def test_nonsense_on_the_websocket_is_a_fault_and_no_end(world):
    w = world(CANDLES_BY_WEBSOCKET, silent_after_s=300).follow().until(10)
    w.exchange.tell("candles", 7, BTC)
    for second in (30, 61):
        w.until(second).exchange.tell("candles", [[NOON_MS + second // 60 * MINUTE_MS, 1, 2, 0.5, 5, 7]], BTC)
    assert w.until(61.5).candles() == [0]
    assert [where for where, _ in w.faults] == ["candles of BTC/USDT by websocket"]


# Quotes


def test_quotes_are_asked_for_all_in_one_request_on_a_grid(world):
    w = world(symbols=[BTC, ETH], quote_every_s=5).follow().until(11)
    begun_s = w.asked("fetch_bids_asks")[0]
    assert [at_s - begun_s for at_s in w.asked("fetch_bids_asks")] == [0, 5, 10]
    assert {symbols for name, _, (symbols,) in w.exchange.calls if name == "fetch_bids_asks"} == {(BTC, ETH)}
    assert len(w.quotes(BTC)) == len(w.quotes(ETH)) == 3


@pytest.mark.parametrize(
    ("has", "asked"),
    [
        pytest.param({"fetchBidsAsks": True, "fetchTickers": True}, {"fetch_bids_asks": 1}, id="the cheapest"),
        pytest.param({"fetchBidsAsks": "emulated", "fetchTickers": True}, {"fetch_tickers": 1}, id="tickers"),
        pytest.param({}, {"fetch_order_book": 2}, id="books where there is no request for all"),
    ],
)
def test_quotes_are_asked_for_in_the_best_way_that_the_exchange_has(world, has, asked):
    w = world({"fetchOHLCV": True, **has}, symbols=[BTC, ETH], quote_every_s=60).follow().until(30)
    assert Counter(name for name, *_ in w.exchange.calls) == asked
    assert len(w.quotes(BTC)) == len(w.quotes(ETH)) == 1


def test_a_quote_is_exact_and_as_deep_as_the_thinner_of_its_sides(world):
    w = world()
    w.exchange.tickers[BTC] = ticker(bid=0.1, ask=0.3, bid_amount=1e-05, ask_amount=0.2)
    w.follow().until(1)
    [quote] = w.quotes()
    assert (quote.bid, quote.ask, quote.depth) == (Decimal("0.1"), Decimal("0.3"), Decimal("0.00001"))


@pytest.mark.parametrize(
    "lacking",
    [
        pytest.param(ticker(bid_amount=None), id="no amount"),
        pytest.param(ticker(ask_amount=0), id="an amount of nothing"),
        pytest.param(ticker(bid=None), id="no price"),
        pytest.param(ticker(bid=0), id="a price of nothing"),
        pytest.param(ticker(bid=101, ask=100), id="crossed prices"),
        pytest.param(ticker(ask="a lot"), id="no number"),
        pytest.param(ticker(ask=float("nan")), id="not a number"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_symbol_whose_ticker_is_no_quote_is_asked_for_by_its_book_from_then_on(world, lacking):
    w = world(symbols=[BTC, ETH], quote_every_s=5)
    w.exchange.tickers[BTC] = lacking
    w.follow().until(7)
    assert [(q.bid, q.ask, q.depth) for q in w.quotes(BTC)] == [(99, 101, 5)] * 2
    assert [symbols for name, _, (symbols,) in w.exchange.calls if name == "fetch_bids_asks"] == [(BTC, ETH), (ETH,)]
    assert len(w.quotes(ETH)) == 2
    assert w.faults == []


def test_a_book_with_one_side_is_no_quote(world):
    w = world({"fetchOHLCV": True})
    w.exchange.books[BTC] = {"bids": [[99, 7]], "asks": [], "timestamp": None}
    w.follow().until(30)
    assert w.quotes() == []
    assert w.faults == []


@pytest.mark.parametrize(
    ("told_s", "ahead_s", "is_of_s"),
    [
        pytest.param(None, 0, 30, id="receipt where the venue names none"),
        pytest.param(29, 0, 29, id="the moment that the venue names"),
        pytest.param(30.5, 0, 30, id="no moment to come"),
        pytest.param(33, 4, 29, id="by our clock, if the venue's is ahead"),
        pytest.param(20, -4, 24, id="by our clock, if the venue's is behind"),
    ],
)
def test_a_quote_is_of(world, told_s, ahead_s, is_of_s):
    w = world(begin_s=29.9)
    w.ahead_ns = ahead_s * 1_000_000_000
    w.exchange.tickers[BTC] = ticker(at_ms=None if told_s is None else NOON_MS + told_s * 1000)
    w.follow().until(31)
    assert (w.quotes()[0].at_ns - NOON_NS) / 1e9 == is_of_s


def test_a_quote_that_is_older_or_says_nothing_new_is_not_told(world):
    w = world(quote_every_s=5).open()
    for at_s, bid in ((0, 1), (5, 2), (10, 3), (15, 3), (20, 3), (25, 4)):
        stamp = {0: 0, 5: 4, 10: 3, 15: 4, 20: 9, 25: 9}[at_s]
        told = ticker(bid=bid, at_ms=NOON_MS + stamp * 1000)
        w.m.clock.call_at(NOON_NS + round((at_s + 0.25) * 1e9), w.exchange.tickers.__setitem__, BTC, told)
    w.until(0.3).market.news.subscribe(w.hear)
    w.until(27)
    seen = [((q.at_ns - NOON_NS) / 1e9, q.bid) for q in w.quotes()]
    assert seen == [(0, 1), (4, 2), (4, 3), (9, 3), (9, 4)]


def test_quotes_told_by_websocket_are_not_asked_for(world):
    w = world(QUOTES_BY_WEBSOCKET, symbols=[BTC, ETH], quote_every_s=5).follow().until(1)
    w.exchange.calls.clear()
    for second in range(1, 30):
        w.until(second).exchange.tell("quotes", {BTC: ticker(bid=second), "LTC/USDT": ticker()})
    w.until(30)
    assert [quote.bid for quote in w.quotes(BTC)][1:] == list(range(1, 30))
    assert {symbols for _, _, (symbols, *_) in w.exchange.calls} == {(ETH,)}
    assert {news.symbol for _, news in w.heard} == {BTC, ETH}


def test_quotes_that_the_websocket_ceases_to_tell_are_asked_for_until_it_tells_them_again(world):
    w = world(QUOTES_BY_WEBSOCKET, quote_every_s=5, silent_after_s=20).follow()
    for second in range(1, 30):
        w.until(second).exchange.tell("quotes", {BTC: ticker(bid=second)})
    w.until(30).exchange.calls.clear()
    assert len(w.until(60).asked("fetch_bids_asks")) == 6
    assert w.exchange.renewed == 1
    for second in range(60, 70):
        w.until(second).exchange.tell("quotes", {BTC: ticker(bid=second)})
    w.exchange.calls.clear()
    w.until(70)
    assert w.asked("fetch_bids_asks") == []
    assert w.quotes()[-1].bid == 69


def test_a_websocket_that_tells_the_same_over_and_over_is_not_believed(world):
    w = world(QUOTES_BY_WEBSOCKET, quote_every_s=5)
    w.exchange.tickers[BTC] = ticker(at_ms=NOON_MS - 1000)
    w.follow()
    for second in range(1, 30):
        w.until(second).exchange.tell("quotes", {BTC: ticker(at_ms=NOON_MS - 1000)})
    assert len(w.asked("fetch_bids_asks")) == 6
    assert len(w.quotes()) == 1


def test_books_are_watched_where_best_prices_are_not(world):
    w = world({**REST, "watchOrderBook": True}, symbols=[BTC, ETH], quote_every_s=60).follow().until(1)
    w.exchange.tell("book", {"bids": [[98, 4]], "asks": [[102, 6]], "timestamp": NOON_MS + 1000}, ETH)
    w.until(2)
    assert w.quotes(ETH)[-1] == Quote(ETH, NOON_NS + 1_000_000_000, Decimal(98), Decimal(102), Decimal(4))


# When something goes wrong


def test_a_fault_is_told_once_in_a_row_without_secrets_and_again_if_it_changes(world):
    w = world(quote_every_s=5).follow().until(1)
    for second, failure in [(1, NetworkError("?key=s3cret")), (300, ValueError("odd")), (600, None)]:
        w.until(second).exchange.failure["fetch_bids_asks"] = failure
    w.until(620)
    assert w.faults == [("quotes", "NetworkError: ?key=***"), ("quotes", "ValueError: odd")]
    assert w.now_s - (w.quotes()[-1].at_ns - NOON_NS) / 1e9 < 6
    w.exchange.failure["fetch_bids_asks"] = ValueError("odd")
    w.until(640)
    assert len(w.faults) == 3


def test_failures_are_told_for_each_place_by_itself(world):
    w = world(symbols=[BTC, ETH]).follow()
    w.exchange.failure["fetch_ohlcv", ETH] = NetworkError("down")
    w.until(200)
    assert w.candles(BTC) == [0, 1, 2]
    assert w.candles(ETH) == []
    assert w.faults == [("candles of ETH/USDT", "NetworkError: down")]


def test_what_fails_is_asked_for_less_and_less_often(world):
    w = world(delay_s=0).follow()
    w.exchange.failure["fetch_ohlcv"] = NetworkError("down")
    w.until(600)
    asked = w.asked("fetch_ohlcv")
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(asked)]
    assert pauses[:7] == [1.1, 2.1, 4.1, 8.1, 16.1, 32.1, 60.1]
    assert max(pauses) == 60.1


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        pytest.param(NetworkError("odd"), {"Retry-After": "300"}, id="in a header, with a status"),
        pytest.param(RateLimitExceeded(f"banned until {NOON_MS + 315_000}"), {}, id="in words"),
    ],
)
def test_all_requests_wait_as_long_as_the_venue_says(world, error, headers):
    w = world(symbols=[BTC, ETH], quote_every_s=5).follow().until(11)
    w.exchange.failure["fetch_bids_asks"] = (error, headers)
    w.until(16)
    w.exchange.failure.clear()
    w.exchange.calls.clear()
    w.until(314)
    assert w.exchange.calls == []
    w.until(330)
    assert w.candles(BTC) == w.candles(ETH) == [0, 1, 2, 3, 4]
    assert w.asked("fetch_bids_asks")[0] >= 315


@pytest.mark.parametrize("error", [RateLimitExceeded("slow down"), DDoSProtection("slow down")], ids=repr)
def test_a_venue_that_does_not_say_how_long_is_left_alone_longer_each_time(world, error):
    w = world(quote_every_s=1).follow().until(0.5)
    w.exchange.failure["fetch_bids_asks"] = error
    w.exchange.calls.clear()
    w.until(1000)
    asked = w.asked("fetch_bids_asks")
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert 15 <= pauses[0] < 18
    assert 30 <= pauses[1] < 33
    assert 60 <= pauses[2] < 63


def test_many_limited_at_once_are_one_limit_and_once_it_is_over_it_begins_anew(world):
    w = world(symbols=[BTC, ETH], quote_every_s=100, delay_s=2).follow().until(61)
    for second in (61, 121):
        w.until(second).exchange.failure["fetch_ohlcv"] = RateLimitExceeded("slow down")
        w.until(second + 2).exchange.failure.clear()
    w.until(170)
    assert [round(at_s, 1) for at_s in w.asked("fetch_ohlcv")] == [62, 62, 77.1, 77.1, 122, 122, 137.1, 137.1]


def test_what_was_not_sent_is_no_answer_of_the_venue_and_prolongs_nothing(world):
    w = world(quote_every_s=1).follow().until(0.5)
    w.exchange.failure["fetch_bids_asks"] = LeftAlone("nowhere", 20, Reason.BANNED, "wants to be left alone")
    w.exchange.calls.clear()
    w.until(200)
    asked = w.asked("fetch_bids_asks")
    assert {20 <= later - earlier < 23 for earlier, later in pairwise(asked)} == {True}
    assert w.faults == []


def test_only_so_many_requests_are_under_way(world):
    symbols = [f"S{number}/USDT" for number in range(20)]
    w = world(symbols=symbols, max_concurrent=3)
    w.exchange.markets = {symbol: {} for symbol in symbols}
    w.follow().until(70)
    assert w.exchange.at_once_max == 3
    assert all(w.candles(symbol) == [0] for symbol in symbols)


def test_a_request_that_hangs_is_given_up(world):
    w = world(timeout_s=10, max_concurrent=1, quote_every_s=5).follow().until(1)
    w.exchange.takes_s = 1_000_000
    w.until(6).exchange.takes_s = 0.1
    w.until(70)
    assert w.faults == [("quotes", "TimeoutError: silent for 10 s")]
    assert w.candles() == [0]
    assert len(w.quotes()) > 5


# The end


@pytest.mark.parametrize("has", [REST, {**CANDLES_BY_WEBSOCKET, **QUOTES_BY_WEBSOCKET}], ids=["REST", "websocket"])
@pytest.mark.parametrize("after_s", [0, 0.05, 7, 62.05])
def test_who_unsubscribes_leaves_nothing_behind(world, has, after_s):
    w = world(has).follow().until(0.1 + after_s)
    w.subscription.dispose()
    heard = len(w.heard)
    w.until(w.now_s)
    assert asyncio.all_tasks(w.m.loop) == set()
    assert w.exchange.at_once == 0
    w.until(300)
    assert len(w.heard) == heard


def test_closing_ends_what_goes_on_and_gives_back_sockets(world):
    w = world({**CANDLES_BY_WEBSOCKET, **QUOTES_BY_WEBSOCKET}).follow().until(7)
    w.m.loop.run_until_complete(w.market.close())
    assert asyncio.all_tasks(w.m.loop) == set()
    assert w.exchange.is_closed
    assert all(isinstance(item, tuple) for item in w.heard)


class Canned:
    """The answers of a venue to the requests of a real exchange object."""

    def __init__(self, clock):
        self.clock = clock

    async def fetch(self, url, method="GET", headers=None, body=None):
        path, _, query = url.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        if path.endswith("exchangeInfo"):
            spot = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "status": "TRADING", "filters": []}
            return {"symbols": [{**spot, "isSpotTradingAllowed": True, "permissions": ["SPOT"]}]}
        if path.endswith("klines"):
            since_ms, now_ms = int(asked["startTime"]), self.clock.now_ns() // 1_000_000
            opened = range(since_ms, min(since_ms + int(asked["limit"]) * MINUTE_MS, now_ms), MINUTE_MS)
            return [[at, "1", "3", "0.5", "2", "7", at + MINUTE_MS - 1] for at in opened]
        return [{"symbol": "BTCUSDT", "bidPrice": "0.1", "bidQty": "3", "askPrice": "0.3", "askQty": "2"}]


def test_a_real_exchange_object_fits(world):
    ccxt = pytest.importorskip("ccxt.async_support")
    w = world()
    w.exchange = ccxt.binance({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
    w.exchange.fetch = Canned(w.m.clock).fetch
    w.exchange.calls = []
    w.follow().until(130)
    assert [minute(candle) for candle in w.market.history] == [-3, -2, -1]
    assert w.candles() == [0, 1]
    assert w.quotes()[0] == Quote(BTC, NOON_NS, Decimal("0.1"), Decimal("0.3"), Decimal(2))
    assert w.faults == []
