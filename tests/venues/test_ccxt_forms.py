"""An answer without the venue's form is no answer: one malformed body for each thing that is asked."""

import time
from decimal import Decimal

import pytest

pytest.importorskip("ccxt")

from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, OrderStatus, Unanswered
from tidegate.emulator import Operation

OUR_ID = "abcd00000000000001"
SYMBOL = "BTC/USDT"


def binance_order(**changed):
    order = {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": OUR_ID, "price": "60000.01", "origQty": "0.01",
             "executedQty": "0.00", "cummulativeQuoteQty": "0.00", "status": "NEW", "timeInForce": "GTC",
             "type": "LIMIT", "side": "BUY", "time": 1700000000000, "updateTime": 1700000000000}  # fmt: skip
    return without_none(order | changed)


def binance_trade(**changed):
    trade = {"symbol": "BTCUSDT", "id": 7, "orderId": 28, "price": "60000.01", "qty": "0.01", "commission": "0.00001",
             "commissionAsset": "BTC", "time": 1700000000001, "isBuyer": True, "isMaker": False}  # fmt: skip
    return without_none(trade | changed)


def bybit_order(**changed):
    order = {"symbol": "BTCUSDT", "orderId": "28", "orderLinkId": OUR_ID, "side": "Buy", "price": "60000.01",
             "qty": "0.01", "cumExecQty": "0", "cumExecValue": "0", "orderStatus": "New", "orderType": "Limit",
             "timeInForce": "GTC", "createdTime": "1700000000000", "updatedTime": "1700000000000"}  # fmt: skip
    return without_none(order | changed)


def bybit_trade(**changed):
    trade = {"symbol": "BTCUSDT", "orderId": "28", "orderLinkId": OUR_ID, "execId": "7", "execPrice": "60000.01",
             "execQty": "0.01", "execFee": "0.00001", "feeCurrency": "BTC", "side": "Buy", "execType": "Trade",
             "execTime": "1700000000001", "isMaker": False}  # fmt: skip
    return without_none(trade | changed)


def without_none(fields):
    return {name: value for name, value in fields.items() if value is not None}


def enveloped(*items, **more):
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(items), "category": "spot", **more}, "time": 1}


NO_SUCH_ORDER = {"code": -2013, "msg": "Order does not exist."}
NOT_AN_ORDER = [
    pytest.param({}, id="an empty object"),
    pytest.param([], id="a list"),
    pytest.param({"code": 0, "msg": "ok"}, id="a code"),
    pytest.param({"message": "welcome"}, id="something else"),
    pytest.param(binance_order(orderId=None), id="an order without an id"),
    pytest.param(binance_order(clientOrderId=None), id="without our id"),
    pytest.param(binance_order(clientOrderId="abcd00000000000002"), id="with another id"),
    pytest.param(binance_order(symbol=None), id="without a symbol"),
    pytest.param(binance_order(side=None), id="without a side"),
    pytest.param(binance_order(origQty=None), id="without an amount"),
    pytest.param(binance_order(origQty="much"), id="of an amount that is none"),
    pytest.param(binance_order(executedQty=None), id="that does not tell what was filled"),
    pytest.param(binance_order(status=None), id="without a status"),
]
NOT_A_LIST = [
    pytest.param({}, id="an empty object"),
    pytest.param([], id="a bare list"),
    pytest.param({"retCode": 0}, id="no result"),
    pytest.param({"retCode": 0, "result": {}}, id="an empty result"),
    pytest.param({"retCode": 0, "result": {"list": None}}, id="no list"),
    pytest.param({"retCode": 0, "result": {"list": {}}}, id="an object for a list"),
    pytest.param({"result": {"list": []}}, id="no code"),
    pytest.param(enveloped("order"), id="an item that is none"),
    pytest.param(enveloped(bybit_order(orderId=None)), id="an order without an id"),
    pytest.param(enveloped(bybit_order(orderLinkId=None)), id="without our id"),
    pytest.param(enveloped(bybit_order(orderLinkId="abcd00000000000002")), id="with another id"),
    pytest.param(enveloped(bybit_order(symbol=None)), id="without a symbol"),
    pytest.param(enveloped(bybit_order(side=None)), id="without a side"),
    pytest.param(enveloped(bybit_order(qty=None)), id="without an amount"),
    pytest.param(enveloped(bybit_order(cumExecQty=None)), id="that does not tell what was filled"),
    pytest.param(enveloped(bybit_order(orderStatus=None)), id="without a status"),
]


async def find(venue, order_request):
    return await venue.find_order(order_request(1))


@pytest.mark.parametrize("body", NOT_AN_ORDER)
def test_a_malformed_answer_to_a_lookup_by_id_is_no_answer(venue_on_wire, answer, order_request, body):
    answers = {"/api/v3/order": [answer(body)], "": [answer([])]}
    found = venue_on_wire("binance", answers, lambda venue, _: find(venue, order_request))
    assert isinstance(found, Unanswered)


@pytest.mark.parametrize("path", ["/api/v3/openOrders", "/api/v3/allOrders"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="an empty object"),
        pytest.param({"code": 0}, id="a code"),
        pytest.param({"orders": []}, id="a list elsewhere"),
        pytest.param(["order"], id="an item that is none"),
        *(pytest.param([binance_order(**{name: None}, clientOrderId="other")], id=f"without {name}")
          for name in ("orderId", "symbol", "side", "origQty", "executedQty", "status")),
    ],
)  # fmt: skip
def test_a_malformed_list_that_is_sifted_is_no_answer(venue_on_wire, answer, order_request, path, body):
    answers = {"/api/v3/order": [answer(NO_SUCH_ORDER)], path: [answer(body)], "": [answer([])]}
    found = venue_on_wire("binance", answers, lambda venue, _: find(venue, order_request))
    assert isinstance(found, Unanswered)


@pytest.mark.parametrize("path", ["/v5/order/realtime", "/v5/order/history"])
@pytest.mark.parametrize("body", NOT_A_LIST)
def test_a_malformed_list_of_bybit_s_is_no_answer(venue_on_wire, answer, order_request, path, body):
    answers = {path: [answer(body)], "": [answer(enveloped())]}
    found = venue_on_wire("bybit", answers, lambda venue, _: find(venue, order_request))
    assert isinstance(found, Unanswered)


@pytest.mark.parametrize(
    ("venue", "answers"),
    [
        pytest.param("binance", {"/api/v3/order": NO_SUCH_ORDER, "": []}, id="binance"),
        pytest.param("bybit", {"": enveloped()}, id="bybit"),
        pytest.param("okx", {"/api/v5/trade/order": {"code": "51603", "data": []}, "": {"code": "0", "data": []}},
                     id="okx"),
        pytest.param("kraken", {"/0/private/OpenOrders": {"error": [], "result": {"open": {}}},
                                "": {"error": [], "result": {"closed": {}, "count": 0}}}, id="kraken"),
    ],
)  # fmt: skip
def test_answers_in_the_venue_s_form_are_answers(venue_on_wire, answer, order_request, venue, answers):
    wire = {path: [answer(body)] for path, body in answers.items()}
    assert isinstance(venue_on_wire(venue, wire, lambda venue, _: find(venue, order_request)), NotFound)


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx", "kraken", "coinbase", "kucoin", "gate", "bitget", "mexc"])
def test_an_empty_object_is_an_answer_nowhere(venue_on_wire, answer, order_request, venue):
    async def scenario(account, wire):
        with pytest.raises(VenueUnavailable):
            await account.balances()
        with pytest.raises(VenueUnavailable):
            await account.orders_since(0)
        return await account.find_order(order_request(1))

    assert isinstance(venue_on_wire(venue, [answer({})], scenario), Unanswered)


@pytest.mark.parametrize(
    ("venue", "path", "order", "trade"),
    [
        pytest.param("binance", "/api/v3/myTrades", binance_order, binance_trade, id="binance"),
        pytest.param("bybit", "/v5/execution/list", bybit_order, bybit_trade, id="bybit"),
    ],
)
@pytest.mark.parametrize(
    "lacking",
    [
        pytest.param(("id", "execId"), id="without an id"),
        pytest.param(("qty", "execQty"), id="without an amount"),
        pytest.param(("price", "execPrice"), id="without a price"),
        pytest.param(("orderId", "orderId"), id="without its order"),
        pytest.param(("commission", "execFee"), id="without a fee"),
        pytest.param(None, id="not a list"),
    ],
)
def test_a_malformed_trade_leaves_the_order_open(
    venue_on_wire, answer, order_request, venue, path, order, trade, lacking
):
    """What cannot be booked must not end the order: it is looked up again."""
    index, enclosed = (0, lambda *items: list(items)) if venue == "binance" else (1, enveloped)
    filled = order(**({"status": "FILLED", "executedQty": "0.01"} if index == 0 else
                      {"orderStatus": "Filled", "cumExecQty": "0.01"}))  # fmt: skip
    spoiled = {"trades": 1} if lacking is None else enclosed(trade(**{lacking[index]: None}))
    whole = enclosed(trade())
    lookup = {"/api/v3/order": [answer(filled)]} if index == 0 else {"": [answer(enclosed(filled))]}

    def found(trades):
        answers = {**lookup, path: [answer(trades)]}
        return venue_on_wire(venue, answers, lambda account, _: find(account, order_request))

    assert (found(spoiled).status, found(spoiled).fills) == (OrderStatus.OPEN, ())
    booked = found(whole)
    assert (type(booked), booked.status, len(booked.fills)) == (Acknowledged, OrderStatus.CLOSED, 1)


@pytest.mark.parametrize(
    ("venue", "body"),
    [
        *(("binance", body) for body in (
            {}, [], {"code": 0}, {"balances": None}, {"balances": {}}, {"balances": [{"free": "1", "locked": "0"}]},
            {"balances": [{"asset": "BTC", "free": "1"}]}, {"balances": [{"asset": "BTC", "locked": "1"}]},
            {"balances": [{"asset": "BTC", "free": "much", "locked": "1"}]},
            {"balances": [{"asset": "BTC", "free": "", "locked": "1"}]}, {"balances": ["BTC"]},
        )),
        *(("bybit", body) for body in (
            {}, [], {"retCode": 0}, {"retCode": 0, "result": {}}, enveloped(), enveloped({"accountType": "UNIFIED"}),
            enveloped({"accountType": "UNIFIED", "coin": None}), {"result": {"list": [{"coin": []}]}},
            enveloped({"accountType": "UNIFIED", "coin": [{"coin": "BTC", "locked": "0"}]}),
            enveloped({"accountType": "UNIFIED", "coin": [{"walletBalance": "1", "locked": "0"}]}),
            enveloped({"accountType": "UNIFIED", "coin": [{"coin": "BTC", "walletBalance": "", "locked": "0"}]}),
        )),
    ],
)  # fmt: skip
def test_malformed_balances_are_not_told(venue_on_wire, answer, venue, body):
    async def scenario(account, _):
        with pytest.raises(VenueUnavailable, match="balances: "):
            return await account.balances()

    venue_on_wire(venue, [answer(body)], scenario)


@pytest.mark.parametrize(
    ("venue", "body"),
    [
        ("binance", {"balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]}),
        (
            "bybit",
            enveloped({"accountType": "UNIFIED", "coin": [{"coin": "BTC", "walletBalance": "2", "locked": "0.5"}]}),
        ),
    ],
)
def test_balances_in_the_venue_s_form_are_read(venue_on_wire, answer, venue, body):
    async def scenario(account, _):
        return await account.balances()

    assert venue_on_wire(venue, [answer(body)], scenario) == {"BTC": Decimal(2)}


@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_a_listing_names_what_it_could_not_read_and_keeps_the_rest(venue_on_wire, answer, venue):
    paths = {"binance": "/api/v3/myTrades", "bybit": "/v5/execution/list"}
    order = [binance_order()] if venue == "binance" else enveloped(bybit_order())

    async def scenario(account, _):
        return await account.orders_since(time.time_ns() - 60_000_000_000)

    listing = venue_on_wire(venue, {paths[venue]: [answer({})], "": [answer(order)]}, scenario)
    assert [order.client_order_id for order in listing.orders] == [OUR_ID]
    assert [words.partition(":")[0] for words in listing.missing] == [f"trades of {SYMBOL}"]


def gate_order(**changed):
    order = {"id": "28", "text": f"t-{OUR_ID}", "create_time_ms": 1700000000000, "update_time_ms": 1700000000000,
             "status": "closed", "currency_pair": "BTC_USDT", "type": "limit", "account": "spot", "side": "buy",
             "amount": "0.01", "price": "60000.01", "left": "0", "filled_total": "600.0001", "fee": "0",
             "fee_currency": "BTC"}  # fmt: skip
    return without_none(order | changed)


@pytest.mark.parametrize("lacking", ["id", "text", "side", "amount", "status"])
def test_where_no_form_is_declared_an_order_still_has_to_be_one(venue_on_wire, answer, order_request, lacking):
    """ccxt's own structure is held to what is concluded from it, on every venue."""

    def found(order):
        answers = {"/api/v4/spot/my_trades": [answer([])], "/api/v4/spot/open_orders": [answer([])],
                   "": [answer(order)]}  # fmt: skip
        return venue_on_wire("gate", answers, lambda venue, _: find(venue, order_request))

    assert isinstance(found(gate_order()), Acknowledged)
    assert isinstance(found(gate_order(**{lacking: None})), Unanswered)


def test_an_order_that_does_not_tell_what_was_filled_is_not_over(venue_on_wire, answer):
    untold = gate_order(left=None, filled_total=None, status="cancelled")

    async def scenario(account, _):
        return await account.orders_since(time.time_ns() - 60_000_000_000)

    answers = {"/api/v4/spot/my_trades": [answer([])], "/api/v4/spot/open_orders": [answer([])],
               "": [answer([untold | {"create_time_ms": time.time_ns() // 10**6}])]}  # fmt: skip
    listing = venue_on_wire("gate", answers, scenario)
    assert [(order.status, order.filled) for order in listing.orders] == [(OrderStatus.OPEN, 0)]
    assert listing.missing == (f"how much of order 28 of {SYMBOL} was filled",)


def test_the_currency_of_a_fee_is_what_the_venue_says(live, order_request):
    async def scenario(venue, exchange):
        exchange.listings.fee_coin = "BNB"
        await venue.create_orders([order_request(1, price=None)])
        return await venue.find_order(order_request(1, price=None))

    (fill,) = live(scenario).fills
    assert (fill.fee, fill.fee_currency) == (Decimal("0.001"), "BNB")


def test_a_trade_in_the_reply_that_lacks_something_is_left_to_be_looked_up(venue_on_wire, answer, order_request):
    """The order is there, whatever is the matter with what the reply says of its trades."""
    reply = binance_order(status="FILLED", executedQty="0.01", fills=[{"price": "60000.01", "qty": "0.01"}])

    async def scenario(account, _):
        (said,) = await account.create_orders([order_request(1)])
        return said

    said = venue_on_wire("binance", [answer(reply)], scenario)
    assert (type(said), said.status, said.fills, said.filled) == (Acknowledged, OrderStatus.OPEN, (), Decimal("0.01"))


@pytest.mark.parametrize(
    ("venue", "body"),
    [
        pytest.param("kraken", {"result": {"open": {}, "closed": {}, "count": 0}}, id="kraken: no list of errors"),
        pytest.param("kucoin", {"data": {"items": []}}, id="kucoin: no code"),
        pytest.param("bitget", {"data": []}, id="bitget: no code"),
    ],
)
def test_an_answer_without_the_sign_of_success_is_none(venue_on_wire, answer, order_request, venue, body):
    found = venue_on_wire(venue, [answer(body)], lambda venue, _: find(venue, order_request))
    assert isinstance(found, Unanswered)


def test_the_trades_of_an_order_that_has_none_are_not_asked_for(live, order_request):
    async def scenario(venue, exchange):
        await venue.create_orders([order_request(1, price="50000")])
        await venue.find_order(order_request(1, price="50000"))
        return exchange.asked[Operation.TRADES]

    assert live(scenario) == 0
