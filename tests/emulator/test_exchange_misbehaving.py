"""What the unmodified classes of ccxt make of every fault, and what the ledger says of it."""

import asyncio

import pytest

ccxt = pytest.importorskip("ccxt.async_support")
aiohttp = pytest.importorskip("aiohttp")

from tidegate.emulator import Fault, FaultKind, Operation, VenueRejection  # noqa: E402

BTC = "BTC/USDT"
SHORT_MS = 100

TAKEN, NOT_TAKEN = ["filled"], []
GONE, RESET, CUT_OFF = "ServerDisconnectedError", "ClientOSError", "ClientPayloadError"
NOT_THERE, LIMITED, DDOS = "ExchangeNotAvailable", "RateLimitExceeded", "DDoSProtection"
FAILED, DENIED, KEY = "OperationFailed", "PermissionDenied", "AuthenticationError"

RAISED = {
    # what is asked for: what binance raises, what bybit raises, its cause, the ledger
    FaultKind.LOST: ("RequestTimeout", "RequestTimeout", "TimeoutError", NOT_TAKEN),
    FaultKind.LOST_CLOSED: (NOT_THERE, NOT_THERE, GONE, NOT_TAKEN),
    FaultKind.LOST_RESET: (NOT_THERE, NOT_THERE, RESET, NOT_TAKEN),
    FaultKind.SILENT: ("RequestTimeout", "RequestTimeout", "TimeoutError", TAKEN),
    FaultKind.CLOSED: (NOT_THERE, NOT_THERE, GONE, TAKEN),
    FaultKind.RESET: (NOT_THERE, NOT_THERE, RESET, TAKEN),
    FaultKind.TRUNCATED: ("ExchangeError", "ExchangeError", CUT_OFF, TAKEN),
    FaultKind.ERROR_PAGE: (NOT_THERE, NOT_THERE, None, TAKEN),
    FaultKind.DELAYED: ("RequestTimeout", "RequestTimeout", "TimeoutError", NOT_TAKEN),
    VenueRejection.STATUS_UNKNOWN: ("RequestTimeout", "ExchangeError", None, TAKEN),
    VenueRejection.UNEXPECTED_RESPONSE: (FAILED, "ExchangeError", None, TAKEN),
    VenueRejection.INTERNAL_ERROR: (FAILED, "ExchangeError", None, TAKEN),
    VenueRejection.DISCONNECTED: (FAILED, "InvalidOrder", None, TAKEN),
    VenueRejection.UNMAPPED: ("ExchangeError", "ExchangeError", None, NOT_TAKEN),
    VenueRejection.UNKNOWN_SYMBOL: ("BadSymbol", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.BAD_PARAMETER: ("BadRequest", "BadRequest", None, NOT_TAKEN),
    VenueRejection.LOT_SIZE: ("InvalidOrder", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.PRICE_FILTER: ("InvalidOrder", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.PERCENT_PRICE: ("InvalidOrder", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.NOTIONAL: ("BadRequest", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.INSUFFICIENT_BALANCE: ("InsufficientFunds", "InsufficientFunds", None, NOT_TAKEN),
    VenueRejection.DUPLICATE_ID: ("InvalidOrder", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.POST_ONLY: ("OrderImmediatelyFillable", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.MARKET_CLOSED: ("MarketClosed", "InvalidOrder", None, NOT_TAKEN),
    VenueRejection.MAINTENANCE: ("OnMaintenance", "ExchangeError", None, NOT_TAKEN),
    VenueRejection.NO_SUCH_ORDER: ("OrderNotFound", "OrderNotFound", None, NOT_TAKEN),
    VenueRejection.NOT_CANCELABLE: ("OrderNotFound", "OrderNotFound", None, NOT_TAKEN),
    VenueRejection.UNKNOWN_KEY: ("ExchangeError", KEY, None, NOT_TAKEN),
    VenueRejection.BAD_SIGNATURE: (KEY, KEY, None, NOT_TAKEN),
    VenueRejection.TOO_OLD: ("InvalidNonce", "InvalidNonce", None, NOT_TAKEN),
    VenueRejection.FROM_THE_FUTURE: ("InvalidNonce", "InvalidNonce", None, NOT_TAKEN),
    VenueRejection.REVOKED: (KEY, KEY, None, NOT_TAKEN),
    VenueRejection.WRONG_ADDRESS: (KEY, DENIED, None, NOT_TAKEN),
    VenueRejection.NO_PERMISSION: (KEY, DENIED, None, NOT_TAKEN),
    VenueRejection.SUSPENDED: ("InvalidOrder", DENIED, None, NOT_TAKEN),
    VenueRejection.RATE_LIMITED: (DDOS, LIMITED, None, NOT_TAKEN),
    VenueRejection.BANNED: (DDOS, LIMITED, None, NOT_TAKEN),
    VenueRejection.FORBIDDEN: (NOT_THERE, LIMITED, None, NOT_TAKEN),
}
RETURNED = {
    # what is asked for: what binance returns, what bybit returns (has an id, status, filled), the ledger
    FaultKind.EMPTY: ((False, None, 0), (False, None, None), TAKEN),
    FaultKind.HTML: ((False, None, 0), (False, None, None), TAKEN),
    FaultKind.NULL: ((False, None, 0), (False, None, None), TAKEN),
    FaultKind.BRACES: ((False, None, 0), "ExchangeError", TAKEN),
    FaultKind.HIDDEN: ((True, "closed", 0.01), (True, None, None), TAKEN),
    FaultKind.DROPPED: ((True, "open", 0), (True, None, None), NOT_TAKEN),
    FaultKind.CUT: ((True, "canceled", 0.005), (True, None, None), ["canceled"]),
    FaultKind.PREVENTED: ((True, "expired", 0), (True, None, None), ["prevented"]),
    FaultKind.BARE_ACK: ((True, None, 0), (True, None, None), TAKEN),
}


def faulty(what, **more):
    return Fault(refusal=what, **more) if isinstance(what, VenueRejection) else Fault(kind=what, **more)


async def place(client, client_order_id="c1"):
    return await client.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": client_order_id})


async def attempt(call):
    """What a call returns or raises."""
    try:
        return await call
    except Exception as error:  # whatever it is
        return error


def statuses(exchange):
    return [order.status for order in exchange.ledger.orders.values()]


def test_every_kind_of_fault_is_listed_here():
    of_streams = {FaultKind.DUPLICATED, FaultKind.STRANGER, FaultKind.UNTRUE}
    assert RAISED.keys() | RETURNED.keys() == {*FaultKind, *VenueRejection} - {FaultKind.REFUSED} - of_streams


@pytest.mark.parametrize("what", RAISED)
def test_what_an_order_struck_by_a_fault_raises(speak, dialect, what):
    binance, bybit, cause, ledger = RAISED[what]

    async def scenario(exchange, client):
        return await attempt(place(client)), statuses(exchange), exchange.faults.struck

    error, orders, struck = speak(dialect, scenario, faults=[faulty(what)], timeout_ms=SHORT_MS)
    assert type(error).__name__ == {"binance": binance, "bybit": bybit}[dialect]
    assert (type(error.__cause__).__name__ if error.__cause__ else None) == cause
    assert orders == ledger
    assert struck == {what: 1}


@pytest.mark.parametrize("what", RETURNED)
def test_what_an_order_struck_by_a_fault_returns(speak, dialect, what):
    binance, bybit, ledger = RETURNED[what]
    expected = {"binance": binance, "bybit": bybit}[dialect]

    async def scenario(exchange, client):
        return await attempt(place(client)), statuses(exchange)

    answer, orders = speak(dialect, scenario, faults=[faulty(what)])
    if isinstance(expected, str):
        assert type(answer).__name__ == expected
    else:
        assert (answer["id"] is not None, answer["status"], answer["filled"]) == expected
    assert orders == ledger


def test_a_hidden_order_shows_when_its_time_has_come(speak, dialect):
    async def scenario(exchange, client):
        await place(client)
        before = await client.fetch_my_trades(BTC)
        exchange.advance(3.1)
        return before, len(await client.fetch_my_trades(BTC))

    assert speak(dialect, scenario, faults=[Fault(kind=FaultKind.HIDDEN, seconds=3)]) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "ledger"),
    [
        pytest.param(
            Fault(kind=FaultKind.ERROR_PAGE, status=503, placed=False), NOT_TAKEN, id="a page, and not placed"
        ),
        pytest.param(Fault(kind=FaultKind.ERROR_PAGE, status=520), TAKEN, id="a page, and placed"),
        pytest.param(
            Fault(refusal=VenueRejection.INTERNAL_ERROR, status=500, placed=False), NOT_TAKEN, id="JSON, not placed"
        ),
        pytest.param(
            Fault(refusal=VenueRejection.STATUS_UNKNOWN, placed=False), NOT_TAKEN, id="unknown, and not placed"
        ),
        pytest.param(Fault(refusal=VenueRejection.LOT_SIZE, placed=True), TAKEN, id="refused, and yet placed"),
        pytest.param(Fault(kind=FaultKind.EMPTY, placed=False), NOT_TAKEN, id="an empty answer, and not placed"),
    ],
)
def test_either_may_be_true(speak, dialect, fault, ledger):
    async def scenario(exchange, client):
        await attempt(place(client))
        return client.last_response_headers is not None, statuses(exchange)

    assert speak(dialect, scenario, faults=[fault]) == (True, ledger)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_an_error_page_has_the_status_asked_for(speak, dialect, status):
    async def scenario(exchange, client):
        return await attempt(place(client))

    error = speak(dialect, scenario, faults=[Fault(kind=FaultKind.ERROR_PAGE, status=status)])
    assert str(status) in str(error)
    assert type(error) is (ccxt.RequestTimeout if status == 504 else ccxt.ExchangeNotAvailable)


def test_only_the_nth_order_is_struck(speak, dialect):
    async def scenario(exchange, client):
        answers = [await attempt(place(client, f"c{n}")) for n in (1, 2, 3)]
        return [isinstance(answer, Exception) for answer in answers], exchange.asked[Operation.CREATE]

    assert speak(dialect, scenario, faults=[Fault(kind=FaultKind.CLOSED, nth=2)]) == ([False, True, False], 3)


@pytest.mark.parametrize(
    ("on", "ask"),
    [
        (Operation.BALANCE, lambda client: client.fetch_balance()),
        (Operation.OPEN_ORDERS, lambda client: client.fetch_open_orders(BTC)),
        (Operation.TRADES, lambda client: client.fetch_my_trades(BTC)),
        (Operation.PRICES, lambda client: client.fetch_ticker(BTC)),
        (Operation.CANDLES, lambda client: client.fetch_ohlcv(BTC)),
        (Operation.TIME, lambda client: client.fetch_time()),
        (Operation.MARKETS, lambda client: client.load_markets(True)),
    ],
    ids=lambda it: it.value if isinstance(it, Operation) else None,
)
def test_reads_can_be_struck_too(speak, dialect, on, ask):
    async def scenario(exchange, client):
        exchange.faults.add(Fault(refusal=VenueRejection.UNMAPPED, on=on))
        return await attempt(ask(client)), await attempt(ask(client))

    struck, spared = speak(dialect, scenario)
    assert isinstance(struck, ccxt.ExchangeError)
    assert not isinstance(spared, Exception)


def test_a_page_in_place_of_a_balance_passes_for_an_empty_account(speak, dialect):
    async def scenario(exchange, client):
        exchange.faults.add(Fault(kind=FaultKind.HTML, on=Operation.BALANCE))
        return (await client.fetch_balance())["total"]

    assert not any(speak(dialect, scenario).values())


def test_a_lookup_is_told_from_a_list(speak, dialect):
    async def look_up(client):
        if client.id == "binance":
            return await client.fetch_order(None, BTC, {"clientOrderId": "c1"})
        return await client.fetch_open_orders(BTC, params={"orderLinkId": "c1"})

    async def scenario(exchange, client):
        exchange.faults.add(Fault(refusal=VenueRejection.UNMAPPED, on=Operation.LOOKUP, client_order_id="c1"))
        await place(client)
        return await attempt(client.fetch_open_orders(BTC)), await attempt(look_up(client))

    listed, looked_up = speak(dialect, scenario)
    assert listed == []
    assert type(looked_up) is ccxt.ExchangeError


def test_a_cancellation_whose_answer_is_lost_comes_back_as_not_found(speak, dialect):
    async def scenario(exchange, client):
        placed = await client.create_order(BTC, "limit", "buy", 0.01, 50000)
        exchange.faults.add(Fault(kind=FaultKind.EMPTY, on=Operation.CANCEL))
        await attempt(client.cancel_order(placed["id"], BTC))
        return await attempt(client.cancel_order(placed["id"], BTC)), statuses(exchange)

    error, orders = speak(dialect, scenario)
    assert type(error) is ccxt.OrderNotFound
    assert orders == ["canceled"]


def test_a_delayed_order_is_placed_long_after_its_client_gave_up(speak, dialect):
    async def scenario(exchange, client):
        error, early = await attempt(place(client)), statuses(exchange)
        exchange.advance(3)
        almost = statuses(exchange)
        exchange.advance(1)
        (order,) = exchange.ledger.orders.values()
        return type(error), early, almost, exchange.now_ms() - order.accepted_at_ms < 1000

    delayed = [Fault(kind=FaultKind.DELAYED, seconds=4)]
    expected = (ccxt.RequestTimeout, NOT_TAKEN, NOT_TAKEN, True)
    assert speak(dialect, scenario, faults=delayed, timeout_ms=SHORT_MS) == expected


def test_an_order_that_arrives_after_its_window_is_never_placed(speak, dialect):
    async def scenario(exchange, client):
        await attempt(place(client))
        exchange.advance(12)
        return statuses(exchange)

    delayed = [Fault(kind=FaultKind.DELAYED, seconds=11)]
    assert speak(dialect, scenario, faults=delayed, timeout_ms=SHORT_MS) == NOT_TAKEN


def test_a_short_delay_needs_no_help(speak, dialect):
    async def scenario(exchange, client):
        return (await place(client))["id"], list(exchange.ledger.orders)

    told, true = speak(dialect, scenario, faults=[Fault(kind=FaultKind.DELAYED, seconds=0.01)])
    assert [told] == true


def test_a_limit_tells_how_long_to_wait(speak, dialect):
    async def scenario(exchange, client):
        exchange.faults.add(Fault(refusal=VenueRejection.RATE_LIMITED, seconds=7))
        await attempt(place(client))
        return exchange.now_ms(), client.last_response_headers

    now_ms, headers = speak(dialect, scenario)
    if dialect == "binance":
        assert headers["Retry-After"] == "7"
    else:
        assert 0 <= now_ms + 7000 - int(headers["X-Bapi-Limit-Reset-Timestamp"]) < 1000


def test_a_ban_is_for_the_whole_address_and_counts_who_comes_all_the_same(speak, dialect):
    async def scenario(exchange, client):
        exchange.faults.add(Fault(refusal=VenueRejection.BANNED, seconds=120))
        error = await attempt(place(client))
        client.apiKey, client.secret = "other", "word"
        during = [await attempt(client.fetch_ticker(BTC)), await attempt(place(client))]
        counted, until_ms = exchange.requests_during_ban, exchange.banned_until_ms
        exchange.advance(121)
        return error, during, counted, until_ms, await client.fetch_ticker(BTC)

    error, during, counted, until_ms, after = speak(dialect, scenario, secrets={"key": "secret", "other": "word"})
    assert [type(one) for one in during] == [type(error)] * 2
    assert counted == 2
    assert after["bid"] == 59999.99
    if dialect == "binance":
        assert all(f"IP banned until {until_ms}" in str(one) for one in [error, *during])


def test_maintenance_is_for_everybody_until_it_ends(speak, dialect):
    async def scenario(exchange, client):
        exchange.maintenance = True
        during = [await attempt(place(client)), await attempt(client.fetch_ticker(BTC))]
        exchange.maintenance = False
        await place(client)
        return during, statuses(exchange)

    during, orders = speak(dialect, scenario)
    assert all(isinstance(one, ccxt.BaseError) for one in during)
    assert orders == TAKEN


def test_an_outage_refuses_connections_and_forgets_nothing(speak, dialect):
    async def scenario(exchange, client):
        await place(client)
        address = exchange.address
        exchange.stop()
        await attempt(place(client, "c2"))  # on a connection that may not know yet
        error = await attempt(place(client, "c2"))
        await exchange.start()
        await place(client, "c3")
        return error, exchange.address == address, [one.client_order_id for one in exchange.ledger.orders.values()]

    error, same, orders = speak(dialect, scenario)
    assert type(error) is ccxt.ExchangeNotAvailable
    assert isinstance(error.__cause__, aiohttp.ClientConnectorError)
    assert same
    assert orders == ["c1", "c3"]


def test_an_outage_tears_down_who_waits(speak, dialect):
    async def scenario(exchange, client):
        waiting = asyncio.ensure_future(attempt(place(client)))
        await asyncio.wait([waiting], timeout=0.05)
        exchange.stop()
        return await waiting, statuses(exchange)

    error, orders = speak(dialect, scenario, faults=[Fault(kind=FaultKind.SILENT)])
    assert type(error.__cause__) is aiohttp.ClientOSError
    assert orders == TAKEN


def test_a_blind_retry_places_a_market_order_twice_under_one_id(speak, dialect):
    async def scenario(exchange, client):
        await attempt(place(client))
        await place(client)
        return exchange.ledger.duplicates

    assert speak(dialect, scenario, faults=[Fault(kind=FaultKind.CLOSED)]) == {"c1": 2}


def test_chances_come_from_the_seed(speak, dialect):
    async def scenario(exchange, client):
        answers = [await attempt(place(client, f"c{n}")) for n in range(30)]
        return [isinstance(answer, Exception) for answer in answers]

    faults = [Fault(kind=FaultKind.CLOSED, probability=0.2), Fault(refusal=VenueRejection.LOT_SIZE, probability=0.2)]
    one, again, other = (speak(dialect, scenario, faults=faults, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert 0 < sum(one) < 30
