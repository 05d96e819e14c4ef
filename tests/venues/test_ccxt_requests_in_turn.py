"""What leaves for an exchange that counts, in virtual time: in which number, and signed with which time."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

pytest.importorskip("ccxt")

from tests.builders import order
from tests.virtual_network import run as in_virtual_time
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.emulator import BinanceLimits, Fault, LocalExchange, Operation, VenueRejection, settings_for
from tidegate.venues.ccxt.address import RequestBudgets
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.venue import CcxtVenue

SYMBOL = "BTC/USDT"
KEYS = {"apiKey": "key", "secret": "secret"}


def request(number: int = 1, *, price: str = "50000"):
    return order(Side.BUY, "0.01", price, f"abcd{number:014x}", trader="main", reserved="0")


def run(dialect, scenario, **how):
    async def main(loop):
        async with LocalExchange(dialect, **how) as exchange:
            block = settings_for(dialect, exchange.address) | {"timeout": 1000, "timeout_on_exit": 0}
            addresses = RequestBudgets()
            connection = connect(dialect, block, KEYS, trader="main", addresses=addresses)
            venue = CcxtVenue("main", connection, [SYMBOL], clock=loop.clock())
            try:
                await venue.open()
                return await scenario(venue, exchange)
            finally:
                await venue.close()

    return in_virtual_time(main)


@pytest.fixture(params=["binance", "bybit"])
def live(request):
    """Run `scenario(venue, exchange)` on a fresh exchange."""
    return lambda scenario, **how: run(request.param, scenario, **how)


# The clock


async def looked_up(venue):
    return type(await venue.find_order(request(9))).__name__


async def listed(venue):
    return len((await venue.orders_since(0)).orders)


async def counted(venue):
    return bool(await venue.balances())


@pytest.mark.parametrize("shift_s", [5, -20])
@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        pytest.param(looked_up, NotFound.__name__, id="a lookup"),
        pytest.param(listed, 0, id="a listing"),
        pytest.param(counted, True, id="balances"),
    ],
)
def test_whatever_is_asked_survives_that_the_venue_s_clock_shifts(live, ask, answer, shift_s):
    async def scenario(venue, exchange):
        exchange.advance(-shift_s)
        times = exchange.asked[Operation.TIME]
        told = await ask(venue)
        return told, exchange.asked[Operation.TIME] - times

    assert live(scenario) == (answer, 1)


def test_an_order_refused_for_its_time_is_not_sent_again_by_itself_and_the_next_one_arrives(live):
    async def scenario(venue, exchange):
        exchange.advance(-5)
        first = await venue.create_orders([request(1)])
        created = exchange.asked[Operation.CREATE]
        return first, created, await venue.create_orders([request(2)])

    (first,), created, (second,) = live(scenario)
    assert (type(first), first.reason, first.final, created) == (NotPlaced, Reason.CLOCK_SKEW, False, 1)
    assert "-1021" in first.detail or "10002" in first.detail  # its own answer, not that to the question for the time
    assert isinstance(second, Acknowledged)


def test_many_refused_at_once_measure_the_clock_once(live):
    async def scenario(venue, exchange):
        exchange.advance(-5)
        times = exchange.asked[Operation.TIME]
        found = await asyncio.gather(*(looked_up(venue) for _ in range(20)))
        return set(found), exchange.asked[Operation.TIME] - times

    assert live(scenario) == ({"NotFound"}, 1)


def test_a_venue_that_refuses_every_time_is_asked_once_more_and_no_further(live):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(refusal=VenueRejection.TOO_OLD, on=Operation.BALANCE, times=0))
        asked, times = exchange.asked[Operation.BALANCE], exchange.asked[Operation.TIME]
        with pytest.raises(Exception, match="balances"):
            await venue.balances()
        return exchange.asked[Operation.BALANCE] - asked, exchange.asked[Operation.TIME] - times

    assert live(scenario) == (2, 1)


# How much is asked


def test_what_ccxt_declares_is_kept_to():
    """The class is told that the venue takes 20 units of weight a second; a listing of orders costs 4."""

    async def scenario(venue, exchange):
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await asyncio.gather(*(venue.exchange.fetch_orders(SYMBOL) for _ in range(15)))
        return loop.time() - begun_s

    async def main(loop):
        async with LocalExchange("binance", limits=BinanceLimits()) as exchange:
            block = settings_for("binance", exchange.address) | {"rateLimit": 50, "timeout_on_exit": 0}
            connection = connect("binance", block, KEYS, trader="main")
            venue = CcxtVenue("main", connection, [SYMBOL], clock=loop.clock())
            try:
                await venue.open()
                return await scenario(venue, exchange)
            finally:
                await venue.close()

    assert 1.9 < in_virtual_time(main) < 4


def test_following_many_resting_orders_costs_a_listing_a_round_not_a_lookup_an_order(live):
    async def scenario(venue, exchange):
        told = []
        venue.listen(told.append)
        for number in range(40):
            await venue.create_orders([request(number)])
        before = exchange.asked.copy()
        await asyncio.sleep(4)  # two rounds
        return told, exchange.asked - before

    told, asked = live(scenario)
    assert told == []
    assert set(asked) == {Operation.OPEN_ORDERS}
    assert asked[Operation.OPEN_ORDERS] <= 6


def test_of_the_orders_that_are_followed_the_one_that_fills_is_looked_up(live):
    async def scenario(venue, exchange):
        told = []
        venue.listen(told.append)
        for number in range(5):
            await venue.create_orders([request(number)])
        (order,) = [o for o in exchange.ledger.orders.values() if o.client_order_id == request(3).client_order_id]
        exchange.ledger.fill(order, exchange.now_ms())
        await asyncio.sleep(2)
        return told

    (update,) = live(scenario)
    assert (update.client_order_id, update.status) == (request(3).client_order_id, OrderStatus.CLOSED)
    assert sum(fill.amount for fill in update.fills) == Decimal("0.01")


def test_a_listener_that_raises_does_not_end_the_following_of_later_orders(live):
    async def scenario(venue, exchange):
        told = []

        def hear(update):
            told.append(update.client_order_id)
            if len(told) == 1:
                raise ValueError("odd")

        venue.listen(hear)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        for number in (1, 2):
            await venue.create_orders([request(number)])
            ours = [o for o in exchange.ledger.orders.values() if o.client_order_id == request(number).client_order_id]
            exchange.ledger.fill(ours[0], exchange.now_ms())
            await asyncio.sleep(2)
        return told

    assert live(scenario) == [request(1).client_order_id, request(2).client_order_id]


@pytest.mark.parametrize(
    ("refusal", "read"),
    [
        pytest.param(VenueRejection.LOT_SIZE, 1, id="by the market's rules"),
        pytest.param(VenueRejection.INSUFFICIENT_BALANCE, 0, id="for want of money"),
    ],
)
def test_however_many_orders_are_rejected_the_rules_are_read_once_and_only_for_the_rules_sake(live, refusal, read):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(refusal=refusal, times=0))
        before = exchange.asked.copy()
        answers = await asyncio.gather(*(venue.create_orders([request(number)]) for number in range(30)))
        return [answer.reason for (answer,) in answers], exchange.asked - before

    reasons, asked = live(scenario)
    assert Counter(reasons) == {Reason.REJECTED: 30}
    assert asked == Counter({Operation.CREATE: 30, Operation.MARKETS: read}) - Counter()


def test_rules_that_changed_are_known_when_any_of_the_rejections_is_answered(live):
    async def scenario(venue, exchange):
        exchange.listings[SYMBOL].lot = Decimal("0.1")

        async def one(number):
            await venue.create_orders([request(number)])
            return venue.rules(SYMBOL).lot

        return set(await asyncio.gather(*(one(number) for number in range(5))))

    assert live(scenario) == {Decimal("0.1")}


# Sent away


def test_an_order_that_is_decided_when_prices_were_answered_with_429_is_not_sent(live):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(refusal=VenueRejection.FORBIDDEN, on=Operation.PRICES, seconds=30))
        with pytest.raises(Exception, match="403"):
            await venue.exchange.fetch_ticker(SYMBOL)
        suspension = venue.pace.suspension(0)
        (answer,) = await venue.create_orders([request(1)])
        return suspension.why.reason, answer, exchange.asked[Operation.CREATE]

    reason, answer, created = live(scenario)
    assert reason is Reason.REJECTED_FOR_NOW
    assert (type(answer), answer.reason, answer.final, created) == (NotPlaced, Reason.REJECTED_FOR_NOW, False, 0)
    assert 0 < answer.retry_after_s <= 1
