"""Making an exchange: what is refused, what is really asked, and what is known of each call."""

import asyncio
import logging

import pytest

pytest.importorskip("ccxt")

from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.venues.ccxt.calls import recorded
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.requests import hosts_of

ID = "0123456789abcdef01"
SYMBOL = "BTC/USDT"


def order(connection, client_order_id=ID):
    return connection.exchange.create_order(
        SYMBOL, "limit", "buy", 1, 5, dict(connection.order_params(client_order_id))
    )


@pytest.mark.parametrize(
    ("exchange_id", "block", "says"),
    [
        pytest.param("binnance", {}, "traders.main.exchange: .*binnance; near: binance", id="an unknown exchange"),
        pytest.param(
            "binance",
            {"options": {"maxRetriesOnFailure": 3}},
            "traders.main.ccxt.options.maxRetriesOnFailure",
            id="retries",
        ),
        pytest.param(
            "okx",
            {"options": {"createOrder": {"maxRetriesOnFailure": 1}}},
            "ccxt.options.createOrder.maxRetriesOnFailure",
            id="retries, deep within",
        ),
        pytest.param("binance", {"verbose": True}, "traders.main.ccxt.verbose", id="printing of requests"),
        pytest.param("kraken", {"sandbox": True}, "no sandbox", id="a sandbox that there is not"),
        pytest.param(
            "binance",
            {"urls": {"api": {"private": "http://127.0.0.1:1"}}},
            "urls.api: .*api.binance.com",
            id="addresses that are left real",
        ),
        pytest.param(
            "binance",
            {"sandbox": True, "urls": {"test": {"private": "https://api.binance.com/api/v3"}}},
            "urls.api: .*api.binance.com",
            id="a sandbox with a real address",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_place(exchange_id, block, says):
    with pytest.raises(SettingsError, match=says):
        connect(exchange_id, block, {"apiKey": "k"}, trader="main")


@pytest.mark.parametrize("venue", ["binance", "bybit", "gate"])
def test_a_sandbox_has_no_address_of_the_real_venue(venue):
    real, sandbox = (connect(venue, block, {}, trader="main") for block in ({}, {"sandbox": True}))
    assert not hosts_of(real.exchange) & hosts_of(sandbox.exchange)


def test_a_sandbox_may_be_a_header():
    connection = connect("okx", {"sandbox": True}, {}, trader="main")
    assert connection.exchange.headers["x-simulated-trading"] == "1"


def test_the_block_is_passed_on_over_our_options():
    connection = connect("binance", {"enableRateLimit": True, "timeout": 700, "options": {"a": 1}}, {}, trader="main")
    exchange = connection.exchange
    assert (exchange.enableRateLimit, connection.timeout_ms, exchange.options["a"]) == (True, 700, 1)
    assert exchange.options["defaultType"] == "spot"
    assert connect("binance", {}, {}, trader="main").exchange.enableRateLimit is False


def test_secrets_do_not_show_in_what_a_connection_is():
    connection = connect("binance", {}, {"apiKey": "the-key", "secret": "the-secret"}, trader="main")
    assert "the-" not in repr(connection)
    assert connection.redacted(ValueError("the-key the-secret")) == "ValueError: *** ***"
    assert connection.exchange.logger.level == logging.INFO


def test_what_is_not_sent_is_known(on_wire, answer):
    async def scenario(connection, wire):
        with recorded() as local, pytest.raises(Exception, match="requires a price"):
            await connection.exchange.create_order(SYMBOL, "limit", "buy", 1, None)
        with recorded() as read:
            await connection.exchange.fetch_open_orders(SYMBOL)
        with recorded() as lost, pytest.raises(Exception, match="order/create"):
            await order(connection)
        return local, read, lost

    answers = [answer({"retCode": 0, "result": {"list": []}}), answer(error=TimeoutError())]
    local, read, lost = on_wire("bybit", answers, scenario)
    assert (local.sent, read.sent, lost.sent) == (False, False, True)
    assert (local.status, read.status, lost.status) == (None, 200, None)


def test_a_later_question_does_not_undo_the_order_nor_a_call_hear_of_the_next(on_wire, answer):
    async def scenario(connection, wire):
        with recorded() as call:
            await order(connection)
            with pytest.raises(Exception, match="realtime"):
                await connection.exchange.fetch_open_orders(SYMBOL)
            lost = call.status
        await connection.exchange.fetch_open_orders(SYMBOL)
        return call.sent, lost, call.status

    answers = [answer({"retCode": 0, "result": {}}), answer(error=TimeoutError()), answer({"retCode": 0, "result": {}})]
    assert on_wire("bybit", answers, scenario) == (True, None, None)


def test_a_question_before_the_order_is_not_the_order(on_wire, answer):
    """bybit's class asks about the account first; when that is lost, no order was sent."""

    async def scenario(connection, wire):
        connection.exchange.options["enableUnifiedAccount"] = None
        with recorded() as call, pytest.raises(Exception, match=r"query-api|account/info"):
            await order(connection)
        return call, wire.sent

    call, sent = on_wire("bybit", [answer(error=TimeoutError())], scenario)
    assert (call.sent, {method for method, *_ in sent}) == (False, {"GET"})


def test_calls_at_the_same_time_do_not_see_each_other_s_answers(on_wire, answer):
    async def scenario(connection, wire):
        async def one():
            with recorded() as call, pytest.raises(Exception, match="429"):
                await order(connection)
            return call.headers["Retry-After"], call.body

        return await asyncio.gather(*(one() for _ in range(3)))

    answers = [answer(f"no {n}", 429, {"Retry-After": str(n), "Content-Type": "text/html"}) for n in range(3)]
    assert on_wire("binance", answers, scenario) == [(str(n), f"no {n}") for n in range(3)]


@pytest.mark.parametrize("body", ["", "null", "<html></html>", '"text"', "17"])
def test_a_read_with_an_answer_that_says_nothing_fails(on_wire, answer, body):
    async def scenario(connection, wire):
        with pytest.raises(Exception, match="neither an object nor a list") as failed:
            await connection.exchange.fetch_balance()
        return failed.type.__name__, str(failed.value)

    name, text = on_wire("binance", [answer(body)], scenario)
    assert (name, "?" in text) == ("BadResponse", False)


@pytest.mark.parametrize("ahead_ms", [-2500, 0, 90_000])
def test_what_is_signed_is_in_the_venue_s_time(on_wire, answer, ahead_ms):
    async def scenario(connection, wire):
        connection.exchange.milliseconds = lambda: 1_700_000_000_000
        measured_ms = await connection.measure_clock()
        await order(connection)
        return measured_ms, wire.sent[-1][2]

    answers = [answer({"serverTime": 1_700_000_000_000 + ahead_ms}), answer({"orderId": 1, "symbol": "BTCUSDT"})]
    measured_ms, body = on_wire("binance", answers, scenario)
    assert measured_ms == ahead_ms
    assert f"timestamp={1_700_000_000_000 + ahead_ms}&" in body


def test_the_clock_is_compared_in_the_middle_of_the_question(on_wire, answer):
    now_ms = [1000]

    class Slow(answer):
        async def text(self, errors):
            now_ms[0] = 3000
            return await super().text(errors)

    async def scenario(connection, wire):
        connection.exchange.milliseconds = lambda: now_ms[0]
        return await connection.measure_clock(), connection.exchange.options["timeDifference"]

    assert on_wire("binance", [Slow({"serverTime": 2500})], scenario) == (500, -500)


def test_a_venue_that_does_not_answer_cannot_be_opened(on_wire, answer):
    async def scenario(connection, wire):
        with pytest.raises(VenueUnavailable) as failed:
            await connection.open()
        return str(failed.value)

    said = on_wire("binance", [answer("the-key?", 503, {"Content-Type": "text/html"})], scenario)
    assert said.startswith("time: ExchangeNotAvailable: binance GET https://api.binance.com/api/v3/time")
    assert "the-key" not in said


def test_opening_asks_beforehand_what_the_first_order_would(on_wire, answer):
    async def scenario(connection, wire):
        connection.exchange.options["enableUnifiedAccount"] = None
        await connection.open()
        return [url.partition("?")[0].removeprefix("https://api.bybit.com") for _, url, *_ in wire.sent]

    info = {"retCode": 0, "time": 1_700_000_000_000, "result": {"list": [], "uta": 1, "unifiedMarginStatus": 6}}
    asked = on_wire("bybit", [answer(info)], scenario)
    assert asked[0] == "/v5/market/time"
    assert {"/v5/user/query-api", "/v5/account/info"} & set(asked)
