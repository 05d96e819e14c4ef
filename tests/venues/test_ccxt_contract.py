"""What each fault becomes: the class that ccxt makes of it, and what we take it for. ccxt's own code reads it.

A new release of ccxt that changes a class fails here. docs/venues.md shows the same tables.
"""

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

pytest.importorskip("ccxt")

import aiohttp
from aiohttp.client_reqrep import ConnectionKey

from tests.builders import order
from tidegate.domain.reasons import Reason
from tidegate.emulator.connecting import DialectName
from tidegate.venues.ccxt.answers import OrderTaken, Reading, read_failure, read_reply
from tidegate.venues.ccxt.calls import recorded
from tidegate.venues.ccxt.direct import OrderCreator
from tidegate.venues.ccxt.meaning import BY_CLASS, Meaning
from tidegate.venues.ccxt.paging import Onward
from tidegate.venues.ccxt.parsing import rules_of
from tidegate.venues.ccxt.quirks import VENUES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "venues.md").read_text()
PROVED = ["binance", "bybit", "okx", "kraken"]
ID = "0123456789abcdef01"

NEVER_SENT, REJECTED, EXISTS = Meaning.NEVER_SENT, Meaning.REJECTED, Meaning.EXISTS
FOR_NOW, UNKNOWN = Meaning.REJECTED_FOR_NOW, Meaning.UNKNOWN
BLOCKED, CLOSED, BANNED = Reason.ACCOUNT_BLOCKED, Reason.MARKET_CLOSED, Reason.BANNED
CLOCK, MAINTENANCE = Reason.CLOCK_SKEW, Reason.MAINTENANCE
RETURNS = "nothing"
USUALLY = {
    NEVER_SENT: Reason.NEVER_SENT,
    REJECTED: Reason.REJECTED,
    FOR_NOW: Reason.REJECTED_FOR_NOW,
    EXISTS: Reason.NO_ANSWER,
    UNKNOWN: Reason.NO_ANSWER,
}


@dataclass(frozen=True)
class Row:
    """A fault, the class it becomes, and what we take it for; in `on`, where it is otherwise on a venue."""

    what: str
    answer: dict
    raised: str
    meaning: Meaning = UNKNOWN
    reason: Reason | None = None
    on: dict = field(default_factory=dict)

    def then(self, venue):
        raised, meaning = self.on.get(venue, (self.raised, self.meaning))
        return raised, meaning, self.reason or USUALLY[meaning]


def _there(error):
    key = ConnectionKey("venue.example", 443, True, True, None, None, None)
    return {"error": error(key, OSError(111, "no"))}


def _page(status, raised, *rest, **on):
    return Row(f"{status}, a page", {"status": status, "body": "<html>sorry</html>"}, raised, *rest, on=on)


LINE = [
    Row("connection refused", _there(aiohttp.ClientConnectorError), "ExchangeNotAvailable", NEVER_SENT),
    Row("no such host", _there(aiohttp.ClientConnectorDNSError), "ExchangeNotAvailable", NEVER_SENT),
    Row("the resolver fails", {"error": socket.gaierror(-3, "no")}, "ExchangeNotAvailable", NEVER_SENT),
    Row("the proxy is not there", _there(aiohttp.ClientProxyConnectionError), "ExchangeNotAvailable", NEVER_SENT),
    Row("no TLS", _there(aiohttp.ClientConnectorSSLError), "ExchangeNotAvailable", NEVER_SENT),
    Row("no connection in time", {"error": aiohttp.ConnectionTimeoutError()}, "RequestTimeout", NEVER_SENT),
    Row("no answer in time", {"error": aiohttp.SocketTimeoutError()}, "RequestTimeout"),
    Row("all the time used up", {"error": TimeoutError()}, "RequestTimeout"),
    Row("closed before the answer", {"error": aiohttp.ServerDisconnectedError()}, "ExchangeNotAvailable"),
    Row("connection reset", {"error": aiohttp.ClientOSError(104, "reset")}, "ExchangeNotAvailable"),
    Row("answer cut short", {"error": aiohttp.ClientPayloadError(), "while_reading": True}, "ExchangeError"),
    Row("canceled by ourselves", {"error": asyncio.CancelledError()}, "CancelledError"),
    Row("200, empty", {"body": ""}, "BadResponse"),
    Row("200, a page", {"body": "<html>hello</html>"}, "BadResponse"),
    Row("200, null", {"body": "null"}, "BadResponse"),
    Row(
        "200, an empty object",
        {"body": "{}"},
        RETURNS,
        on={"bybit": ("ExchangeError", UNKNOWN), "okx": ("ExchangeError", UNKNOWN)},
    ),
    _page(400, "ExchangeNotAvailable"),
    _page(401, "AuthenticationError"),
    _page(403, "ExchangeNotAvailable", binance=("ExchangeNotAvailable", FOR_NOW), bybit=("RateLimitExceeded", FOR_NOW)),
    _page(404, "ExchangeNotAvailable"),
    _page(408, "RequestTimeout"),
    _page(418, "DDoSProtection", FOR_NOW, BANNED),
    _page(
        429,
        "RateLimitExceeded",
        FOR_NOW,
        binance=("DDoSProtection", FOR_NOW),
        okx=("ExchangeNotAvailable", FOR_NOW),
    ),
    _page(500, "ExchangeNotAvailable"),
    _page(502, "ExchangeNotAvailable"),
    _page(503, "ExchangeNotAvailable"),
    _page(504, "RequestTimeout"),
    _page(520, "ExchangeNotAvailable"),
]


def _binance(code, msg, raised, *rest, status=400):
    return Row(f"{status} {code} {msg}", {"status": status, "body": {"code": code, "msg": msg}}, raised, *rest)


def _bybit(code, msg, raised, *rest):
    body = {"retCode": code, "retMsg": msg, "result": {}, "retExtInfo": {}, "time": 1700000000000}
    return Row(f"{code} {msg}", {"body": body}, raised, *rest)


def _okx(code, msg, raised, *rest, status=200):
    body = {"code": str(code), "msg": msg, "data": []}
    return Row(f"{status} {code} {msg}", {"status": status, "body": body}, raised, *rest)


def _okx_order(code, msg, raised, *rest, outer="1"):
    item = {"sCode": str(code), "sMsg": msg, "ordId": "", "clOrdId": ID, "tag": ""}
    what = f"{code} {msg}" + (f", in a code {outer}" if outer != "1" else "")
    return Row(what, {"body": {"code": outer, "msg": "", "data": [item]}}, raised, *rest)


def _kraken(error, raised, *rest):
    return Row(error, {"body": {"error": [error]}}, raised, *rest)


SAID = {
    "binance": [
        _binance(-1000, "System abnormality", "OperationFailed"),
        _binance(-1001, "Internal error; unable to process your request.", "OperationFailed"),
        _binance(-1006, "Execution status unknown.", "OperationFailed"),
        _binance(-1007, "Timeout waiting for response from backend server.", "RequestTimeout"),
        _binance(-1008, "Server is currently overloaded with other requests.", "OperationFailed"),
        _binance(-9999, "Not known yet.", "ExchangeError"),
        _binance(-1121, "Invalid symbol.", "BadSymbol", status=503),
        _binance(-1003, "Too much request weight used.", "DDoSProtection", FOR_NOW, status=429),
        _binance(-1003, "IP banned until 1700000060000.", "DDoSProtection", FOR_NOW, BANNED, status=418),
        _binance(-1015, "Too many new orders.", "RateLimitExceeded", FOR_NOW),
        _binance(-1021, "Timestamp for this request is outside of the recvWindow.", "InvalidNonce", FOR_NOW, CLOCK),
        _binance(1, "System is under maintenance.", "OnMaintenance", FOR_NOW, MAINTENANCE),
        _binance(-1013, "Filter failure: LOT_SIZE", "InvalidOrder", REJECTED),
        _binance(-1013, "Filter failure: NOTIONAL", "BadRequest", REJECTED),
        _binance(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "InvalidOrder", REJECTED),
        _binance(-1013, "Market is closed.", "MarketClosed", REJECTED, CLOSED),
        _binance(-1022, "Signature for this request is not valid.", "AuthenticationError", REJECTED, BLOCKED),
        _binance(-1121, "Invalid symbol.", "BadSymbol", REJECTED),
        _binance(-2010, "Account has insufficient balance for requested action.", "InsufficientFunds", REJECTED),
        _binance(-2010, "Order would immediately match and take.", "OrderImmediatelyFillable", REJECTED),
        _binance(-2010, "This account may not place or cancel orders.", "PermissionDenied", REJECTED, BLOCKED),
        _binance(-2010, "This symbol is not permitted for this account.", "InvalidOrder", REJECTED),
        _binance(-2015, "Invalid API-key, IP, or permissions for action.", "AuthenticationError", REJECTED, BLOCKED),
        _binance(-2010, "Duplicate order sent.", "InvalidOrder", EXISTS),
        _binance(-4116, "ClientOrderId is duplicated.", "ExchangeError", EXISTS),
    ],
    "bybit": [
        _bybit(10000, "Server Timeout", "ExchangeError"),
        _bybit(10014, "Invalid duplicate request", "BadRequest"),
        _bybit(10016, "Server error", "ExchangeError"),
        _bybit(170001, "Internal error.", "ExchangeError"),
        _bybit(170007, "Timeout waiting for response from backend server.", "RequestTimeout"),
        _bybit(170032, "Network error. Please try again later", "ExchangeError"),
        _bybit(170035, "Submitted to the system for processing!", "BadRequest"),
        _bybit(170146, "Order creation timeout", "InvalidOrder"),
        _bybit(170149, "Create order failed", "ExchangeError"),
        _bybit(999999, "Not known yet", "ExchangeError"),
        _bybit(0, "OK, and no order", RETURNS),
        _bybit(10002, "The request time exceeds the time window range", "InvalidNonce", FOR_NOW, CLOCK),
        _bybit(10006, "Too many visits. Exceeded the API Rate Limit.", "RateLimitExceeded", FOR_NOW),
        _bybit(10009, "IP has been banned.", "AuthenticationError", FOR_NOW, BANNED),
        _bybit(10018, "Exceeded the IP Rate Limit.", "RateLimitExceeded", FOR_NOW),
        _bybit(170005, "Too many new orders", "InvalidOrder", FOR_NOW),
        _bybit(10003, "API key is invalid.", "AuthenticationError", REJECTED, BLOCKED),
        _bybit(10004, "Error sign", "AuthenticationError", REJECTED, BLOCKED),
        _bybit(10005, "Permission denied", "PermissionDenied", REJECTED, BLOCKED),
        _bybit(10008, "User had been banned", "AccountSuspended", REJECTED, BLOCKED),
        _bybit(10010, "Unmatched IP", "PermissionDenied", REJECTED, BLOCKED),
        _bybit(10029, "The requested symbol is invalid", "PermissionDenied", REJECTED),
        _bybit(170131, "Insufficient balance.", "InsufficientFunds", REJECTED),
        _bybit(170136, "Order quantity exceeded lower limit.", "InvalidOrder", REJECTED),
        _bybit(170209, "This trading pair is only available to other regions", "RestrictedLocation", REJECTED),
        _bybit(110072, "OrderLinkedID is duplicate", "InvalidOrder", EXISTS),
        _bybit(170141, "Duplicate clientOrderId", "InvalidOrder", EXISTS),
    ],
    "okx": [
        _okx(50004, "Endpoint request timeout", "RequestTimeout"),
        _okx(50013, "System is busy", "ExchangeNotAvailable"),
        _okx(50026, "System error", "ExchangeNotAvailable"),
        _okx_order(51149, "Order timed out", "ExchangeError"),
        _okx_order(59999, "Not known yet", "ExchangeError"),
        _okx_order(59999, "Not known yet", RETURNS, outer="2"),
        _okx(0, "and no order", RETURNS),
        _okx(50001, "Service temporarily unavailable", "OnMaintenance", FOR_NOW, MAINTENANCE, status=503),
        _okx(50011, "Too Many Requests", "RateLimitExceeded", FOR_NOW, status=429),
        _okx(50102, "Timestamp request expired", "InvalidNonce", FOR_NOW, CLOCK, status=401),
        _okx_order(50061, "Order rate limit of this account", "ExchangeError", FOR_NOW),
        _okx(50110, "Your IP is not on the whitelist", "PermissionDenied", REJECTED, BLOCKED, status=401),
        _okx(50111, "Invalid OK-ACCESS-KEY", "AuthenticationError", REJECTED, BLOCKED, status=401),
        _okx(50113, "Invalid Sign", "AuthenticationError", REJECTED, BLOCKED, status=401),
        _okx_order(51008, "Insufficient balance", "InsufficientFunds", REJECTED),
        _okx_order(51008, "Insufficient balance", RETURNS, REJECTED, outer="2"),
        _okx_order(51020, "Below the minimum", "InvalidOrder", REJECTED),
        _okx_order(51022, "Contract suspended", "ContractUnavailable", REJECTED, CLOSED),
        _okx_order(51155, "Local compliance", "RestrictedLocation", REJECTED),
        _okx_order(51016, "Duplicated client order ID", "InvalidOrder", EXISTS),
    ],
    "kraken": [
        _kraken("EGeneral:Internal error", "ExchangeNotAvailable"),
        _kraken("EService:Busy", "ExchangeNotAvailable"),
        _kraken("EService:Deadline elapsed", "ExchangeError"),
        _kraken("EService:Unavailable", "ExchangeNotAvailable"),
        _kraken("EOrder:Not known yet", "ExchangeError"),
        Row("no error, and no order", {"body": {"error": []}}, RETURNS),
        _kraken("EAPI:Invalid nonce", "InvalidNonce", FOR_NOW, CLOCK),
        _kraken("EAPI:Rate limit exceeded", "DDoSProtection", FOR_NOW),
        _kraken("EGeneral:Temporary lockout", "DDoSProtection", FOR_NOW),
        _kraken("EOrder:Rate limit exceeded", "DDoSProtection", FOR_NOW),
        _kraken("EService:Market in cancel_only mode", "OnMaintenance", FOR_NOW, MAINTENANCE),
        _kraken("EService:Market in post_only mode", "OnMaintenance", FOR_NOW, MAINTENANCE),
        _kraken("EAPI:Invalid key", "AuthenticationError", REJECTED, BLOCKED),
        _kraken("EAPI:Invalid signature", "ExchangeError", REJECTED, BLOCKED),
        _kraken("EGeneral:Permission denied", "PermissionDenied", REJECTED, BLOCKED),
        _kraken("ETrade:User Locked", "AccountSuspended", REJECTED, BLOCKED),
        _kraken("EGeneral:Invalid arguments:volume", "InvalidOrder", REJECTED),
        _kraken("EOrder:Cost minimum not met", "ExchangeError", REJECTED),
        _kraken("EOrder:Insufficient funds", "InsufficientFunds", REJECTED),
        _kraken("EOrder:Order minimum not met", "InvalidOrder", REJECTED),
        _kraken("EGeneral:Invalid arguments:cl_ord_id not unique", "ExchangeError", EXISTS),
    ],
}

ROWS = [(venue, row) for venue in PROVED for row in LINE + SAID[venue]]


async def place(connection, wire):
    """Send an order, and tell the class of what was raised and what we read."""
    with recorded(ID) as call:
        try:
            exchange, params = connection.exchange, connection.order_params(ID)
            creator = OrderCreator(exchange, connection.direct, lambda symbol: rules_of(exchange.market(symbol), 4))
            made = await creator.create(order("buy", "0.001", "50000", ID, symbol="BTC/USDT"), params)
        except BaseException as error:
            how = {"sent": call.sent, "headers": call.headers, "status": call.status, "body": call.body}
            return type(error).__name__, read_failure(error, connection.quirks, now_ms=1700000000000, **how)
    return RETURNS, read_reply(made, connection.quirks)


@pytest.mark.parametrize(("venue", "row"), ROWS, ids=[f"{venue}: {row.what}" for venue, row in ROWS])
def test_a_fault_is_what_the_table_says(on_wire, answer, venue, row):
    raised, reading = on_wire(venue, [answer(**row.answer)], place)
    assert isinstance(reading, Reading)
    assert (raised, reading.meaning, reading.reason) == row.then(venue)


@pytest.mark.parametrize(
    ("venue", "body", "venue_order_id"),
    [
        pytest.param("binance", {"orderId": 28, "clientOrderId": ID, "symbol": "BTCUSDT"}, "28", id="binance"),
        pytest.param("bybit", {"retCode": 0, "retMsg": "OK", "result": {"orderId": "29"}}, "29", id="bybit"),
        pytest.param("okx", {"code": "0", "data": [{"ordId": "30", "sCode": "0"}]}, "30", id="okx"),
        pytest.param("kraken", {"error": [], "result": {"txid": ["OABC"]}}, "OABC", id="kraken"),
    ],
)
def test_an_order_that_was_taken_is_told_with_the_venue_s_id(on_wire, answer, venue, body, venue_order_id):
    raised, taken = on_wire(venue, [answer(body)], place)
    assert (raised, type(taken), taken.venue_order_id, taken.status) == (RETURNS, OrderTaken, venue_order_id, "open")


def test_a_revoked_key_is_no_limit_once_it_has_worked(on_wire, answer):
    revoked = answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, status=401)
    block = {"options": {"hasAlreadyAuthenticatedSuccessfully": True}}
    raised, reading = on_wire("binance", [revoked], place, block)
    assert (raised, reading.meaning, reading.reason) == ("DDoSProtection", REJECTED, BLOCKED)


def test_a_connection_that_is_refused_in_earnest_was_never_sent():
    from tidegate.venues.ccxt.connection import connect

    async def main():
        block = {"urls": {"api": {"public": "http://127.0.0.1:9/0/public", "private": "http://127.0.0.1:9/0/private"}}}
        block["urls"]["api"]["zendesk"] = "http://127.0.0.1:9"
        connection = connect("kraken", {**block, "timeout_on_exit": 0}, {"apiKey": "k", "secret": "czM="}, trader="a")
        with recorded() as call:
            try:
                await connection.exchange.privatePostAddOrder({"pair": "XBTUSDT"})
            except Exception as error:
                return read_failure(error, connection.quirks, sent=call.sent, headers=call.headers, now_ms=0), call.sent
            finally:
                await connection.close()

    reading, sent = asyncio.run(main())
    assert (sent, reading.meaning) == (True, NEVER_SENT)


def test_every_class_that_means_something_is_one_of_ccxt_s():
    from ccxt.base import errors

    assert [name for name in BY_CLASS if not hasattr(errors, name)] == []


# the document


def table(head, rows):
    lines = [f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def _means(meaning, reason):
    return meaning.value.replace("_", " ") + (f" (`{reason}`)" if reason else "")


def _raised(name):
    return name if name == RETURNS else f"`{name}`"


def _line_cells(row):
    others = [f"{venue}: {_raised(raised)}, {_means(meaning, None)}" for venue, (raised, meaning) in row.on.items()]
    return [row.what, _raised(row.raised), "; ".join([_means(row.meaning, row.reason), *others])]


def _quirk_cells(quirks):
    lookups = ", ".join(
        f"{lookup.source} by `{lookup.id_param}`" if lookup.id_param else f"{lookup.source}, sifted here"
        for lookup in quirks.lookups
    )
    fence = quirks.fence
    ends = f"`{fence.name}`, {fence.carrier}, {fence.window_ms / 1000:g} s" if fence else "none"
    return [
        quirks.exchange_id,
        f"`{quirks.id_field}`" + (f", with `{quirks.id_prefix}` before it" if quirks.id_prefix else ""),
        lookups,
        "yes" if quirks.lookup_proved else "no",
        ends,
        f"{quirks.lag_s:g} s",
    ]


def _pages_of(paging):
    if paging.onward is Onward.NOT_KNOWN:
        return "the first one"
    window = f", {paging.window_ms / 3_600_000:g} h at a time" if paging.window_ms else ""
    return f"of {paging.limit or 'its own size'}, by `{paging.param}`{window}"


def _listing_cells(quirks):
    listings = quirks.listings
    over = ", ".join(f"`{method}`" for method in listings.closed_by) or "what ccxt has"
    sifted = listings.of_order is None and listings.trades.onward is not Onward.NOT_KNOWN
    one = "sifted here" if sifted else "by its id" if listings.of_order else "by its id, where ccxt can"
    return [quirks.exchange_id, over, _pages_of(listings.closed), _pages_of(listings.trades), one]


def _stream_cells(quirks):
    import ccxt.pro

    has = quirks.exchange_id in ccxt.pro.exchanges and getattr(ccxt.pro, quirks.exchange_id)().has["watchOrders"]
    spoken = quirks.exchange_id in get_args(DialectName)
    return [quirks.exchange_id, "yes" if has is True else "no", "yes" if spoken else "no"]


TABLES = {
    "streams": table(
        ["venue", "user stream", "tested against the local exchange"],
        [_stream_cells(quirks) for quirks in VENUES.values()],
    ),
    "listings": table(
        ["venue", "orders that are over", "pages of them", "pages of trades", "trades of one order"],
        [_listing_cells(quirks) for quirks in VENUES.values()],
    ),
    "venues": table(
        ["venue", "our id is sent as", "looked up among", "proved", "a request ends by", "lag"],
        [_quirk_cells(quirks) for quirks in VENUES.values()],
    ),
    "line": table(["what happens", "ccxt raises", "it means"], [_line_cells(row) for row in LINE]),
    **{
        venue: table(
            ["the venue says", "ccxt raises", "it means"],
            [[row.what, _raised(row.raised), _means(row.meaning, row.reason)] for row in rows],
        )
        for venue, rows in SAID.items()
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_the_document_shows_the_tables(name):
    assert TABLES[name] in DOCUMENT, f"docs/venues.md must have\n\n{TABLES[name]}"
