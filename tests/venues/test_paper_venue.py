from collections.abc import Coroutine
from decimal import Decimal
from typing import TypeVar

import pytest

from tests import builders
from tidegate.domain import events as e
from tidegate.domain.account import Account, Balance
from tidegate.domain.book import Book
from tidegate.domain.market import Candle, MarketRules, Quote
from tidegate.domain.order import Acknowledged, Fill, NotFound, NotPlaced, OrderRequest, OrderStatus, OrderUpdate
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.venues.paper.venue import PaperVenue

BTC, ETH = "BTC/USDT", "ETH/USDT"
MAKER, TAKER = Decimal("0.0005"), Decimal("0.001")
RULES = {
    symbol: MarketRules(symbol, Decimal("0.5"), Decimal("0.01"), Decimal(5), MAKER, TAKER) for symbol in (BTC, ETH)
}
FUNDS = {"USDT": Decimal(10_000), "BTC": Decimal(10), "ETH": Decimal(10)}
OPEN, CLOSED, EXPIRED = OrderStatus.OPEN, OrderStatus.CLOSED, OrderStatus.EXPIRED
NO_FUNDS = "-2010 Account has insufficient balance for requested action."

_T = TypeVar("_T")


def said(coroutine: Coroutine[None, None, _T]) -> _T:
    """What a coroutine returns that never waits; one that waits fails the test."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the paper venue must not wait")


class Paper:
    """A venue, all that was heard from it, and the book, which sets aside what is sent and books what is said."""

    def __init__(self, account: Account | None = None, orders=(), participation="0.5") -> None:
        self.book = Book({"paper": account or Account()})
        self.account = self.book.account("paper")
        if account is None:
            self.account.fund(FUNDS)
        self.venue = PaperVenue("paper", self.account, RULES.get, orders=orders, participation=Decimal(participation))
        self.heard: list[OrderUpdate] = []
        self.venue.listen(self.hear)

    def send(self, *requests: OrderRequest):
        answers = self.send_only(*requests)
        for request, answer in zip(requests, answers, strict=True):
            self.booked(request, answer)
        return answers if len(requests) > 1 else answers[0]

    def send_only(self, *requests: OrderRequest):
        """Send orders, and book nothing of what is answered yet."""
        for request in requests:
            self.book.reserve(request)
        return said(self.venue.create_orders(requests))

    def booked(self, request: OrderRequest, answer) -> None:
        order_id = request.client_order_id
        if isinstance(answer, Acknowledged):
            fields = {field: getattr(answer, field) for field in answer.__struct_fields__ if field != "filled"}
            self.book.apply("paper", e.Placed(client_order_id=order_id, **fields))
        elif "Duplicate" not in answer.detail:
            self.book.apply("paper", e.Failed(client_order_id=order_id, reason=Reason.REJECTED, detail=answer.detail))

    def hear(self, update: OrderUpdate) -> None:
        self.heard.append(update)
        for each in update.fills:
            self.book.apply("paper", e.Filled(client_order_id=update.client_order_id, fill=each))
        self.book.apply("paper", e.OrderChanged(client_order_id=update.client_order_id, status=update.status))

    def find(self, request: OrderRequest):
        return said(self.venue.find_order(request))

    def quote(self, ask="100", *, bid=None, depth="10", at_ns=1, symbol=BTC) -> list[OrderUpdate]:
        del self.heard[:]
        low = Decimal(bid) if bid is not None else Decimal(ask) - 1
        self.venue.on_quote(Quote(symbol, at_ns, low, Decimal(ask), Decimal(depth)))
        return list(self.heard)

    def candle(self, low=100.0, high=100.0, *, volume=10.0, opened_at_ns=10, symbol=BTC) -> list[OrderUpdate]:
        del self.heard[:]
        self.venue.on_candle(Candle(symbol, opened_at_ns, 5, low, high, low, high, volume))
        return list(self.heard)


def order(side=Side.BUY, amount="1", price="100", order_id="o", symbol=BTC, reserved=None) -> OrderRequest:
    """An order as the pipeline asks for it; `price=None` makes it a market order, expected at 100."""
    cost = Decimal(amount) * Decimal(price or "101") * (1 + TAKER)
    if reserved is None and side is Side.BUY:
        reserved = cost
    return builders.order(side, amount, price, order_id, symbol=symbol, reserved=reserved)


def fill(amount="1", price="100", rate=TAKER, trade_id="o-1") -> Fill:
    fee = Decimal(amount) * Decimal(price) * rate
    return builders.fill(trade_id, amount, price, fee)


def update(*fills: Fill, status=OPEN, at_ns=2, order_id="o", before="0") -> OrderUpdate:
    """What is told of an order of which `before` was traded before."""
    filled = Decimal(before) + sum(fill.amount for fill in fills)
    return OrderUpdate(trader="paper", client_order_id=order_id, at_ns=at_ns, status=status, fills=fills, filled=filled)


def acknowledged(*fills: Fill, status=OPEN) -> Acknowledged:
    return Acknowledged(venue_order_id="po", status=status, fills=fills)


# What fills at once


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param(order(price="100"), acknowledged(fill(), status=CLOSED), id="a limit order at the ask"),
        pytest.param(order(price="105"), acknowledged(fill(), status=CLOSED), id="a dearer one pays the ask only"),
        pytest.param(order(price="99.5"), acknowledged(), id="a cheaper one rests"),
        pytest.param(order(price=None), acknowledged(fill(), status=CLOSED), id="a market order"),
        pytest.param(
            order(Side.SELL, price="99"), acknowledged(fill(price="99"), status=CLOSED), id="a sale at the bid"
        ),
        pytest.param(
            order(Side.SELL, price="90"), acknowledged(fill(price="99"), status=CLOSED), id="a cheaper one gets the bid"
        ),
        pytest.param(order(Side.SELL, price="99.5"), acknowledged(), id="a dearer one rests"),
        pytest.param(
            order(Side.SELL, price=None), acknowledged(fill(price="99"), status=CLOSED), id="a sale at any price"
        ),
        pytest.param(order(amount="12"), acknowledged(fill("10")), id="as far as the depth lasts"),
        pytest.param(order(amount="12", price=None), acknowledged(fill("10")), id="also for a market order"),
    ],
)
def test_an_order_that_reaches_the_best_price_fills_at_once(request_, answer):
    paper = Paper()
    paper.quote()
    assert paper.send(request_) == answer
    assert paper.heard == []


def test_an_order_filled_at_once_is_over():
    paper = Paper()
    paper.quote()
    paper.send(order(price="105"))
    assert paper.account.orders == {}
    assert paper.account.free("USDT") == 10_000 - 100 * (1 + TAKER)


def test_an_order_meets_the_newest_quote():
    paper = Paper()
    paper.quote("100")
    paper.quote("98", at_ns=2)
    assert paper.send(order()) == acknowledged(fill(price="98"), status=CLOSED)


def test_a_limit_order_rests_while_the_market_has_no_price():
    assert Paper().send(order()) == acknowledged()


def test_what_one_order_took_the_next_one_cannot_take():
    paper = Paper()
    paper.quote(depth="1.5")
    first, second, third = paper.send(*(order(order_id=name) for name in "abc"))
    assert [(answer.status, answer.fills[:1] and answer.fills[0].amount) for answer in (first, second, third)] == [
        (CLOSED, 1),
        (OPEN, Decimal("0.5")),
        (OPEN, ()),
    ]


def test_the_other_side_and_other_symbols_have_their_own_depth():
    paper = Paper()
    paper.quote(depth="1")
    paper.quote(depth="1", symbol=ETH)
    answers = paper.send(
        order(order_id="a"), order(Side.SELL, order_id="b", price="99"), order(order_id="c", symbol=ETH)
    )
    assert [answer.status for answer in answers] == [CLOSED] * 3


def test_a_part_fills_in_whole_lots():
    paper = Paper()
    paper.quote(depth="0.999")
    assert paper.send(order()).fills == (fill("0.99"),)


# What is rejected


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        pytest.param(order(symbol="DOGE/USDT"), "-1121 Invalid symbol.", id="a symbol that is not traded"),
        pytest.param(order(amount="1.005"), "-1013 Filter failure: LOT_SIZE", id="half a lot"),
        pytest.param(order(amount="0"), "-1013 Filter failure: LOT_SIZE", id="nothing"),
        pytest.param(order(amount="-1"), "-1013 Filter failure: LOT_SIZE", id="less than nothing"),
        pytest.param(order(price="100.3"), "-1013 Filter failure: PRICE_FILTER", id="a price between ticks"),
        pytest.param(order(price="0"), "-1013 Filter failure: PRICE_FILTER", id="a price of zero"),
        pytest.param(order(price="500.5"), "-1013 Filter failure: PERCENT_PRICE", id="over five times the market"),
        pytest.param(order(price="19.5"), "-1013 Filter failure: PERCENT_PRICE", id="under a fifth of the market"),
        pytest.param(order(amount="0.04"), "-1013 Filter failure: NOTIONAL", id="too little money"),
        pytest.param(order(amount="0.04", price=None), "-1013 Filter failure: NOTIONAL", id="too little at the market"),
        pytest.param(
            order(amount="100"), "-2010 Account has insufficient balance for requested action.", id="the fee is missing"
        ),
        pytest.param(
            order(amount="99.99", price=None, reserved="1"),
            "-2010 Account has insufficient balance for requested action.",
            id="the market asks more than was set aside and is free",
        ),
        pytest.param(
            order(Side.SELL, amount="10.01"),
            "-2010 Account has insufficient balance for requested action.",
            id="selling more than there is",
        ),
    ],
)
def test_what_breaks_a_rule_is_rejected_for_good(request_, detail):
    paper = Paper()
    paper.quote(depth="1000")
    assert paper.send(request_) == NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)
    assert paper.account.orders == {}
    assert all(balance.locked == 0 for balance in paper.account.balances.values())


@pytest.mark.parametrize("price", ["500", "20", "0.5"])
def test_prices_just_within_the_band_and_any_without_a_market_are_taken(price):
    paper = Paper()
    if price != "0.5":
        paper.quote()
    assert isinstance(paper.send(order(price=price, amount="10")), Acknowledged)


def test_a_market_order_may_be_tried_again_once_the_market_has_a_price():
    paper = Paper()
    answer = paper.send(order(price=None))
    assert (answer.reason, answer.final) == (Reason.REJECTED_FOR_NOW, False)
    paper.quote()
    assert paper.send(order(price=None)).status is CLOSED


def test_an_open_order_is_not_taken_twice():
    paper = Paper()
    paper.quote()
    first, second = paper.send(order(price="90"), order(price="90"))
    assert first == acknowledged()
    assert second == NotPlaced(reason=Reason.REJECTED, detail="-2010 Duplicate order sent.", final=True)


def test_a_rejected_order_does_not_hold_up_the_others():
    paper = Paper()
    paper.quote()
    bad, good = paper.send(order(amount="0"), order(order_id="p"))
    assert (type(bad), type(good)) == (NotPlaced, Acknowledged)


# What fills later


@pytest.mark.parametrize(
    ("side", "price", "ask", "bid", "updates"),
    [
        pytest.param(Side.BUY, "95", "95.5", "94", [], id="a higher ask leaves a buying order alone"),
        pytest.param(
            Side.BUY, "95", "95", "94", [update(fill(price="95", rate=MAKER), status=CLOSED)], id="the ask comes down"
        ),
        pytest.param(
            Side.BUY, "95", "90", "89", [update(fill(price="95", rate=MAKER), status=CLOSED)], id="its own price counts"
        ),
        pytest.param(Side.SELL, "105", "106", "104.5", [], id="a lower bid leaves a selling order alone"),
        pytest.param(
            Side.SELL, "105", "106", "105", [update(fill(price="105", rate=MAKER), status=CLOSED)], id="the bid goes up"
        ),
        pytest.param(
            Side.SELL, "105", "121", "120", [update(fill(price="105", rate=MAKER), status=CLOSED)], id="its own again"
        ),
    ],
)
def test_a_resting_order_fills_as_a_maker_when_a_quote_reaches_it(side, price, ask, bid, updates):
    paper = Paper()
    paper.quote()
    paper.send(order(side, price=price))
    assert paper.quote(ask, bid=bid, at_ns=2) == updates


@pytest.mark.parametrize(
    ("side", "low", "high", "updates"),
    [
        pytest.param(Side.BUY, 95.0, 100.0, [], id="touched is not traded through"),
        pytest.param(
            Side.BUY,
            94.99,
            100.0,
            [update(fill(price="95", rate=MAKER), status=CLOSED, at_ns=15)],
            id="traded under a buying order",
        ),
        pytest.param(Side.SELL, 90.0, 95.0, [], id="touched from below"),
        pytest.param(
            Side.SELL,
            90.0,
            95.01,
            [update(fill(price="95", rate=MAKER), status=CLOSED, at_ns=15)],
            id="traded over a selling order",
        ),
    ],
)
def test_a_resting_order_fills_when_a_candle_trades_through_it(side, low, high, updates):
    paper = Paper()
    paper.send(order(side, price="95"))
    assert paper.candle(low, high) == updates


def test_a_candle_fills_no_more_than_our_part_of_its_volume():
    paper = Paper(participation="0.1")
    paper.send(order(amount="3", price="95"))
    assert paper.candle(90.0, volume=20.0) == [update(fill("2", "95", MAKER), at_ns=15)]
    assert paper.candle(90.0, volume=20.0, opened_at_ns=15) == [
        update(fill("1", "95", MAKER, "o-2"), at_ns=20, status=CLOSED, before="2")
    ]


def test_both_sides_share_our_part_of_the_volume():
    paper = Paper()
    paper.send(order(price="95", order_id="b"), order(Side.SELL, price="105", order_id="s"))
    updates = paper.candle(90.0, 110.0, volume=3.0)
    assert [(each.client_order_id, each.fills[0].amount) for each in updates] == [("b", 1), ("s", Decimal("0.5"))]


def test_a_candle_that_opened_before_the_order_came_does_not_fill_it():
    paper = Paper()
    paper.quote(at_ns=12)
    paper.send(order(price="95"))
    assert paper.candle(90.0, opened_at_ns=11) == []
    assert [each.status for each in paper.candle(90.0, opened_at_ns=12)] == [CLOSED]


def test_a_candle_tells_the_time_too():
    paper = Paper()
    paper.candle(opened_at_ns=10)
    paper.send(order(price="95"))
    assert paper.candle(90.0, opened_at_ns=14) == []


def test_a_candle_does_not_fill_what_is_left_of_a_market_order():
    paper = Paper()
    paper.quote(depth="0.5")
    paper.send(order(price=None), order(price="95", order_id="p"))
    assert [each.client_order_id for each in paper.candle(90.0)] == ["p"]


def test_the_rest_of_a_market_order_goes_on_at_the_next_quotes():
    paper = Paper()
    paper.quote(depth="0.5")
    assert paper.send(order(price=None)) == acknowledged(fill("0.5"))
    assert paper.quote("101", depth="0.3", at_ns=2) == [update(fill("0.3", "101", trade_id="o-2"), before="0.5")]
    assert paper.quote("99", at_ns=3) == [
        update(fill("0.2", "99", trade_id="o-3"), at_ns=3, status=CLOSED, before="0.8")
    ]
    assert paper.quote("98", at_ns=4) == []


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        pytest.param("299.5", CLOSED, id="while its account can pay it goes on"),
        pytest.param("299.9", EXPIRED, id="when the fee cannot be paid it expires"),
    ],
)
def test_a_market_order_goes_on_while_its_account_can_pay(ask, status):
    paper = Paper()
    paper.quote(depth="25")
    paper.send(order(amount="50", price=None))
    assert [each.status for each in paper.quote(ask, depth="25", at_ns=2)] == [status]
    assert paper.account.orders == {}
    assert paper.quote(at_ns=3) == []


def test_an_expired_order_has_its_capital_back():
    paper = Paper()
    paper.quote(depth="50")
    paper.send(order(amount="90", price=None))
    assert paper.quote("200", depth="50", at_ns=2) == [update(status=EXPIRED, before="50")]
    assert paper.account.free("USDT") == 10_000 - 5_000 * (1 + TAKER)


@pytest.mark.parametrize("bid", ["0.5", "150"])
def test_the_rest_of_a_market_sale_takes_any_price(bid):
    paper = Paper()
    paper.quote(depth="5")
    paper.send(order(Side.SELL, "10", price=None))
    assert [each.status for each in paper.quote("151", bid=bid, at_ns=2)] == [CLOSED]


@pytest.mark.parametrize(
    ("side", "prices", "first"),
    [
        pytest.param(Side.BUY, ["94", "96", "95"], "b", id="the highest buying price"),
        pytest.param(Side.SELL, ["106", "104", "105"], "b", id="the lowest selling price"),
        pytest.param(Side.BUY, ["95", "95", "95"], "a", id="at one price the earliest"),
        pytest.param(Side.SELL, ["105", "105", "105"], "a", id="also for sales"),
    ],
)
def test_of_several_orders_the_better_price_comes_first(side, prices, first):
    paper = Paper()
    paper.send(*(order(side, price=price, order_id=name) for name, price in zip("abc", prices, strict=True)))
    ask = "90" if side is Side.BUY else "111"
    assert [each.client_order_id for each in paper.quote(ask, depth="1", at_ns=2)] == [first]


def test_market_orders_come_before_limit_orders():
    paper = Paper()
    paper.quote(depth="0.5")
    paper.send(order(price=None, order_id="m"), order(price="110", order_id="l"))
    assert [each.client_order_id for each in paper.quote(depth="0.5", at_ns=2)] == ["m"]


def test_a_new_order_finds_what_older_ones_left():
    paper = Paper()
    paper.send(order(price="95"))
    paper.quote("95", depth="1.25", at_ns=2)
    assert paper.send(order(price="95", order_id="p")).fills == (fill("0.25", "95", trade_id="p-1"),)


def test_news_of_another_symbol_fills_nothing():
    paper = Paper()
    paper.send(order(price="95"))
    assert paper.quote("90", symbol=ETH) == []
    assert paper.candle(90.0, symbol=ETH) == []


def test_everybody_who_listens_hears():
    paper = Paper()
    also_heard = []
    paper.venue.listen(also_heard.append)
    paper.send(order(price="95"))
    assert paper.quote("95") == also_heard != []


# Restart, and the rest of the contract


def test_after_a_restart_acknowledged_orders_stand_and_others_never_were():
    before = Paper()
    before.quote(depth="0.5")
    before.send(order(), order(price=None, order_id="m", amount="2"))
    never = order(price="90", order_id="never")
    before.send_only(never)
    after = Paper(Account.from_image(before.account.image()), orders={"o", "m"})
    assert after.find(order()) == acknowledged()
    assert after.find(order(order_id="never")) == NotFound(detail="the paper venue never saw it")
    assert [each.client_order_id for each in said(after.venue.orders_since(0)).orders] == ["o", "m"]
    after.booked(never, after.find(never))
    assert after.account.free("USDT") == before.account.free("USDT") + 90 * (1 + TAKER)
    updates = after.quote("99", at_ns=2)
    assert updates == [
        update(fill("2", "99", trade_id="m-1"), order_id="m", status=CLOSED),
        update(fill("0.5", "100", MAKER, "o-2"), status=CLOSED, before="0.5"),
    ]


def test_a_venue_says_who_it_is_and_what_it_takes():
    venue = Paper().venue
    assert (venue.trader, venue.batch_max) == ("paper", 1024)
    assert (venue.rules(BTC), venue.rules("DOGE/USDT")) == (RULES[BTC], None)


@pytest.mark.parametrize("participation", ["-0.1", "1.1"])
def test_participation_is_a_fraction(participation):
    with pytest.raises(ValueError, match=f"within 0 to 1, was {participation}"):
        Paper(participation=participation)


# Money that is spent and not booked yet


def test_what_is_set_aside_stays_until_its_trade_is_booked():
    paper = Paper()
    paper.quote(depth="1000")
    request = order(amount="60", price="105")
    (answer,) = paper.send_only(request)
    assert paper.account.balances["USDT"] == Balance(Decimal(10_000), 6_300 * (1 + TAKER))
    assert paper.send(order(amount="40", order_id="p")).detail == NO_FUNDS
    paper.booked(request, answer)
    assert paper.account.balances["USDT"] == Balance(10_000 - 6_000 * (1 + TAKER), Decimal(0))
    assert paper.send(order(amount="39", order_id="p")).status is CLOSED


def test_what_a_market_order_takes_beyond_that_is_spent_once():
    paper = Paper()
    paper.quote(depth="1000")
    first, second = (order(amount="1", price=None, order_id=name, reserved="1") for name in "ab")
    most = order(amount="97.9", order_id="most", reserved="9799.85")
    (_, beyond, broke) = paper.send_only(most, first, second)  # 198.15 are left; each takes 99.1, with its fee
    assert (type(beyond), broke.detail) == (Acknowledged, NO_FUNDS)


def test_the_rest_of_a_market_order_takes_nothing_that_another_took_beyond_before_it_was_booked():
    paper = Paper()
    paper.quote(depth="1")
    paper.send(order(amount="99", price="90", order_id="most"))
    rest, more = order(amount="2", price=None, reserved="102"), order(amount="0.1", price=None, order_id="m")
    assert [answer.status for answer in paper.send(rest, more)] == [OPEN, OPEN]
    updates = paper.quote("900", at_ns=2)  # of the 979 that are free, the first takes 899 beyond what was set aside
    assert [(each.client_order_id, each.status) for each in updates] == [("o", CLOSED), ("m", EXPIRED)]


@pytest.mark.parametrize("booked", [True, False])
def test_where_more_is_set_aside_than_there_is_the_first_is_paid_first(booked):
    paper = Paper()
    paper.quote(depth="1000")
    requests = [order(amount="60", order_id=name) for name in "abc"]
    for request in requests:
        paper.book.reserve(request)
    answers = []
    for request in requests:
        (answer,) = said(paper.venue.create_orders([request]))
        answers.append(getattr(answer, "status", None))
        if booked:
            paper.booked(request, answer)
    assert answers == [CLOSED, None, None]


def test_money_that_is_set_aside_for_an_order_on_its_way_is_not_spent_by_another():
    paper = Paper()
    paper.quote(depth="1000")
    coming = order(amount="95")
    paper.book.reserve(coming)
    dear = order(amount="5", price=None, order_id="m", reserved="1")
    assert paper.send(dear).detail == NO_FUNDS
    assert said(paper.venue.create_orders([coming]))[0].status is CLOSED


def test_an_order_that_ends_by_itself_has_its_capital_back_and_never_fills_again():
    paper = Paper()
    paper.quote()
    paper.send(order(price="95"))
    paper.venue.cancel("o")
    paper.venue.cancel("o")
    assert paper.heard == [update(status=OrderStatus.CANCELED, at_ns=1)]
    assert paper.account.free("USDT") == paper.account.balances["USDT"].total
    assert paper.quote("90", bid="89", at_ns=3) == []
