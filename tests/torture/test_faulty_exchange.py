"""The faulty exchange keeps its books by itself: what trades, what it costs, what it holds, and what it tells when."""

from decimal import Decimal

import pytest

from tests.builders import order
from tidegate.clock import VirtualLoop
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.torture.faulty import FeesIn, Lag, Planned, Points, Script, VenueFault, VenueFaultKind
from tidegate.torture.faulty.address import FaultyAddress
from tidegate.torture.faulty.exchange import FaultyExchange
from tidegate.torture.faulty.fault_schedule import FaultSchedule
from tidegate.torture.faulty.units import amount_of, part_of, product_of, units_of
from tidegate.torture.faulty.venue import FaultyVenue
from tidegate.torture.faulty.world import FaultyWorld

SYMBOL = "BTC/USDT"
RULES = MarketRules(
    SYMBOL,
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.002"),
)
FUNDS = {"USDT": Decimal(1000), "BTC": Decimal(2), "BNB": Decimal("0.001")}


class Market:
    """One account, its way there, and a hand on the prices and the time."""

    def __init__(self, *venue_faults, funds=FUNDS, **script):
        planned = [Planned("s1", 1, SYMBOL, "buy")]
        self.loop = VirtualLoop()
        script_of = Script(signals=planned, venue_faults=venue_faults, **script)
        self.world = FaultyWorld(script_of, Points(), start_ns=10**18)
        self.world.enter(self.loop)
        fault_schedule = FaultSchedule(self.world, "x")
        self.exchange = FaultyExchange(
            "x", funds, lambda symbol: RULES if symbol == SYMBOL else None, self.world, fault_schedule
        )
        self.address = FaultyAddress(self.world)
        self.venue = FaultyVenue(self.exchange, self.world, fault_schedule, self.address, settles=True, raised=str)
        self.updates = []
        self.venue.listen(self.updates.append)
        self.quote("99", "100")

    def quote(self, bid, ask, depth="1000"):
        self.exchange.on_quote(Quote(SYMBOL, self.world.now_ns(), Decimal(bid), Decimal(ask), Decimal(depth)))

    def request(self, side, amount, price=None, order_id="o1"):
        return order(side, amount, price, order_id, symbol=SYMBOL, trader="x", reserved="0")

    def place(self, side, amount, price=None, order_id="o1"):
        return self.exchange.arrive(self.request(side, amount, price, order_id), self.world.now_ns())

    def free(self, currency):
        return amount_of(self.exchange.books.free(currency))

    def total(self, currency):
        return self.exchange.books.totals()[currency]

    def ask(self, coroutine):
        return self.loop.run_until_complete(coroutine)


def test_units_are_exact():
    assert units_of(Decimal("1.5")) == 1_500_000_000_000_000_000
    assert amount_of(units_of(Decimal("123456789.000000000000000001"))) == Decimal("123456789.000000000000000001")
    assert amount_of(product_of(units_of(Decimal("0.00001")), units_of(Decimal("100.0123")))) == Decimal("0.001000123")
    assert part_of(10, units_of(Decimal("0.25"))) == 3  # upwards: the exchange gives nothing away
    with pytest.raises(ValueError, match="no whole number"):
        units_of(Decimal("1e-19"))
    with pytest.raises(ValueError, match="costs no whole number"):
        product_of(1, 1)


@pytest.mark.parametrize(
    ("fees_in", "side", "left", "fee"),
    [
        (FeesIn.QUOTE, "buy", {"USDT": "899.8", "BTC": "3", "BNB": "0.001"}, ("0.2", "USDT")),
        (FeesIn.QUOTE, "sell", {"USDT": "1098.802", "BTC": "1", "BNB": "0.001"}, ("0.198", "USDT")),
        (FeesIn.RECEIVED, "buy", {"USDT": "900", "BTC": "2.998", "BNB": "0.001"}, ("0.002", "BTC")),
        (FeesIn.RECEIVED, "sell", {"USDT": "1098.802", "BTC": "1", "BNB": "0.001"}, ("0.198", "USDT")),
        (FeesIn.COIN, "buy", {"USDT": "900", "BTC": "3", "BNB": "0.00066666"}, ("0.00033334", "BNB")),
        (FeesIn.COIN, "sell", {"USDT": "1099", "BTC": "1", "BNB": "0.00067"}, ("0.00033", "BNB")),
    ],
)
def test_a_trade_moves_both_currencies_and_takes_its_fee(fees_in, side, left, fee):
    market = Market(fees_in=fees_in)
    answer = market.place(side, "1")
    assert answer.status is OrderStatus.CLOSED
    assert {currency: market.total(currency) for currency in left} == {c: Decimal(amount) for c, amount in left.items()}
    (fill,) = answer.fills
    assert (fill.fee, fill.fee_currency, fill.price) == (Decimal(fee[0]), fee[1], Decimal(100 if side == "buy" else 99))


def test_where_the_coin_does_not_last_the_fee_is_taken_from_what_comes_in():
    market = Market(fees_in=FeesIn.COIN, funds={**FUNDS, "BNB": Decimal("0.0003")})
    assert market.place("buy", "1").fills[0].fee_currency == "BTC"
    assert market.total("BNB") == Decimal("0.0003")


def test_a_limit_order_holds_what_it_needs_and_trades_at_its_own_price_when_a_quote_reaches_it():
    market = Market()
    answer = market.place("buy", "1", "80")
    assert (answer.status, answer.fills) == (OrderStatus.OPEN, ())
    assert (market.total("USDT"), market.free("USDT")) == (1000, Decimal("919.84"))  # 80, and a fee of 0.16
    market.quote("79", "79.5", depth="0.25")
    assert market.free("USDT") == Decimal("919.86")  # a maker pays half of what was held for the fee of a quarter
    (update,) = market.updates
    assert (update.status, update.filled) == (OrderStatus.OPEN, Decimal("0.25"))
    assert (update.fills[0].price, update.fills[0].fee) == (80, Decimal("0.02"))
    market.quote("79", "79.5")
    assert (market.updates[-1].status, market.free("USDT")) == (OrderStatus.CLOSED, Decimal("919.92"))
    assert market.total("USDT") == Decimal("919.92")


def test_what_a_thin_book_leaves_of_a_market_order_expires():
    market = Market()
    market.quote("99", "100", depth="0.333333")
    answer = market.place("buy", "1")
    assert (answer.status, answer.fills[0].amount) == (OrderStatus.EXPIRED, Decimal("0.33333"))
    assert market.free("USDT") == market.total("USDT")


@pytest.mark.parametrize(
    ("order", "detail"),
    [
        (("buy", "0.000001", "100"), "LOT_SIZE"),
        (("buy", "1", "100.001"), "PRICE_FILTER"),
        (("buy", "1", "10"), "PERCENT_PRICE"),
        (("buy", "0.01", "100"), "NOTIONAL"),
        (("buy", "11", "90"), "insufficient balance"),  # it can pay the 990, and not the fee
        (("sell", "2.1", "100"), "insufficient balance"),
        (("sell", "2.1"), "insufficient balance"),
    ],
)
def test_an_order_that_does_not_fit_is_rejected(order, detail):
    market = Market()
    market.place("buy", "0.1", "90", "rests")
    answer = market.place(*order)
    assert isinstance(answer, NotPlaced)
    assert (answer.final, detail in answer.detail) == (True, True)
    assert "Duplicate" in market.place("buy", "0.1", "90", "rests").detail


def test_strangers_trade_lock_deposit_and_withdraw_on_the_same_account():
    market = Market()
    for kind, at_s in (
        (VenueFaultKind.FOREIGN_ORDER, 1),
        (VenueFaultKind.FOREIGN_TRADE, 2),
        (VenueFaultKind.DEPOSIT, 3),
        (VenueFaultKind.WITHDRAWAL, 4),
    ):
        before = market.exchange.books.totals()
        market.venue.begin(VenueFault(kind=kind, at_s=at_s, seconds=30, trader="x"))
        assert (market.exchange.books.totals() == before) is (
            kind is VenueFaultKind.FOREIGN_ORDER
        )  # which only holds something
    assert market.free("USDT") < market.total("USDT")
    (stranger, trade) = market.ask(market.venue.orders_since(0)).orders
    assert (stranger.client_order_id, stranger.status, trade.status) == (None, OrderStatus.OPEN, OrderStatus.CLOSED)
    assert market.world.ledger.foreign == ["x-1"]
    market.loop.advance(31)
    assert market.free("USDT") == market.total("USDT")
    assert all(change.trade_id == "" for change in market.exchange.books.changes)
    assert market.updates == []


@pytest.mark.parametrize(
    ("kind", "status"), [(VenueFaultKind.SWEPT, OrderStatus.CLOSED), (VenueFaultKind.WIPED, OrderStatus.CANCELED)]
)
def test_what_rests_for_hours_trades_or_ends_and_nobody_is_told(kind, status):
    market = Market(pushes=False)
    market.place("buy", "1", "80")
    market.loop.advance(7200)
    market.venue.begin(VenueFault(kind=kind, trader="x"))
    assert market.updates == []
    since_ns = market.world.now_ns() - 3600 * 10**9
    assert market.ask(market.venue.orders_since(since_ns)).orders == []  # it was made before
    found = market.ask(market.venue.find_order(market.request("buy", "1", "80")))
    assert (found.status, len(found.fills)) == (status, kind is VenueFaultKind.SWEPT)


def test_a_listing_comes_in_pages_each_as_old_as_it_is():
    market = Market()
    for n in range(3):
        market.place("buy", "0.1", "80", f"o{n}")
    market.world.after(0.07, lambda: market.quote("79", "79.5"))  # between the first page and the second
    listing = market.ask(market.venue.orders_since(0))
    assert [order.status for order in listing.orders] == [OrderStatus.OPEN, OrderStatus.OPEN, OrderStatus.CLOSED]
    assert listing.missing == ()


def test_a_page_may_be_missing_and_is_named():
    market = Market(VenueFault(kind=VenueFaultKind.PAGE_MISSING, nth=1, seconds=1, trader="x"))
    for n in range(3):
        market.place("buy", "0.1", "80", f"o{n}")
    listing = market.ask(market.venue.orders_since(0))
    assert ([order.client_order_id for order in listing.orders], listing.missing) == (
        ["o0", "o1"],
        ("page 2 of the orders",),
    )


@pytest.mark.parametrize("what", ["balances", "orders", "order"])
def test_an_answer_is_as_old_as_its_way_is_long(what):
    stale = [
        VenueFault(kind=kind, nth=1, seconds=5, trader="x")
        for kind in (VenueFaultKind.LISTING_STALE, VenueFaultKind.LOOKUP_STALE)
    ]
    market = Market(*stale)
    market.world.after(3, lambda: market.place("buy", "1", "100"))
    asked_ns = market.world.now_ns()
    if what == "balances":
        assert market.ask(market.venue.balances())["USDT"] == 1000
    elif what == "orders":
        assert market.ask(market.venue.orders_since(0)).orders == []
    else:
        assert isinstance(market.ask(market.venue.find_order(market.request("buy", "1", "100"))), NotFound)
    assert market.world.now_ns() - asked_ns > 5e9
    assert market.total("USDT") < 1000


def test_trades_show_late_and_the_order_is_not_over_before_they_do():
    market = Market(lag=Lag(trades_s=20))
    answer = market.place("buy", "1", "100")
    assert (answer.status, answer.fills) == (OrderStatus.OPEN, ())
    (listed,) = market.ask(market.venue.orders_since(0)).orders
    assert (listed.status, listed.filled, listed.fills) == (OrderStatus.CLOSED, 1, ())
    assert market.total("BTC") == 3  # balances know at once
    market.loop.advance(20)
    found = market.ask(market.venue.find_order(market.request("buy", "1", "100")))
    assert (found.status, len(found.fills)) == (OrderStatus.CLOSED, 1)


def test_an_address_takes_so_many_orders_and_all_accounts_there_wait():
    market = Market(orders_per_10s=1)
    first, second = market.ask(
        market.venue.create_orders([market.request("buy", "0.1", "80", "a"), market.request("buy", "0.1", "80", "b")])
    )
    assert isinstance(first, Acknowledged)
    assert (second.reason, second.address_wide) == (Reason.REJECTED_FOR_NOW, True)
    market.loop.advance(second.retry_after_s)
    assert market.address.too_many() is None


def test_while_an_address_is_banned_nothing_is_answered_and_a_send_is_told_until_when():
    market = Market(VenueFault(kind=VenueFaultKind.BANNED, nth=1, seconds=60, trader="x"))
    (answer,) = market.ask(market.venue.create_orders([market.request("buy", "0.1", "80")]))
    assert (answer.reason, answer.retry_after_s) == (Reason.BANNED, 60)
    assert market.ask(market.venue.find_order(market.request("buy", "0.1", "80"))).detail == "the venue is away"
    (ban,) = market.world.ledger.bans
    assert ban.until_ns == market.address.banned_until_ns
    (again,) = market.ask(market.venue.create_orders([market.request("buy", "0.1", "80")]))
    assert 59 < again.retry_after_s < 60
    assert market.world.ledger.sent[-1].while_banned
