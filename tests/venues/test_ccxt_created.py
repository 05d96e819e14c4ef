"""Our own reading of what an order is answered: it must be ccxt's, wherever it is ours at all."""

from itertools import product

import pytest

pytest.importorskip("ccxt")

from tidegate.venues.ccxt.calls import recorded

ID = "0123456789abcdef01"
READ = ("id", "status", "amount", "filled")
STATUSES = ["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"]
FILL = {"price": "60000.01000000", "qty": "0.00033000", "commission": "0.00000033", "commissionAsset": "BTC"}
FILLS = {
    "no fill": [],
    "one": [{**FILL, "tradeId": 7}],
    "three, not in order, fees in other coins": [
        {**FILL, "tradeId": 12, "qty": "0.00000001", "commission": "0.00000000"},
        {**FILL, "tradeId": 9, "commissionAsset": "BNB", "commission": "0.00001234"},
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


def readings(on_wire, venue, answers, block=None):
    """Of each answer: our reading, None where it is left to ccxt; that of a call which sends an order; and ccxt's."""

    async def scenario(connection, _):
        exchange = connection.exchange
        market, read = exchange.market("BTC/USDT"), connection.quirks.created
        with recorded(ID):
            taken = [attempt(exchange.parse_order, answer, market) for answer in answers]
        ccxts = [attempt(exchange.parse_order, answer, market) for answer in answers]
        return list(zip([read(answer, market, exchange) for answer in answers], taken, ccxts, strict=True))

    return on_wire(venue, [], scenario, block)


def attempt(parse, *what):
    try:
        return parse(*what)
    except Exception as error:
        return repr(error)


PLAIN = [("bybit", "its ids", BYBIT), *(("binance", status, made(status)) for status in STATUSES)]


@pytest.mark.parametrize(("venue", "_", "answers"), PLAIN, ids=[f"{venue}: {what}" for venue, what, _ in PLAIN])
def test_a_plain_answer_is_read_as_ccxt_reads_it(on_wire, venue, _, answers):
    for ours, taken, ccxts in readings(on_wire, venue, answers):
        assert taken == ours is not None
        assert seen(ours) == seen(ccxts)


@pytest.mark.parametrize(("venue", "odd"), [(venue, odd) for venue, odds in ODD.items() for odd in odds])
def test_what_is_not_plain_is_left_to_ccxt(on_wire, venue, odd):
    [(ours, taken, ccxts)] = readings(on_wire, venue, [ODD[venue][odd]])
    assert (ours, taken) == (None, ccxts)


@pytest.mark.parametrize(("venue", "answers"), [("binance", made("FILLED")), ("bybit", BYBIT)])
def test_numbers_of_another_kind_are_left_to_ccxt(on_wire, venue, answers):
    for _, taken, ccxts in readings(on_wire, venue, answers, {"number": str}):
        assert taken == ccxts
        assert "cost" in taken


@pytest.mark.parametrize("price", ["70000", "60000.01", "50000", None], ids=["deep", "at the touch", "open", "market"])
def test_an_order_of_ours_is_not_read_by_ccxt(live, order_request, price):
    async def scenario(venue, _):
        kind = "limit" if price else "market"
        with recorded(ID):
            ours = await venue.exchange.create_order("BTC/USDT", kind, "buy", "0.01", price, {"clientOrderId": ID})
        theirs = await venue.exchange.create_order("BTC/USDT", kind, "buy", "0.01", price)
        return ours, theirs

    ours, theirs = live(scenario)
    assert theirs.keys() - ours.keys() >= {"cost", "average", "remaining"}
    assert ours.keys() == seen(theirs).keys()
