"""The user streams of binance and bybit, as ccxt speaks them, in virtual time. The exchange's ledger judges."""

import asyncio
from decimal import Decimal
from functools import partial

import pytest

pytest.importorskip("ccxt")

from tests.virtual_network import run as in_virtual_time
from tidegate.domain.errors import SettingsError
from tidegate.domain.order import OrderStatus
from tidegate.emulator import Fault, FaultKind, LocalExchange, Operation, VenueRejection, settings_for
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.user_stream import UserStream
from tidegate.venues.ccxt.venue import CcxtVenue

SYMBOL = "BTC/USDT"
KEYS = {"apiKey": "key", "secret": "secret"}
WHOLE = Decimal("0.01")


class Account:
    """An account on a local exchange, with what it was told of its orders, and when."""

    def __init__(self, exchange, *, streams=True):
        self.exchange = exchange
        block = settings_for(exchange.dialect, exchange.address, streams=streams)
        block |= {"timeout": 10_000, "timeout_on_exit": 0}
        clock = asyncio.get_running_loop().clock()
        trading = connect(exchange.dialect, block, KEYS, trader="main")
        streaming = connect(exchange.dialect, block, KEYS, trader="main", streaming=True)
        self.faults, self.updates = [], []
        fault = lambda where, error: self.faults.append(str(error))  # noqa: E731
        self.stream = UserStream("main", streaming, trading, clock=clock, fault=fault) if streams else None
        self.venue = CcxtVenue("main", trading, [SYMBOL], clock=clock, stream=self.stream)

    async def __aenter__(self):
        await self.venue.open()
        self.venue.listen(lambda update: self.updates.append((asyncio.get_running_loop().time(), update)))
        if self.stream:
            await self.until(lambda: self.exchange.streams.listening or self.faults)
        return self

    async def __aexit__(self, *_):
        await self.venue.close()

    async def until(self, done, within_s=6.0):
        """Wait; gives how long it took, None where it did not come."""
        begun_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun_s < within_s:
            if done():
                return asyncio.get_running_loop().time() - begun_s
            await asyncio.sleep(0.02)
        return None

    async def place(self, request):
        await self.venue.create_orders([request])

    def fill(self, amount=None):
        for order in list(self.exchange.ledger.open.values()):
            self.exchange.ledger.fill(order, self.exchange.now_ms(), amount=amount)

    def over(self):
        return [u.client_order_id for _, u in self.updates if u.status is not OrderStatus.OPEN]


@pytest.fixture(params=["binance", "bybit"])
def at(request):
    """Run `scenario(account, exchange)` for an account at a fresh exchange; one for each of `cases` at a time."""

    async def one(scenario, how, streams):
        async with LocalExchange(request.param, **how) as exchange, Account(exchange, streams=streams) as account:
            return await scenario(account, exchange)

    async def all_of(scenarios, how, streams):
        return await asyncio.gather(*(one(scenario, how, streams) for scenario in scenarios))

    def run(scenario, *cases, streams=True, **how):
        scenarios = [partial(scenario, case) for case in cases] or [scenario]
        results = in_virtual_time(lambda _: all_of(scenarios, how, streams))
        return dict(zip(cases, results, strict=True)) if cases else results[0]

    return run


def test_an_order_that_rests_and_fills_is_booked_at_once_and_polled_not_once(at, order_request):
    async def scenario(account, exchange):
        await account.place(order_request(price="50000"))
        await asyncio.sleep(1.5)
        asked = exchange.asked[Operation.OPEN_ORDERS]
        account.fill(WHOLE / 4)
        assert await account.until(lambda: account.updates) < 1
        account.fill()
        return await account.until(account.over), asked, account.updates[-1][1], account.faults

    took_s, polls, update, faults = at(scenario)
    assert took_s < 1
    assert polls == 0
    assert sum(fill.amount for fill in update.fills) == WHOLE
    assert faults == []


@pytest.mark.parametrize("streams", [True, False])
def test_with_the_stream_an_order_costs_fewer_requests(at, order_request, streams):
    """A limit order that rests for four seconds; alone, polling has asked twice by then, and asks again after 7 s."""

    async def scenario(account, exchange):
        before = exchange.requests
        await account.place(order_request(price="50000"))
        await asyncio.sleep(4)
        account.fill()
        took_s = await account.until(account.over)
        return exchange.requests - before, took_s

    requests, took_s = at(scenario, streams=streams)
    assert requests == (3 if streams else 6)
    assert took_s < 1 if streams else took_s > 2


def test_a_burst_of_orders_of_which_the_answer_tells_nothing_costs_little_more_than_themselves(order_request):
    async def scenario():
        async with LocalExchange("bybit") as exchange, Account(exchange) as account:
            before = exchange.requests
            await asyncio.gather(*(account.place(order_request(number, price=None)) for number in range(30)))
            await account.until(lambda: len(account.over()) == 30)
            return exchange.requests - before, len(account.over())

    requests, over = in_virtual_time(lambda _: scenario())
    assert over == 30
    assert requests <= 45  # 1.2 an order; 3.1 when each was looked up


def test_a_stream_that_claims_a_fill_books_nothing(at, order_request):
    async def scenario(account, exchange):
        exchange.faults.add(Fault(kind=FaultKind.UNTRUE, on=Operation.STREAM, times=0))
        await account.place(order_request(price="50000"))
        looked_up = await account.until(lambda: exchange.asked[Operation.LOOKUP])
        await asyncio.sleep(1)
        return looked_up, [update.fills for _, update in account.updates], account.over()

    looked_up, fills, over = at(scenario)
    assert looked_up < 1
    assert not any(fills)
    assert over == []


STRUCK = [
    FaultKind.LOST,
    FaultKind.SILENT,
    FaultKind.CLOSED,
    FaultKind.RESET,
    FaultKind.EMPTY,
    FaultKind.HTML,
    FaultKind.NULL,
    FaultKind.BRACES,
    FaultKind.TRUNCATED,
    FaultKind.ERROR_PAGE,
    FaultKind.DELAYED,
    FaultKind.DUPLICATED,
    FaultKind.STRANGER,
]


def test_whatever_goes_wrong_with_a_message_the_order_is_booked(at, order_request):
    async def scenario(kind, account, exchange):
        exchange.faults.add(Fault(kind=kind, on=Operation.STREAM, seconds=0.3, times=2))
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # ccxt lets some of it through
        await account.place(order_request(price="50000"))
        account.fill()
        took_s = await account.until(account.over)
        return took_s is not None, account.over(), account.updates[-1][1].fills, len(exchange.ledger.orders)

    for kind, (booked, over, fills, orders) in at(scenario, *STRUCK).items():
        assert booked, kind
        assert over == [order_request().client_order_id], kind
        assert sum(fill.amount for fill in fills) == WHOLE, kind
        assert orders == 1, kind


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(refusal=VenueRejection.NO_PERMISSION, on=Operation.LOGIN, times=0), id="refused"),
        pytest.param(Fault(kind=FaultKind.CLOSED, on=Operation.LOGIN, times=0), id="closed"),
        pytest.param(Fault(kind=FaultKind.LOST, on=Operation.LOGIN, times=0), id="not answered"),
    ],
)
def test_without_a_login_polling_alone_books_it(order_request, fault):
    async def scenario(dialect):
        async with LocalExchange(dialect, faults=[fault]) as exchange:
            account = Account(exchange)
            await account.venue.open()
            account.venue.listen(lambda update: account.updates.append((0, update)))
            await account.place(order_request(price="50000"))
            account.fill()
            took_s = await account.until(account.over)
            await account.until(lambda: exchange.streams.logins > 1, within_s=3)
            await account.venue.close()
            return took_s, account.faults, exchange.streams.logins

    for dialect in ("binance", "bybit"):
        took_s, faults, logins = in_virtual_time(lambda _, dialect=dialect: scenario(dialect))
        assert took_s < 3
        assert len(faults) == (0 if fault.kind is FaultKind.LOST else 1)
        assert not any("secret" in words for words in faults)
        assert logins == 1 if fault.kind is FaultKind.LOST else logins > 1


def test_after_an_outage_the_stream_is_there_again(at, order_request):
    async def scenario(account, exchange):
        exchange.go_down(0.5)
        await account.until(lambda: not exchange.streams.listening)
        again = await account.until(lambda: exchange.streams.listening)
        await account.place(order_request(price="50000"))
        await asyncio.sleep(0.3)
        account.fill()
        return again, await account.until(account.over), len(account.faults)

    again, took_s, faults = at(scenario)
    assert again is not None
    assert took_s < 1
    assert 1 <= faults <= 2  # that it was closed, and that it could not be opened


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
def test_at_other_addresses_than_the_venue_s_there_is_a_stream_only_where_one_is_named(dialect):
    async def scenario():
        for streams in (False, True):
            block = settings_for(dialect, "http://127.0.0.1:1", streams=streams)
            connection = connect(dialect, block, KEYS, trader="main", streaming=True)
            assert connection.has_user_stream is streams
            await connection.close()
        del block["urls"]["api"]["ws"]["spot" if dialect == "binance" else "private"]
        with pytest.raises(SettingsError, match="must name every address"):
            connect(dialect, block, KEYS, trader="main", streaming=True)

    in_virtual_time(lambda _: scenario())
