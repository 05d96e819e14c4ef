"""What goes over the wire: the client order id in orders and lookups, the end of a request, one request per order."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("ccxt")

from adapters.ccxt_answers import says_not_found
from adapters.ccxt_calls import recorded
from adapters.ccxt_connection import connect
from adapters.ccxt_lookups import Source
from adapters.ccxt_quirks import VENUES

PROVED = ["binance", "bybit", "okx", "kraken"]
ID = "0123456789abcdef01"
SYMBOL = "BTC/USDT"

TAKEN = {
    "binance": {"orderId": 28, "clientOrderId": ID, "symbol": "BTCUSDT"},
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"orderId": "29", "orderLinkId": ID}},
    "okx": {"code": "0", "data": [{"ordId": "30", "clOrdId": ID, "sCode": "0"}]},
    "kraken": {"error": [], "result": {"txid": ["OABC"]}},
}
NOTHING = {
    ("binance", Source.ORDER): {"code": -2013, "msg": "Order does not exist."},
    ("binance", Source.OPEN): [],
    ("binance", Source.RECENT): [],
    ("bybit", Source.OPEN): {"retCode": 0, "result": {"list": []}},
    ("bybit", Source.CLOSED): {"retCode": 0, "result": {"list": []}},
    ("okx", Source.ORDER): {"code": "51603", "msg": "Order does not exist", "data": []},
    ("okx", Source.OPEN): {"code": "0", "data": []},
    ("kraken", Source.OPEN): {"error": [], "result": {"open": {}}},
    ("kraken", Source.CLOSED): {"error": [], "result": {"closed": {}, "count": 0}},
}
LOOKED_UP_BY = {
    ("binance", Source.ORDER): ("/api/v3/order", "origClientOrderId"),
    ("binance", Source.OPEN): ("/api/v3/openOrders", None),
    ("binance", Source.RECENT): ("/api/v3/allOrders", None),
    ("bybit", Source.OPEN): ("/v5/order/realtime", "orderLinkId"),
    ("bybit", Source.CLOSED): ("/v5/order/history", "orderLinkId"),
    ("okx", Source.ORDER): ("/api/v5/trade/order", "clOrdId"),
    ("okx", Source.OPEN): ("/api/v5/trade/orders-pending", None),
    ("kraken", Source.OPEN): ("/0/private/OpenOrders", "cl_ord_id"),
    ("kraken", Source.CLOSED): ("/0/private/ClosedOrders", "cl_ord_id"),
}
LOOKUPS = [(venue, lookup) for venue in PROVED for lookup in VENUES[venue].lookups]


def fields(sent):
    """The parameters of a request, wherever they stand."""
    _, url, body, _ = sent
    if body.startswith(("{", "[")):
        told = json.loads(body)
        return told[0] if isinstance(told, list) else told
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query or body).items()}


@pytest.mark.parametrize("kind", ["limit", "market"])
@pytest.mark.parametrize("venue", PROVED)
def test_an_order_is_one_request_that_carries_our_id(on_wire, answer, venue, kind):
    async def scenario(connection, wire):
        price = 50000 if kind == "limit" else None
        with recorded() as call:
            await connection.exchange.create_order(SYMBOL, kind, "buy", 0.001, price, dict(connection.order_params(ID)))
        return wire.sent, call.sent

    sent, begun = on_wire(venue, [answer(TAKEN[venue])], scenario)
    assert ([method for method, *_ in sent], begun) == (["POST"], True)
    assert fields(sent[0])[VENUES[venue].id_field] == ID
    assert len(ID) <= VENUES[venue].id_max


@pytest.mark.parametrize(
    ("venue", "unit"), [("binance", None), ("bybit", "baseCoin"), ("okx", "base_ccy"), ("kraken", None)]
)
def test_a_market_order_to_buy_is_of_an_amount_not_of_money(on_wire, answer, venue, unit):
    async def scenario(connection, wire):
        await connection.exchange.create_order(SYMBOL, "market", "buy", 0.001, None, dict(connection.order_params(ID)))
        return fields(wire.sent[0])

    told = on_wire(venue, [answer(TAKEN[venue])], scenario)
    amount = told.get("quantity") or told.get("qty") or told.get("sz") or told.get("volume")
    assert (amount, told.get("marketUnit") or told.get("tgtCcy")) == ("0.001", unit)
    assert "quoteOrderQty" not in told


@pytest.mark.parametrize(("venue", "lookup"), LOOKUPS, ids=[f"{venue}: {lookup.source}" for venue, lookup in LOOKUPS])
def test_a_lookup_asks_for_our_id_as_declared(on_wire, answer, venue, lookup):
    async def scenario(connection, wire):
        call = lookup.call(connection.quirks.venue_id(ID), SYMBOL, since_ms=1_700_000_000_000)
        try:
            found = await getattr(connection.exchange, call.method)(*call.arguments, params=dict(call.params))
        except Exception as error:
            found = [] if says_not_found(error, connection.quirks) else error
        return found, wire.sent

    found, sent = on_wire(venue, [answer(NOTHING[venue, lookup.source])], scenario)
    path, name = LOOKED_UP_BY[venue, lookup.source]
    told = fields(sent[0])
    assert (found, len(sent), urlsplit(sent[0][1]).path) == ([], 1, path)
    if name is not None:
        assert told[name] == ID
    assert "None" not in told.values()


def test_orders_that_are_sifted_here_are_asked_for_since_the_send(on_wire, answer):
    (recent,) = [lookup for lookup in VENUES["binance"].lookups if lookup.source is Source.RECENT]
    assert recent.call(ID, SYMBOL, 1_700_000_000_000).arguments == (SYMBOL, 1_700_000_000_000)


@pytest.mark.parametrize(
    ("venue", "where"),
    [
        pytest.param("binance", lambda sent: int(fields(sent)["recvWindow"]), id="binance: for so long"),
        pytest.param("bybit", lambda sent: int(sent[3]["X-BAPI-RECV-WINDOW"]), id="bybit: for so long, in a header"),
        pytest.param("okx", lambda sent: sent[3]["expTime"], id="okx: until a moment, in a header"),
        pytest.param("kraken", lambda sent: fields(sent)["deadline"], id="kraken: until a moment"),
    ],
)
def test_an_order_says_how_long_it_is_good(on_wire, answer, venue, where):
    async def scenario(connection, wire):
        connection.exchange.options["timeDifference"] = 0
        connection.exchange.milliseconds = lambda: 1_700_000_000_000
        await connection.exchange.create_order(SYMBOL, "limit", "buy", 1, 5, dict(connection.order_params(ID)))
        return where(wire.sent[0]), connection.fence_ms

    told, window_ms = on_wire(venue, [answer(TAKEN[venue])], scenario)
    until = {"okx": "1700000010000", "kraken": "2023-11-14T22:13:30.000Z"}
    assert told == until.get(venue, window_ms)


@pytest.mark.parametrize("venue", ["okx"])
def test_reads_carry_no_end(on_wire, answer, venue):
    async def scenario(connection, wire):
        await connection.exchange.fetch_open_orders(SYMBOL)
        return wire.sent

    ((method, _, _, headers),) = on_wire(venue, [answer({"code": "0", "data": []})], scenario)
    assert (method, "expTime" in headers) == ("GET", False)


def test_a_user_s_own_window_is_the_fence():
    connection = connect("binance", {"options": {"recvWindow": 7000}}, {}, trader="a")
    assert connection.fence_ms == 7000


def test_gate_s_prefix_is_taken_off_again():
    gate = VENUES["gate"]
    assert (gate.venue_id(ID), gate.client_order_id(f"t-{ID}"), gate.client_order_id(None)) == (f"t-{ID}", ID, None)
