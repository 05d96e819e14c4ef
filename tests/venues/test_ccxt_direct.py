"""Orders past ccxt's `create_order`: what is sent and what is read must be what ccxt sends and reads."""

import json
from decimal import Decimal
from itertools import product
from urllib.parse import parse_qsl

import pytest

pytest.importorskip("ccxt")

from tests.builders import order
from tidegate.domain.market import MarketRules
from tidegate.domain.signal import Side
from tidegate.venues.ccxt.direct import OrderCreator
from tidegate.venues.ccxt.parsing import rules_of
from tidegate.venues.ccxt.quirks import VENUES

SYMBOL = "BTC/USDT"
ID = "0123456789abcdef01"
READ = ("id", "status", "amount", "filled")
STATUSES = ["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"]
FILL = {"price": "60000.01000000", "qty": "0.00033000", "commission": "0.00000033", "commissionAsset": "BTC"}
FILLS = {
    "no fill": [],
    "one": [{**FILL, "tradeId": 7}],
    "three, not in order, fees in other coins": [
        {**FILL, "tradeId": 9, "qty": "0.00000001", "commission": "0.00000000"},
        {**FILL, "tradeId": 12, "commissionAsset": "BNB", "commission": "0.00001234"},
        {**FILL, "tradeId": 10, "price": "0.00000012", "commissionAsset": "BCC"},
    ],
    "one of an order that was routed": [{**FILL, "tradeId": 7, "matchType": "ONE_PARTY_TRADE_REPORT", "allocId": 0}],
}
FULL = {
    "symbol": "BTCUSDT",
    "orderId": 5403233939,
    "orderListId": -1,
    "clientOrderId": ID,
    "transactTime": 1617151923742,
    "price": "60000.01000000",
    "origQty": "0.00099000",
    "executedQty": "0.00033000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "19.80000330",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "workingTime": 1617151923742,
    "fills": FILLS["one"],
    "selfTradePreventionMode": "EXPIRE_MAKER",
}
AMOUNTS = [("0.00099000", "0.00000000"), ("0.00000001", "0.00000001"), ("123456789.12345678", "3"), ("1", "2.5")]
KINDS = [{}, {"type": "MARKET", "side": "SELL", "price": "0.00000000", "timeInForce": "IOC"}]


def made(status):
    """Answers of Binance with this status: with every amount, filled or not, and every list of fills."""
    return [
        {**FULL, "status": status, "origQty": amount, "executedQty": filled, "fills": fills, **kind}
        for (amount, filled), fills, kind in product(AMOUNTS, FILLS.values(), KINDS)
    ]


def without(*names, of=FULL):
    return {name: value for name, value in of.items() if name not in names}


BINANCE_ODD = {
    **{f"without {name}": without(name) for name in ("symbol", "orderId", "origQty", "executedQty", "status", "fills")},
    **{f"a fill without {name}": {**FULL, "fills": [without(name, of=FILLS["one"][0])]} for name in FILLS["one"][0]},
    "another symbol": {**FULL, "symbol": "ETHUSDT"},
    "an error as well": {**FULL, "code": -1},
    "an id in words": {**FULL, "orderId": "28"},
    "an id that is true": {**FULL, "orderId": True},
    "no id": {**FULL, "orderId": None},
    "an amount that is a number": {**FULL, "origQty": 0.00099},
    "an amount in powers": {**FULL, "origQty": "9.9e-4"},
    "an amount that is none": {**FULL, "origQty": "nan"},
    "an amount below zero": {**FULL, "executedQty": "-1"},
    "nothing asked for": {**FULL, "origQty": "0.00000000"},
    "an unknown status": {**FULL, "status": "PENDING_NEW"},
    "a status that is a list": {**FULL, "status": ["NEW"]},
    "fills that are no list": {**FULL, "fills": {}},
    "a fill that is none": {**FULL, "fills": [None]},
    "a fill with its own symbol": {**FULL, "fills": [{**FILLS["one"][0], "symbol": "ETHUSDT"}]},
    "a fill with another amount": {**FULL, "fills": [{**FILLS["one"][0], "quantity": "3"}]},
    "an algorithm": {**FULL, "algoId": 3},
}
BYBIT = [{"orderId": "1321003749386327552", "orderLinkId": ID}, {"orderId": "29"}]
BYBIT_ODD = {
    "no id": {"orderLinkId": ID},
    "an empty id": {"orderId": "", "orderLinkId": ID},
    "an id that is a number": {"orderId": 29},
    "a code": {"orderId": "29", "code": "10001"},
    "a status": {"orderId": "29", "orderStatus": "Filled"},
}
ODD = {"binance": BINANCE_ODD, "bybit": BYBIT_ODD}


def seen(order):
    """What is read of an order further on."""
    trades = [
        {
            **{name: trade.get(name) for name in ("id", "amount", "price", "timestamp", "order", "symbol", "info")},
            "fee": {name: trade["fee"][name] for name in ("cost", "currency")},
        }
        for trade in order["trades"]
    ]
    return {**{name: order[name] for name in READ}, "trades": trades, "info": order["info"]}


def readings(on_wire, venue, answers):
    """Of each answer: our reading, None where it is left to ccxt, and ccxt's."""

    async def scenario(connection, _):
        exchange = connection.exchange
        market, read = exchange.market(SYMBOL), connection.direct.read
        return [(read(answer, market, exchange), attempt(exchange.parse_order, answer, market)) for answer in answers]

    return on_wire(venue, [], scenario)


def attempt(parse, *what):
    try:
        return parse(*what)
    except Exception as error:
        return repr(error)


PLAIN = [("bybit", "its ids", BYBIT), *(("binance", status, made(status)) for status in STATUSES)]


@pytest.mark.parametrize(("venue", "_", "answers"), PLAIN, ids=[f"{venue}: {what}" for venue, what, _ in PLAIN])
def test_a_plain_answer_is_read_as_ccxt_reads_it(on_wire, venue, _, answers):
    for ours, ccxts in readings(on_wire, venue, answers):
        assert ours is not None
        assert seen(ours) == seen(ccxts)


ODDS = [
    pytest.param(venue, answer, id=f"{venue}: {odd}") for venue, odds in ODD.items() for odd, answer in odds.items()
]


@pytest.mark.parametrize(("venue", "odd"), ODDS)
def test_what_is_not_plain_is_not_read(on_wire, venue, odd):
    [(ours, _)] = readings(on_wire, venue, [odd])
    assert ours is None


@pytest.mark.parametrize(("venue", "odd"), ODDS)
def test_what_is_not_plain_is_left_to_ccxt(on_wire, answer, order_request, venue, odd):
    """What is made of the whole reply, by us and by `create_order`: an order, or an error."""
    reply = answer(odd if venue == "binance" else {"retCode": 0, "retMsg": "OK", "result": odd})

    async def scenario(connection, _):
        return [await made_of(create, order_request(1)) for create in creators(connection)]

    ours, ccxts = on_wire(venue, [reply], scenario)
    assert ours == ccxts


async def made_of(create, request):
    try:
        return await create(request, {"clientOrderId": request.client_order_id})
    except Exception as error:
        return repr(error)


def creators(connection, rules=None):
    """Ours, and ccxt's."""
    exchange = connection.exchange

    def rules_of_symbol(symbol):
        return rules or rules_of(exchange.market(symbol), exchange.precisionMode)

    return [OrderCreator(exchange, direct, rules_of_symbol).create for direct in (connection.direct, None)]


ORDERS = {
    f"{side} {amount} at {price or 'the market'}": (side, amount, price)
    for side in Side
    if side
    for amount in ("0.01", "0.00099", "1.50000000", "100", "12345.67891")
    for price in ("60000.01", "60000", "100.10", "0.01", None)
}


def sent(wire):
    """The path, the headers and the parameters of what was sent, but for what differs with the time."""
    (_, url, body, headers), wire.sent = wire.sent[-1], []
    query = json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
    for name in ("timestamp", "signature"):
        query.pop(name, None)
    timeless = {name: value for name, value in headers.items() if "TIMESTAMP" not in name and "SIGN" not in name}
    return url, query, timeless


@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_what_is_sent_is_what_ccxt_sends(on_wire, answer, venue):
    async def scenario(connection, wire):
        both = []
        for number, (side, amount, price) in enumerate(ORDERS.values(), 1):
            request = order(side, amount, price, f"abcd{number:014x}", symbol=SYMBOL, trader="main", reserved="0")
            for create in creators(connection):
                await made_of(create, request)
                both.append(sent(wire))
        return list(zip(both[::2], both[1::2], strict=True))

    for ours, ccxts in on_wire(venue, [answer("{}")], scenario):
        assert ours == ccxts


def test_an_order_that_does_not_fit_is_left_to_ccxt(on_wire, answer, order_request):
    """A price that its market does not take is rounded by ccxt."""

    async def scenario(connection, wire):
        rules = MarketRules(SYMBOL, tick=Decimal("0.02"), lot=Decimal("0.00001"), min_notional=Decimal(0))
        for create in creators(connection, rules):
            await made_of(create, order_request(1, price="60000.01"))
        return [method for method, *_ in wire.sent]

    async def calls(connection, wire):
        called = []
        create_order = connection.exchange.create_order
        connection.exchange.create_order = lambda *what: called.append(what) or create_order(*what)
        await scenario(connection, wire)
        return called

    assert len(on_wire("binance", [answer(FULL)], calls)) == 2


@pytest.mark.parametrize(
    "block",
    [
        {"options": {"createOrder": {"timeInForce": "IOC"}}},
        {"options": {"defaultMarginMode": "cross"}},
        {"number": str},
    ],
    ids=["an option of orders", "an option of margin", "numbers of another kind"],
)
def test_settings_that_may_change_an_order_leave_it_to_ccxt(on_wire, block):
    async def scenario(connection, _):
        return connection.direct

    assert on_wire("binance", [], scenario) is VENUES["binance"].direct is not None
    assert on_wire("binance", [], scenario, block) is None


@pytest.mark.parametrize("price", ["70000", "60000.01", "50000", None], ids=["deep", "at the touch", "open", "market"])
def test_an_order_on_the_local_exchange_is_read_without_ccxt(live, order_request, price):
    async def scenario(venue, _):
        ours, ccxts = creators(venue._connection)
        return [
            await create(order_request(number, price=price), {"clientOrderId": f"abcd{number:014x}"})
            for number, create in enumerate((ours, ccxts), 1)
        ], venue.exchange.id

    (ours, ccxts), venue = live(scenario)
    assert "cost" in ccxts
    assert ("cost" in ours) is (venue == "bybit" and price is None)


PARAMS = [
    {"symbol": "BTCUSDT", "price": "60000.01", "recvWindow": 10000, "newClientOrderId": "abcd-1_2~3.4"},
    {"one": 1},
    {"empty": ""},
    {"sum": "a=b", "and": "c&d", "space": "e f", "plus": "g+h", "slash": "i/j", "accent": "é", "percent": "50%"},
    {"=": "", "&": "x"},
    {"a=": "b"},
    {"both": True, "neither": False},
    {"none": None, "float": 0.1, "list": ["a", "b"], "bytes": b"a"},
    {},
]


@pytest.mark.parametrize("params", PARAMS, ids=map(str, PARAMS))
def test_a_query_is_written_as_ccxt_writes_it(on_wire, params):
    async def scenario(connection, _):
        exchange = connection.exchange
        ours, ccxts = exchange.urlencode, type(exchange).urlencode
        return [(write(params), write(params, True), write(params, doseq=True)) for write in (ours, ccxts)]

    ours, ccxts = on_wire("binance", [], scenario)
    assert ours == ccxts
