"""The unmodified classes of ccxt take the exchange for the real one."""

import asyncio
from decimal import Decimal

import pytest

ccxt = pytest.importorskip("ccxt.async_support")

from tidegate.emulator import ListedSymbol, settings_for  # noqa: E402

BTC = "BTC/USDT"
ERRORS = {name: getattr(ccxt, name) for name in ("AuthenticationError", "InsufficientFunds", "InvalidNonce")}


async def find(client, client_order_id, symbol=BTC):
    """One order by its client order id, in whatever state, the way each class can; None where it does not show."""
    if client.id == "binance":
        try:
            return await client.fetch_order(None, symbol, {"clientOrderId": client_order_id})
        except ccxt.OrderNotFound:
            return None
    found = await client.fetch_open_orders(symbol, params={"orderLinkId": client_order_id})
    return found[-1] if found else None


async def recent(client, symbol=BTC):
    if client.id == "binance":
        return await client.fetch_orders(symbol)
    return await client.fetch_canceled_and_closed_orders(symbol)


async def place(client, client_order_id="c1", *, side="buy", price=None, amount=0.01, symbol=BTC, **params):
    kind = "market" if price is None else "limit"
    return await client.create_order(symbol, kind, side, amount, price, {"clientOrderId": client_order_id, **params})


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_markets_load_with_their_rules(speak, dialect, tls):
    async def scenario(exchange, client):
        return client.markets, client.currencies

    markets, currencies = speak(dialect, scenario, tls=tls)
    assert set(markets) == {"BTC/USDT", "ETH/USDT", "SOL/USDT", "ETH/BTC"}
    assert {"BTC", "ETH", "SOL", "USDT"} <= set(currencies)
    market = markets["ETH/BTC"]
    assert (market["id"], market["spot"], market["active"]) == ("ETHBTC", True, True)
    assert market["precision"]["amount"] == 0.0001
    assert market["precision"]["price"] == 0.00001
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.0001, 0.0001)


def test_a_halted_symbol_is_not_active(speak, dialect):
    async def scenario(exchange, client):
        return client.markets[BTC]["active"]

    halted = ListedSymbol(symbol=BTC, bid=Decimal(99), ask=Decimal(100), halted=True)
    assert speak(dialect, scenario, listings=[halted]) is False


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "https://127.0.0.1:1"])
def test_every_address_of_the_class_is_replaced(dialect, address):
    client = getattr(ccxt, dialect)(settings_for(dialect, address))
    prefix = address.replace("https://", "https://demo-api@") if dialect == "binance" else address
    assert all(url.startswith(prefix) for url in client.urls["api"].values())


def test_what_prices_there_are(speak, dialect):
    async def scenario(exchange, client):
        ticker, book = await client.fetch_ticker(BTC), await client.fetch_order_book(BTC)
        everything, fee = await client.fetch_tickers(), await client.fetch_trading_fee(BTC)
        assert set(await client.fetch_tickers([BTC])) == {BTC}
        off_ms = await client.fetch_time() - exchange.now_ms()
        return ticker, book, everything, fee, off_ms

    ticker, book, everything, fee, off_ms = speak(dialect, scenario)
    assert (ticker["bid"], ticker["ask"]) == (59999.99, 60000.01)
    assert (book["bids"][0][0], book["asks"][0][0]) == (59999.99, 60000.01)
    assert everything["SOL/USDT"]["ask"] == 150.01
    assert (fee["maker"], fee["taker"]) == (0.001, 0.001)
    assert -1000 < off_ms <= 0


@pytest.mark.parametrize(("timeframe", "step_ms"), [("1m", 60_000), ("1h", 3_600_000), ("1d", 86_400_000)])
def test_candles_are_whole_and_the_same_whenever_asked(speak, dialect, timeframe, step_ms):
    async def scenario(exchange, client):
        before_ms = exchange.now_ms()
        newest = await client.fetch_ohlcv(BTC, timeframe, limit=5)
        return (before_ms, exchange.now_ms()), newest, await client.fetch_ohlcv(BTC, timeframe, newest[1][0], 3)

    asked_ms, newest, since = speak(dialect, scenario)
    assert newest[-1][0] in [at_ms // step_ms * step_ms for at_ms in asked_ms]
    assert [candle[0] - newest[0][0] for candle in newest] == [n * step_ms for n in range(5)]
    assert since == newest[1:4]
    assert all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in newest)


def test_a_limit_order_stays_open_until_it_is_canceled(speak, dialect):
    async def scenario(exchange, client):
        placed = await place(client, price=50000)
        shown, listed = await find(client, "c1"), await client.fetch_open_orders(BTC)
        held, early = await client.fetch_balance(), await recent(client)
        await client.cancel_order(placed["id"], BTC)
        return exchange, placed, shown, listed, held, early, await find(client, "c1"), await recent(client)

    exchange, placed, shown, listed, held, early, canceled, over = speak(dialect, scenario)
    assert len(early) == (dialect == "binance")  # the other lists here only what is over
    assert placed["clientOrderId"] == shown["clientOrderId"] == "c1"
    assert (shown["id"], shown["status"], shown["filled"], shown["price"]) == (placed["id"], "open", 0, 50000)
    assert [order["id"] for order in listed] == [placed["id"]]
    assert (held["USDT"]["used"], held["USDT"]["total"]) == (500, 1_000_000)
    assert canceled["status"] == "canceled"
    assert [order["id"] for order in over] == [placed["id"]]
    assert [order.status for order in exchange.ledger.orders.values()] == ["canceled"]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_market_order_fills_at_once(speak, dialect, side):
    async def scenario(exchange, client):
        placed = await place(client, side=side)
        trades, held = await client.fetch_my_trades(BTC), await client.fetch_balance()
        return placed, await find(client, "c1"), trades, held, await client.fetch_open_orders(BTC)

    placed, shown, trades, held, still_open = speak(dialect, scenario)
    price = 60000.01 if side == "buy" else 59999.99
    assert (shown["status"], shown["filled"], shown["average"]) == ("closed", 0.01, price)
    assert [(t["order"], t["amount"], t["price"], t["side"]) for t in trades] == [(placed["id"], 0.01, price, side)]
    assert trades[0]["fee"]["currency"] == ("BTC" if side == "buy" else "USDT")
    assert held["BTC"]["total"] == pytest.approx(100.00999 if side == "buy" else 99.99)
    assert still_open == []


def test_a_market_order_may_say_what_it_may_cost(speak, dialect):
    async def scenario(exchange, client):
        await client.create_order(BTC, "market", "buy", 0.01, None, {"cost": 600})
        return next(iter(exchange.ledger.orders.values()))

    assert speak(dialect, scenario).filled == Decimal("0.00999")


def test_a_price_that_moves_fills_what_is_open(speak, dialect):
    async def scenario(exchange, client):
        await place(client, price=50000)
        exchange.set_price(BTC, bid=Decimal(49000), ask=Decimal(49001))
        return await find(client, "c1"), await client.fetch_my_trades(BTC)

    shown, trades = speak(dialect, scenario)
    assert (shown["status"], shown["average"]) == ("closed", 50000)
    assert trades[0]["takerOrMaker"] == "maker"


def test_a_part_that_is_filled_shows(speak, dialect):
    async def scenario(exchange, client):
        placed = await place(client, price=50000)
        order = exchange.ledger.open[placed["id"]]
        exchange.ledger.fill(order, exchange.now_ms(), amount=Decimal("0.004"))
        return await find(client, "c1")

    shown = speak(dialect, scenario)
    assert (shown["status"], shown["filled"], shown["remaining"]) == ("open", 0.004, 0.006)


def test_a_filled_orders_client_id_can_be_used_again_and_both_are_on_the_ledger(speak, dialect):
    async def scenario(exchange, client):
        first = await place(client)
        exchange.advance(0.01)
        second = await place(client)
        return exchange.ledger.duplicates, second["id"], (await find(client, "c1"))["id"], first["id"]

    duplicates, second, found, first = speak(dialect, scenario)
    assert duplicates == {"c1": 2}
    assert found == second != first


def test_an_order_shows_nowhere_before_its_lag_has_passed(speak, dialect):
    async def everywhere(client):
        found = await find(client, "c1")
        lists = [await client.fetch_open_orders(BTC), await recent(client), await client.fetch_my_trades(BTC)]
        return [bool(found), *map(bool, lists)]

    async def scenario(exchange, client):
        await place(client)
        before = await everywhere(client)
        exchange.advance(4.9)
        client.options["timeDifference"] = -4900
        still = await everywhere(client)
        exchange.advance(0.2)
        return before, still, await everywhere(client)

    before, still, after = speak(dialect, scenario, lag_s=5.0)
    assert before == still == [False] * 4
    assert after == [True, False, True, True]


def test_what_a_key_may_do(speak, dialect):
    async def rights(client):
        if client.id == "binance":
            said = await client.sapi_get_account_apirestrictions()
            return said["enableWithdrawals"], said["ipRestrict"]
        said = (await client.private_get_v5_user_query_api())["result"]
        return "Withdraw" in said["permissions"]["Wallet"], said["ips"] != ["*"]

    async def scenario(exchange, client):
        safe = await rights(client)
        account = exchange.accounts["key"]
        account.may_withdraw, account.bound_to_address = True, False
        return safe, await rights(client)

    assert speak(dialect, scenario) == ((False, True), (True, False))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        pytest.param({"secret": "wrong"}, "AuthenticationError", ("-1022", "10004"), id="a bad signature"),
        pytest.param({"apiKey": "wrong"}, "AuthenticationError", ("-2008", "10003"), id="a key nobody has"),
        pytest.param({"ahead_ms": 2000}, "InvalidNonce", ("-1021", "10002"), id="a clock that is fast"),
        pytest.param({"ahead_ms": -11000}, "InvalidNonce", ("-1021", "10002"), id="a clock that is slow"),
    ],
)
def test_whoever_is_not_who_he_says_places_nothing(speak, dialect, change, error, words):
    async def scenario(exchange, client):
        client.apiKey, client.secret = change.get("apiKey", "key"), change.get("secret", "secret")
        client.options["timeDifference"] = -change.get("ahead_ms", 0)
        with pytest.raises(ERRORS[error], match=words[client.id == "bybit"]):
            await place(client)
        return exchange.ledger.orders

    assert speak(dialect, scenario, tls=True) == {}


def test_a_clock_that_is_a_little_off_is_let_through(speak, dialect):
    async def scenario(exchange, client):
        for ahead_ms in (800, -4000):
            client.options["timeDifference"] = -ahead_ms
            await place(client)
        return len(exchange.ledger.orders)

    assert speak(dialect, scenario) == 2


def test_a_revoked_key_looks_like_a_limit_once_it_has_worked(speak):
    async def scenario(exchange, client):
        await client.fetch_balance()
        exchange.accounts["key"].revoked = True
        with pytest.raises(ccxt.DDoSProtection, match="-2015"):
            await place(client)

    speak("binance", scenario)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        pytest.param({"amount": 0.00001, "price": 50000}, ("NOTIONAL", "170140"), id="too little"),
        pytest.param({"price": 1000}, ("PERCENT_PRICE", "170193"), id="a price far away"),
        pytest.param({"amount": 20, "price": 59000}, ("balance", "170131"), id="too much"),
        pytest.param({"price": 61000, "postOnly": True}, ("match", "170218"), id="a maker that takes"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(speak, dialect, order, words):
    async def scenario(exchange, client):
        with pytest.raises(ccxt.ExchangeError, match=words[client.id == "bybit"]) as caught:
            await place(client, **order)
        assert caught.type is not ccxt.ExchangeError
        return exchange.ledger.orders

    assert speak(dialect, scenario) == {}


def test_two_accounts_do_not_see_each_other(speak, dialect):
    async def scenario(exchange, client):
        await place(client, price=50000)
        client.apiKey, client.secret = "other", "word"
        seen = await client.fetch_open_orders(BTC)
        await place(client, price=50000)
        return seen, {key: len(account.ledger.orders) for key, account in exchange.accounts.items()}

    seen, orders = speak(dialect, scenario, secrets={"key": "secret", "other": "word"})
    assert seen == []
    assert orders == {"key": 1, "other": 1}


def test_sixteen_at_a_time_are_all_on_the_ledger(speak, dialect):
    async def scenario(exchange, client):
        placed = await asyncio.gather(*(place(client, f"c{n}", price=50000) for n in range(16)))
        return {order["id"] for order in placed}, set(exchange.ledger.open)

    told, true = speak(dialect, scenario)
    assert len(told) == 16
    assert told == true
