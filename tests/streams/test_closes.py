"""What closes at one moment: seen one by one as a candle and a quote each, known at once to whoever asks."""

from decimal import Decimal

import pytest

from streams.closes import Closes
from streams.market import Markets
from tests.venues.test_paper_venue import BTC, ETH, Paper, order
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.market import Candle, Quote
from tidegate.domain.order import OrderStatus
from tidegate.domain.signal import Side

AT_NS = 1_000


def candle(symbol=BTC, close=100.0, *, closed_at_ns=AT_NS):
    return Candle(symbol, closed_at_ns - 5, 5, close, close + 1, close - 1, close, 7.0)


class Counted:
    """Quotes a half around the close, and which of them were made."""

    def __init__(self) -> None:
        self.made: list[Candle] = []

    def __call__(self, candle: Candle, at_ns: int) -> Quote:
        self.made.append(candle)
        close = Decimal(str(candle.close))
        return Quote(candle.symbol, at_ns, close - Decimal("0.5"), close + Decimal("0.5"), Decimal(3))

    def closes(self, *candles: Candle) -> Closes:
        return Closes(candles, max(candle.closed_at_ns for candle in candles), self)


def markets(candles=0):
    loop = VirtualLoop(AT_NS)
    return Markets(frozenset({BTC, ETH}), clock=Clock.simulated(loop, AT_NS), candles=candles)


def known(markets):
    symbols = (BTC, ETH)
    statistics = {name: (it.candles, it.volatility) for name, it in markets.statistics.items()}
    return (
        [markets.quotes.get(symbol) for symbol in symbols],
        [markets.age_ns(symbol, AT_NS + 9) for symbol in symbols],
        markets.marks(),
        statistics,
    )


def test_they_are_a_sequence_of_a_candle_and_its_quote_each_made_once():
    count = Counted()
    closes = count.closes(candle(), candle(ETH, 50.0))
    assert [type(news) for news in closes] == [Candle, Quote, Candle, Quote]
    assert (len(closes), closes[1].symbol, closes[-1].bid, len(closes[1:])) == (4, BTC, Decimal("49.5"), 3)
    assert closes.quote(closes.candles[0]) is closes[1]
    assert count.made == [candle(), candle(ETH, 50.0)]


def test_markets_know_the_same_of_a_chunk_as_of_its_elements_and_make_no_quote_before_it_is_asked_for():
    count, one_by_one, at_once = Counted(), markets(candles=2), markets(candles=2)
    moments = [
        count.closes(candle(close=99.0, closed_at_ns=AT_NS - 9), candle(ETH, 50.0, closed_at_ns=AT_NS - 9)),
        count.closes(candle(close=101.0, closed_at_ns=AT_NS - 4)),
        count.closes(candle(close=102.0), candle(ETH, 51.0)),
    ]
    for closes in moments:
        at_once.follow_all(closes)
    assert count.made == []
    assert at_once.mid(ETH) == 51
    assert count.made == [candle(ETH, 51.0)]
    for closes in moments:
        for news in closes:
            one_by_one.follow(news)
    assert known(at_once) == known(one_by_one)


def test_a_quote_that_comes_later_replaces_that_of_a_close():
    count, known = Counted(), markets()
    known.follow_all(count.closes(candle()))
    known.follow(Quote(BTC, AT_NS, Decimal(1), Decimal(3), Decimal(1)))
    assert known.mid(BTC) == 2
    assert count.made == []


@pytest.fixture
def papers():
    return Paper(), Paper()


def test_the_paper_venue_fills_the_same_from_a_chunk_as_from_its_elements(papers):
    heard = []
    for paper, at_once in zip(papers, (True, False), strict=True):
        count, said = Counted(), []
        for close, orders in (
            (100.0, [order(amount="5", price="101", order_id="part")]),
            (98.0, [order(order_id="low", price="90"), order(Side.SELL, order_id="high", price="98")]),
            (91.0, []),
            (89.0, [order(order_id="last", price="95"), order(symbol=ETH, price="60", order_id="other")]),
        ):
            closes = count.closes(candle(close=close), candle(ETH, close / 2))
            if at_once:
                paper.venue.on_news(closes)
            else:
                for news in closes:
                    paper.venue.on_news((news,))
            said += [paper.send(request) for request in orders]
        heard.append((said, paper.heard, paper.account.image()))
    assert heard[0] == heard[1]
    assert {update.client_order_id for update in heard[0][1]} == {"part", "low"}


def test_the_paper_venue_makes_no_quote_where_no_order_is_open_once_it_had_one(papers):
    paper, count = papers[0], Counted()
    paper.venue.on_news(count.closes(candle()))
    assert len(count.made) == 1  # the rules of a market are derived from its first price
    paper.venue.on_news(count.closes(candle(close=90.0)))
    paper.venue.on_news(count.closes(candle(close=80.0)))
    assert len(count.made) == 1
    answer = paper.send(order(price="95"))
    assert (answer.status, answer.fills[0].price) == (OrderStatus.CLOSED, Decimal("80.5"))
    assert count.made[1:] == [candle(close=80.0)]
    paper.venue.on_news(count.closes(candle(close=70.0)))
    paper.quote("60")
    assert paper.send(order(price="95", order_id="p")).fills[0].price == 60


def test_an_open_order_has_its_symbol_looked_at(papers):
    paper, count = papers[0], Counted()
    paper.venue.on_news(count.closes(candle(), candle(ETH, 50.0)))
    paper.send(order(price="90"))
    paper.venue.on_news(count.closes(candle(close=95.0), candle(ETH, 50.0)))
    assert [made.symbol for made in count.made] == [BTC, ETH, BTC]


def test_an_order_is_as_new_as_the_newest_news_also_where_its_own_symbol_has_a_gap(papers):
    for paper, at_once in zip(papers, (True, False), strict=True):
        count = Counted()
        for closes in (
            count.closes(candle(ETH, 49.0, closed_at_ns=AT_NS - 20)),
            count.closes(candle(), candle(ETH, 50.0)),
            count.closes(candle(close=101.0, closed_at_ns=AT_NS + 20)),
        ):
            paper.venue.on_news(closes) if at_once else [paper.venue.on_news((news,)) for news in closes]
        paper.send(order(symbol=ETH, price="45"))
        paper.candle(40.0, 60.0, opened_at_ns=AT_NS + 10, symbol=ETH)  # it opened before the order came
    assert papers[0].heard == papers[1].heard == []
    assert paper.candle(40.0, 60.0, opened_at_ns=AT_NS + 20, symbol=ETH)
