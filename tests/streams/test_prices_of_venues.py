"""An order is made by the prices of the venue that it goes to."""

import json
from decimal import Decimal

import pytest

from tidegate.domain import events as e
from tidegate.domain.market import Quote
from tidegate.domain.order import Acknowledged, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason

SYMBOL = "BTC/USDT"
OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
REJECTED = NotPlaced(reason=Reason.REJECTED, detail="no", final=True)


@pytest.fixture
def two(stage, scripted):
    """Two accounts: the first is asked first, and priced by the market followed; the second by `there`."""

    def start(first=OPEN, second=OPEN, *, buys_first="second"):
        def venues(it):
            it.first, it.second = scripted(it, first), scripted(it, second)
            it.first.trader, it.second.trader = "first", "second"
            return [it.first, it.second]

        priority = {"first": 1, "second": 1, buys_first: 2}
        traders = [{"id": name, "exchange": name, "priority": priority[name]} for name in ("first", "second")]
        said = {"traders": json.dumps(traders), "execution__signal_ttl_s": "600"}
        it = stage(venues=venues, priced_on={"second": "there"}, **said)
        it.start(price="100")
        for name in ("first", "second"):
            it.engine.record(e.BalancesSynced(trader=name, balances={"USDT": Decimal(10_000)}))
        it.send()
        return it

    return start


def quote_there(it, price):
    level = Decimal(price)
    quote = Quote(SYMBOL, it.clock.wall_ns(), bid=level, ask=level, depth=Decimal(10_000))
    it.engine.parts.markets.on("there").follow(quote)


def test_an_order_has_the_price_of_its_own_venue(two):
    it = two()
    quote_there(it, "101")
    it.run(11)
    assert [(sent.price, sent.amount) for sent in it.second.sent] == [(Decimal(101), Decimal("0.99"))]
    assert it.first.sent == []


def test_on_another_account_it_has_the_price_of_that_one(two):
    it = two(second=REJECTED)
    quote_there(it, "101")
    it.run(20)
    assert [sent.price for sent in it.second.sent] == [Decimal(101)]
    assert [sent.price for sent in it.first.sent] == [Decimal(100)]


def test_a_venue_without_a_price_of_its_own_gets_no_order_at_another_s_price(two):
    it = two(buys_first="second")
    it.run(11)
    assert (it.second.sent, [sent.price for sent in it.first.sent]) == ([], [Decimal(100)])


def test_a_signal_waits_for_the_prices_of_the_only_account_that_could_take_it(two):
    it = two(first=REJECTED, buys_first="first")
    it.run(60)
    assert (len(it.first.sent), it.second.sent) == (1, [])
    (entry,) = it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.NO_MARKET_DATA
    quote_there(it, "99")
    it.engine.trigger()
    it.run(1)
    assert [sent.price for sent in it.second.sent] == [Decimal(99)]
    assert it.ledger() == {"placed": 1}
    assert it.bodies(e.Failed) == []


def test_prices_that_are_old_there_are_no_prices(two):
    it = two(second=OPEN)
    quote_there(it, "99")
    it.run(9)
    it.engine.parts.markets.on("there").follow(Quote(SYMBOL, it.clock.wall_ns() - 10**12, *3 * (Decimal(99),)))
    it.run(2)
    assert (it.second.sent, [sent.price for sent in it.first.sent]) == ([], [Decimal(100)])
