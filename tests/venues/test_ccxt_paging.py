"""Busy accounts: every listing is read to its end, or says what is missing."""

import time
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("ccxt")

from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import NotFound, OrderStatus, Unanswered
from tidegate.domain.signal import Side
from tidegate.emulator import Fault, FaultKind, Operation, VenueRejection

SYMBOL = "BTC/USDT"
AMOUNT = Decimal("0.001")
AN_HOUR_NS = 3_600_000_000_000


def our_id(number):
    return f"abcd{number:014x}"


def placed(exchange, count, *, first=0, price=None):
    """Orders under ids of ours, 1 ms apart."""
    for number in range(first, first + count):
        exchange.order_by_hand(SYMBOL, Side.BUY, AMOUNT, price=price, client_order_id=our_id(number))
        exchange.advance(0.001)


def an_hour_ago(exchange):
    return exchange.now_ms() * 1_000_000 - AN_HOUR_NS


@pytest.mark.parametrize("live", ["binance", "bybit"], indirect=True)
def test_seventy_market_orders_at_once_are_all_listed_with_their_trades(live):
    """More than bybit's pages of 20 orders and 50 trades hold."""

    async def scenario(venue, exchange):
        placed(exchange, 70)
        return await venue.orders_since(an_hour_ago(exchange))

    listing = live(scenario)
    listed = {order.client_order_id: order for order in listing.orders}
    assert sorted(listed) == [our_id(number) for number in range(70)]
    assert {order.status for order in listed.values()} == {OrderStatus.CLOSED}
    assert all(sum(fill.amount for fill in order.fills) == order.filled == AMOUNT for order in listed.values())
    assert listing.missing == ()


@pytest.mark.parametrize("live", ["binance"], indirect=True)
def test_a_thousand_and_one_orders_of_an_hour_are_all_listed(live):
    """More than a page of binance's holds at its largest."""

    async def scenario(venue, exchange):
        placed(exchange, 1_005)
        return await venue.orders_since(an_hour_ago(exchange))

    listing = live(scenario)
    assert len(listing.orders) == 1_005
    assert all(sum(fill.amount for fill in order.fills) == order.filled == AMOUNT for order in listing.orders)
    assert listing.missing == ()


def test_an_order_that_rested_for_days_is_found_with_its_trades_and_its_end(live, order_request):
    """Listings select by creation: this one is in none any more, and only asking for it tells how it ended."""

    async def scenario(venue, exchange):
        asked = [order_request(number, price="50000") for number in (1, 2, 3)]
        await venue.create_orders(asked)
        filled, canceled, resting = exchange.ledger.open.values()
        exchange.advance(3 * 86_400)
        exchange.ledger.fill(filled, exchange.now_ms(), amount=Decimal("0.004"))
        exchange.ledger.fill(canceled, exchange.now_ms(), amount=Decimal("0.003"))
        exchange.ledger.fill(resting, exchange.now_ms(), amount=Decimal("0.002"))
        exchange.advance(8 * 86_400)
        exchange.ledger.fill(filled, exchange.now_ms(), price=Decimal("49999.5"))
        exchange.ledger.cancel(canceled, exchange.now_ms())
        placed(exchange, 5, first=100)
        follow_the_clock(venue, exchange)
        return [await venue.find_order(one) for one in asked], await venue.orders_since(an_hour_ago(exchange))

    found, listing = live(scenario)
    assert [(one.status, one.filled, [fill.amount for fill in one.fills]) for one in found] == [
        (OrderStatus.CLOSED, Decimal("0.01"), [Decimal("0.004"), Decimal("0.006")]),
        (OrderStatus.CANCELED, Decimal("0.003"), [Decimal("0.003")]),
        (OrderStatus.OPEN, Decimal("0.002"), [Decimal("0.002")]),
    ]
    listed = {order.client_order_id: order for order in listing.orders}
    assert our_id(1) not in listed  # it ended, and was made long ago
    assert our_id(2) not in listed
    # what is open is listed with all its trades, however old they are
    assert (listed[our_id(3)].filled, [fill.amount for fill in listed[our_id(3)].fills]) == (
        Decimal("0.002"),
        [Decimal("0.002")],
    )
    assert listing.missing == ()


def follow_the_clock(venue, exchange):
    """The venue's clock was moved on: sign by it, and take the time of listings from it."""
    behind_ms = exchange.now_ms() - venue.exchange.milliseconds()
    real = venue.exchange.milliseconds
    venue.exchange.milliseconds = lambda: real() + behind_ms
    venue.exchange.options["timeDifference"] = 0


@pytest.mark.parametrize("live", ["binance"], indirect=True)
def test_an_order_with_more_trades_than_a_page_holds_is_found_whole(live, order_request):
    async def scenario(venue, exchange):
        await venue.create_orders([order_request(1, price="50000")])
        (order,) = exchange.ledger.open.values()
        for _ in range(1_000):
            exchange.ledger.fill(order, exchange.now_ms(), amount=Decimal("0.00001"))
        return await venue.find_order(order_request(1, price="50000"))

    found = live(scenario)
    assert (found.status, len(found.fills), sum(fill.amount for fill in found.fills)) == (
        OrderStatus.CLOSED, 1_000, Decimal("0.01"),
    )  # fmt: skip


def test_the_orders_of_a_person_are_listed_with_those_of_ours(live):
    async def scenario(venue, exchange):
        exchange.order_by_hand(SYMBOL, Side.SELL, AMOUNT, price=Decimal(70000))
        placed(exchange, 1)
        return await venue.orders_since(an_hour_ago(exchange))

    listing = live(scenario)
    assert sorted(order.client_order_id or "" for order in listing.orders) == ["", our_id(0)]
    assert listing.missing == ()


@pytest.mark.parametrize(
    ("on", "named"),
    [
        (Operation.OPEN_ORDERS, "open orders"),
        (Operation.RECENT, "closed orders"),
        (Operation.TRADES, "trades"),
    ],
)
def test_a_page_that_fails_is_named_and_costs_nothing_else(live, on, named):
    async def scenario(venue, exchange):
        placed(exchange, 60)
        exchange.order_by_hand(SYMBOL, Side.BUY, AMOUNT, price=Decimal(50000), client_order_id=our_id(99))
        exchange.faults.add(Fault(on=on, refusal=VenueRejection.INTERNAL_ERROR, times=0))
        return await venue.orders_since(an_hour_ago(exchange))

    listing = live(scenario)
    assert any(words.startswith(f"{named} of {SYMBOL}: ") for words in listing.missing)
    listed = {order.client_order_id for order in listing.orders}
    if on is not Operation.OPEN_ORDERS:
        assert our_id(99) in listed
    if on is not Operation.RECENT:
        assert our_id(0) in listed


def test_trades_of_an_older_order_that_cannot_be_read_are_named_with_its_symbol(live, order_request):
    async def scenario(venue, exchange):
        await venue.create_orders([order_request(1, price="50000")])
        (order,) = exchange.ledger.open.values()
        exchange.ledger.fill(order, exchange.now_ms(), amount=Decimal("0.004"))
        exchange.advance(2 * 3_600)
        follow_the_clock(venue, exchange)
        exchange.faults.add(Fault(on=Operation.TRADES, refusal=VenueRejection.INTERNAL_ERROR, nth=2, times=0))
        return order.venue_order_id, await venue.orders_since(an_hour_ago(exchange))

    order_id, listing = live(scenario)
    assert [words.partition(":")[0] for words in listing.missing] == [f"trades of order {order_id} of {SYMBOL}"]
    assert [(order.status, order.filled, order.fills) for order in listing.orders] == [
        (OrderStatus.OPEN, Decimal("0.004"), ())
    ]


@pytest.mark.parametrize("live", ["bybit"], indirect=True)
def test_a_second_page_that_fails_leaves_the_first_and_says_so(live):
    async def scenario(venue, exchange):
        placed(exchange, 60)
        exchange.faults.add(Fault(on=Operation.RECENT, refusal=VenueRejection.INTERNAL_ERROR, nth=2, times=0))
        return await venue.orders_since(an_hour_ago(exchange))

    listing = live(scenario)
    assert len(listing.orders) == 50
    assert [words.partition(":")[0] for words in listing.missing] == [f"closed orders of {SYMBOL}"]


@pytest.mark.parametrize("kind", [FaultKind.CLOSED, FaultKind.HTML, FaultKind.BRACES, FaultKind.TRUNCATED])
def test_a_read_that_fails_once_or_twice_is_read_again(live, order_request, kind):
    async def scenario(venue, exchange):
        placed(exchange, 3)
        for on in (Operation.OPEN_ORDERS, Operation.RECENT, Operation.TRADES, Operation.BALANCE, Operation.LOOKUP):
            exchange.faults.add(Fault(on=on, kind=kind, times=2))
        totals = await venue.balances()
        return totals["BTC"], await venue.orders_since(an_hour_ago(exchange)), await venue.find_order(order_request(1))

    bitcoins, listing, found = live(scenario)
    assert bitcoins == 100 + 3 * (AMOUNT - AMOUNT / 1000)
    assert (len(listing.orders), listing.missing) == (3, ())
    assert found.status is OrderStatus.CLOSED


def test_a_venue_of_which_every_seventh_read_fails_is_read_whole(live):
    async def scenario(venue, exchange):
        placed(exchange, 120)
        exchange.faults.add(
            Fault(on=Operation.ANY, refusal=VenueRejection.INTERNAL_ERROR, probability=0.15, placed=False)
        )
        return [await venue.orders_since(an_hour_ago(exchange)) for _ in range(5)]

    listings = live(scenario, seed=1)
    assert [(len(listing.orders), listing.missing) for listing in listings] == [(120, ())] * 5


@pytest.mark.parametrize("refusal", [VenueRejection.BANNED, VenueRejection.RATE_LIMITED])
def test_a_venue_that_wants_to_be_left_alone_is_not_asked_again(live, refusal):
    async def scenario(venue, exchange):
        placed(exchange, 3)
        exchange.faults.add(Fault(on=Operation.RECENT, refusal=refusal, times=0, seconds=60))
        asked = exchange.requests
        return await venue.orders_since(an_hour_ago(exchange)), exchange.requests - asked

    listing, asked = live(scenario)
    assert asked == 2  # what is open, and the one that was sent away
    assert [words.partition(":")[0] for words in listing.missing] == [
        f"closed orders of {SYMBOL}",
        f"trades of {SYMBOL}",
    ]


def test_a_venue_that_is_down_is_asked_no_more_after_three_failures_in_a_row(live):
    symbols = ("BTC/USDT", "ETH/USDT", "SOL/USDT")

    async def scenario(venue, exchange):
        for on in (Operation.OPEN_ORDERS, Operation.RECENT, Operation.TRADES):
            exchange.faults.add(Fault(on=on, refusal=VenueRejection.INTERNAL_ERROR, times=0))
        asked = exchange.requests
        with pytest.raises(VenueUnavailable):
            await venue.orders_since(an_hour_ago(exchange))
        return exchange.requests - asked

    assert live(scenario, symbols=symbols) == 3 + 1 + 1


@pytest.mark.parametrize("live", ["binance"], indirect=True)
def test_a_sifted_list_that_was_not_read_to_its_end_proves_nothing(live, order_request):
    async def scenario(venue, exchange):
        placed(exchange, 1_005, first=10)
        exchange.faults.add(Fault(on=Operation.RECENT, refusal=VenueRejection.INTERNAL_ERROR, nth=2, times=0))
        cut = await venue.find_order(order_request(1))
        exchange.faults.clear()
        return cut, await venue.find_order(order_request(1))

    cut, whole = live(scenario)
    assert isinstance(cut, Unanswered)
    assert isinstance(whole, NotFound)


def test_one_lookup_that_fails_does_not_hide_what_another_finds(live, order_request):
    async def scenario(venue, exchange):
        await venue.create_orders([order_request(1, price="50000")])
        exchange.faults.add(Fault(on=Operation.LOOKUP, refusal=VenueRejection.INTERNAL_ERROR, times=3))
        return await venue.find_order(order_request(1))

    found = live(scenario)
    if isinstance(found, Unanswered):  # bybit's lookups are all by id: the next one says that it is not over
        assert "open orders" in found.detail
    else:
        assert found.status is OrderStatus.OPEN


# venues that the local exchange does not speak like: by the wire


def okx_trade(number):
    return {"instId": "BTC-USDT", "tradeId": f"t{number}", "ordId": "28", "billId": f"{9000 - number}",
            "fillPx": "50000", "fillSz": "0.0001", "fee": "-0.0000001", "feeCcy": "BTC", "side": "buy", "execType": "T",
            "ts": f"{1_700_000_000_000 + number}", "clOrdId": our_id(1)}  # fmt: skip


def okx_order(number, state):
    return {"instId": "BTC-USDT", "ordId": f"{5000 - number}", "clOrdId": our_id(number), "side": "buy", "px": "50000",
            "sz": "0.01", "accFillSz": "0", "state": state, "ordType": "limit", "cTime": f"{time.time_ns() // 10**6}",
            "uTime": "1700000000000", "avgPx": "", "fee": "0", "feeCcy": "BTC"}  # fmt: skip


def of_okx(*items):
    return {"code": "0", "msg": "", "data": list(items)}


def test_okx_lists_what_was_filled_and_what_was_canceled(venue_on_wire, answer):
    async def scenario(venue, wire):
        listing = await venue.orders_since(time.time_ns() - AN_HOUR_NS)
        return listing, [fields_of(url) for _, url, *_ in wire.sent if "orders-history" in url]

    answers = {
        "/api/v5/trade/orders-history": [
            answer(of_okx(okx_order(1, "filled"))),
            answer(of_okx(okx_order(2, "canceled"))),
        ],
        "": [answer(of_okx())],
    }
    listing, asked = venue_on_wire("okx", answers, scenario)
    assert [query["state"] for query in asked] == ["filled", "canceled"]
    assert {order.client_order_id: order.status for order in listing.orders} == {
        our_id(1): OrderStatus.CANCELED,  # filled, with nothing of it filled: not as a whole
        our_id(2): OrderStatus.CANCELED,
    }


def test_okx_is_paged_by_the_id_of_the_last(venue_on_wire, answer):
    first, second = [okx_trade(number) for number in range(100)], [okx_trade(number) for number in range(100, 130)]

    async def scenario(venue, wire):
        listing = await venue.orders_since(1_700_000_000_000_000_000 - 1)
        return listing, [fields_of(url) for _, url, *_ in wire.sent if "fills-history" in url]

    opened = okx_order(1, "live") | {"ordId": "28", "accFillSz": "0.013", "sz": "0.02"}
    answers = {
        "/api/v5/trade/orders-pending": [answer(of_okx(opened))],
        "/api/v5/trade/fills-history": [answer(of_okx(*first)), answer(of_okx(*second))],
        "": [answer(of_okx())],
    }
    listing, asked = venue_on_wire("okx", answers, scenario)
    assert [query.get("after") for query in asked] == [None, "8901"]
    (order,) = listing.orders
    assert (len(order.fills), order.filled) == (130, Decimal("0.013"))
    assert listing.missing == ()


def of_kraken(kind, items, count):
    return {"error": [], "result": {kind: items, "count": count}}


def kraken_trade(number):
    return {"ordertxid": "OABC", "pair": "XBTUSDT", "time": 1_700_000_000 + number, "type": "buy", "ordertype": "limit",
            "price": "50000", "cost": "5", "fee": "0.01", "vol": "0.0001", "margin": "0", "misc": ""}  # fmt: skip


def test_kraken_is_paged_by_how_many_were_read(venue_on_wire, answer):
    first, second = ({f"T{n}": kraken_trade(n) for n in some} for some in (range(50), range(50, 80)))

    async def scenario(venue, wire):
        listing = await venue.orders_since(1_700_000_000_000_000_000 - 1)
        return listing, [body for _, url, body, _ in wire.sent if "TradesHistory" in url]

    opened = {"status": "open", "vol": "0.01", "vol_exec": "0.008", "cost": "400", "fee": "0.8", "price": "50000",
              "cl_ord_id": our_id(1), "opentm": 1_700_000_000,
              "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "50000"}}  # fmt: skip
    answers = {
        "/0/private/OpenOrders": [answer({"error": [], "result": {"open": {"OABC": opened}}})],
        "/0/private/ClosedOrders": [answer(of_kraken("closed", {}, 0))],
        "/0/private/TradesHistory": [answer(of_kraken("trades", first, 80)), answer(of_kraken("trades", second, 80))],
    }
    listing, asked = venue_on_wire("kraken", answers, scenario)
    assert ["ofs=50" in body for body in asked] == [False, True]
    (order,) = listing.orders
    assert (len(order.fills), order.filled, listing.missing) == (80, Decimal("0.008"), ())


def test_of_a_venue_whose_pages_are_not_known_a_full_one_is_named(venue_on_wire, answer):
    def trade(number):
        return {"id": f"{number}", "order_id": "28", "create_time_ms": "1700000000000.1", "side": "buy",
                "role": "taker", "currency_pair": "BTC_USDT", "amount": "0.1", "price": "50000", "fee": "0",
                "fee_currency": "BTC", "text": "t-x"}  # fmt: skip

    async def scenario(venue, wire):
        return await venue.orders_since(1_700_000_000_000_000_000 - 1)

    def missing(count):
        answers = {"/api/v4/spot/my_trades": [answer([trade(n) for n in range(count)])], "": [answer([])]}
        return venue_on_wire("gate", answers, scenario).missing

    assert missing(99) == ()
    assert missing(100) == (f"trades of {SYMBOL}: more than the 100 of the first page, perhaps",)


def test_a_listing_without_an_end_is_read_a_hundred_pages_far(venue_on_wire, answer):
    pages = [
        answer({"retCode": 0, "result": {"list": [trade_of_bybit(n)], "nextPageCursor": f"{n}"}}) for n in range(300)
    ]

    async def scenario(venue, wire):
        listing = await venue.orders_since(time.time_ns() - AN_HOUR_NS)
        return listing, sum("execution" in url for _, url, *_ in wire.sent)

    nothing = answer({"retCode": 0, "result": {"list": []}})
    listing, asked = venue_on_wire("bybit", {"/v5/execution/list": pages, "": [nothing]}, scenario)
    assert asked == 100
    assert listing.missing == (f"trades of {SYMBOL}: more than 100 pages",)


def trade_of_bybit(number):
    return {"symbol": "BTCUSDT", "orderId": "1", "execId": f"{number}", "execPrice": "1", "execQty": "1",
            "execFee": "0", "side": "Buy", "execTime": f"{time.time_ns() // 10**6}"}  # fmt: skip


def fields_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
