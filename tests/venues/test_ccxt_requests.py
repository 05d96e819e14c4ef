"""What goes over the wire: the client order id in orders and lookups, the end of a request, one request per order."""

import asyncio
import dataclasses
import inspect
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

pytest.importorskip("ccxt")

import aiohttp
import ccxt.async_support as ccxt

from tidegate.assembly.real import RealVenues
from tidegate.clock import Clock
from tidegate.domain.errors import SettingsError
from tidegate.domain.order import NotFound
from tidegate.settings import load_settings
from tidegate.venues.ccxt.calls import recorded, watch
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.finding import OrderFinder
from tidegate.venues.ccxt.lookups import LookupSource
from tidegate.venues.ccxt.quirks import ORDERS_BY_GET, VENUES

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
    ("binance", LookupSource.ORDER): {"code": -2013, "msg": "Order does not exist."},
    ("binance", LookupSource.OPEN): [],
    ("binance", LookupSource.RECENT): [],
    ("bybit", LookupSource.OPEN): {"retCode": 0, "result": {"list": []}},
    ("bybit", LookupSource.CLOSED): {"retCode": 0, "result": {"list": []}},
    ("okx", LookupSource.ORDER): {"code": "51603", "msg": "Order does not exist", "data": []},
    ("okx", LookupSource.OPEN): {"code": "0", "data": []},
    ("kraken", LookupSource.OPEN): {"error": [], "result": {"open": {}}},
    ("kraken", LookupSource.CLOSED): {"error": [], "result": {"closed": {}, "count": 0}},
}
LOOKED_UP_BY = {
    ("binance", LookupSource.ORDER): ("/api/v3/order", "origClientOrderId"),
    ("binance", LookupSource.OPEN): ("/api/v3/openOrders", None),
    ("binance", LookupSource.RECENT): ("/api/v3/allOrders", None),
    ("bybit", LookupSource.OPEN): ("/v5/order/realtime", "orderLinkId"),
    ("bybit", LookupSource.CLOSED): ("/v5/order/history", "orderLinkId"),
    ("okx", LookupSource.ORDER): ("/api/v5/trade/order", "clOrdId"),
    ("okx", LookupSource.OPEN): ("/api/v5/trade/orders-pending", None),
    ("kraken", LookupSource.OPEN): ("/0/private/OpenOrders", "cl_ord_id"),
    ("kraken", LookupSource.CLOSED): ("/0/private/ClosedOrders", "cl_ord_id"),
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
        with recorded(ID) as call:
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
def test_a_lookup_asks_for_our_id_as_declared(on_wire, answer, order_request, venue, lookup):
    async def scenario(connection, wire):
        only = dataclasses.replace(connection, quirks=msgspec.structs.replace(connection.quirks, lookups=(lookup,)))
        finder = OrderFinder(only, clock=asyncio.get_running_loop().clock())
        return await finder.find(msgspec.structs.replace(order_request(), client_order_id=ID)), wire.sent

    found, sent = on_wire(venue, [answer(NOTHING[venue, lookup.source])], scenario)
    path, name = LOOKED_UP_BY[venue, lookup.source]
    told = fields(sent[0])
    assert (type(found), len(sent), urlsplit(sent[0][1]).path) == (NotFound, 1, path)
    if name is not None:
        assert told[name] == ID
    assert "None" not in told.values()


@pytest.mark.parametrize(("venue", "hours"), [("binance", 1), ("coinbase", 24)])
def test_orders_that_are_sifted_here_are_asked_for_since_before_the_send(venue, hours):
    (recent,) = [lookup for lookup in VENUES[venue].lookups if lookup.source is LookupSource.RECENT]
    assert recent.sifted_since_s == 3600 * hours


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


def ordering_by_get():
    """The exchanges whose `create_order` has ccxt call something that is named as a GET."""
    for name in ccxt.exchanges:
        source = Path(inspect.getfile(getattr(ccxt, name))).read_text()
        create = re.search(r"async def create_order\(.*?\n    (?:async )?def ", source, re.DOTALL)
        if create and re.search(r"await self\.\w+Get[A-Z]\w*\(self\.extend|await self\.\w+GetBroadcast", create[0]):
            yield name


def test_the_exchanges_to_which_ccxt_sends_orders_by_get_are_known():
    assert set(ordering_by_get()) == ORDERS_BY_GET


ASKED_BEFORE = ("https://api.example/account?side=x", "GET", None, None)
AN_ORDER_BY_GET = (f"https://api.example/private/buy?label={ID}", "GET", None, None)
AN_ORDER = ("https://api.example/order", "POST", None, f'{{"id":"{ID}"}}')


@pytest.mark.parametrize(
    ("requests", "gets_only_read", "sent"),
    [
        pytest.param([], True, False, id="nothing was asked"),
        pytest.param([ASKED_BEFORE], True, False, id="something is read before, where orders are posted"),
        pytest.param([ASKED_BEFORE], False, True, id="any request may be the order, where nobody knows"),
        pytest.param([AN_ORDER], True, True, id="an order is posted"),
        pytest.param([ASKED_BEFORE, AN_ORDER, ASKED_BEFORE], True, True, id="and stays sent, whatever is read after"),
    ],
)
def test_what_was_sent_is_what_left(requests, gets_only_read, sent):
    exchange = Stub()
    watch(exchange, gets_only_read=gets_only_read)

    async def main():
        with recorded(ID) as call:
            for request in requests:
                await exchange.fetch(*request)
        return call.sent

    assert asyncio.run(main()) is sent


@pytest.mark.parametrize("gets_only_read", [True, False])
def test_an_order_that_is_about_to_leave_by_get_does_not(gets_only_read):
    """aiohttp sends a GET again when the connection drops, and the venue would have two orders."""
    exchange = Stub()
    watch(exchange, gets_only_read=gets_only_read)

    async def main():
        with recorded(ID) as call:
            try:
                await exchange.fetch(*AN_ORDER_BY_GET)
            except ccxt.NotSupported as error:
                return call.sent, str(error), exchange.fetched

    sent, words, fetched = asyncio.run(main())
    assert (sent, fetched) == (False, [])
    assert "sends orders by GET" in words


def test_a_lookup_by_get_carries_the_id_and_is_no_order():
    exchange = Stub()
    watch(exchange)

    async def main():
        with recorded() as call:
            await exchange.fetch(*AN_ORDER_BY_GET)
        return call.sent

    assert asyncio.run(main()) is False


def test_the_transport_repeats_a_get_that_was_not_answered():
    """Why an order must not go by GET: this is what aiohttp does, on a connection that is new as well."""

    async def main():
        seen = []

        async def hang_up(reader, writer):
            seen.append(await reader.readline())
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        address = "http://{}:{}".format(*server.sockets[0].getsockname())
        async with aiohttp.ClientSession() as session:
            for method in (session.get, session.post):
                with pytest.raises(aiohttp.ServerDisconnectedError):
                    await method(address)
        server.close()
        return [line.split()[0] for line in seen]

    assert asyncio.run(main()) == [b"GET", b"GET", b"POST"]


@pytest.mark.parametrize("exchange", sorted(ORDERS_BY_GET))
def test_live_trading_is_refused_where_orders_go_by_get(exchange, tmp_path):
    settings = load_settings(
        environ={"TIDEGATE_ALLOW_LIVE": "1"},
        overrides={
            "mode": "live",
            "symbols": '["BTC/USDT"]',
            "traders": json.dumps([{"id": "a", "exchange": exchange}]),
        },
    )

    async def main():
        real = RealVenues(settings, Clock.live(asyncio.get_running_loop()), environ={}, dotenv=tmp_path / "none")
        await real.open()

    with pytest.raises(SettingsError, match=rf"traders.a.exchange: {exchange} cannot be used .* orders by GET"):
        asyncio.run(main())


class Stub:
    """As much of an exchange as is watched."""

    id = "stub"

    def __init__(self):
        self.fetched = []

    async def fetch(self, *request):
        self.fetched.append(request)
        return {}

    def milliseconds(self):
        return 0
