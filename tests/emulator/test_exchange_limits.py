"""How much a local exchange takes, what it tells of that, and what it does with who goes on."""

import pytest

pytest.importorskip("ccxt")

from tidegate.emulator import BinanceLimits, BybitLimits

SYMBOL = "BTC/USDT"


async def outcome(work):
    try:
        await work
    except Exception as error:
        return str(error)
    return ""


def begin_a_window(exchange, client, window_ms):
    """Let the exchange's clock be at the beginning of a window, and the client know."""
    ahead_ms = window_ms - exchange.now_ms() % window_ms
    exchange.advance(ahead_ms / 1000)
    client.options["timeDifference"] = client.options.get("timeDifference", 0) - ahead_ms


def rest(client):
    return client.create_order(SYMBOL, "limit", "buy", 0.01, 50_000)


def test_weight_is_counted_for_the_address_and_told(speak):
    async def scenario(exchange, client):
        begin_a_window(exchange, client, 60_000)
        await client.fetch_my_trades(SYMBOL)
        await client.fetch_open_orders(SYMBOL)
        return client.last_response_headers["x-mbx-used-weight-1m"]

    assert speak("binance", scenario, limits=BinanceLimits()) == "26"


def test_the_eleventh_order_in_ten_seconds_is_too_many_and_who_goes_on_is_banned(speak):
    async def scenario(exchange, client):
        begin_a_window(exchange, client, 60_000)
        said = [await outcome(rest(client)) for _ in range(14)]
        banned = await outcome(client.fetch_time())
        exchange.advance(121)
        return said, banned, await outcome(client.fetch_time()), exchange.requests_during_ban

    limits = BinanceLimits(orders=10)
    said, banned, after, during_ban = speak("binance", scenario, limits=limits)
    assert said[:10] == [""] * 10
    assert "current limit is 10 orders per 10 SECOND" in said[10]
    assert "banned until" in said[13]
    assert "banned until" in banned
    assert after == ""
    assert (limits.exceeded["orders"], limits.most["key"], during_ban) == (4, 14, 1)


def test_bybit_counts_each_endpoint_by_the_second(speak):
    async def scenario(exchange, client):
        begin_a_window(exchange, client, 1000)
        said = [await outcome(rest(client)) for _ in range(3)]
        headers, now_ms = dict(client.last_response_headers), exchange.now_ms()
        begin_a_window(exchange, client, 1000)
        return said, headers, now_ms, await outcome(rest(client))

    said, headers, now_ms, later = speak("bybit", scenario, limits=BybitLimits(orders=2))
    assert said[:2] == ["", ""]
    assert "10006" in said[2]
    assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("2", "0")
    assert 0 < int(headers["X-Bapi-Limit-Reset-Timestamp"]) - now_ms <= 1000
    assert later == ""
