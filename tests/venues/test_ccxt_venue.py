"""An account on an exchange: what ccxt's venue does beyond what every venue owes, and how long a send is in doubt."""

import asyncio
from decimal import Decimal

import pytest

pytest.importorskip("ccxt")

from tests.virtual_network import run as in_virtual_time
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.reasons import Reason
from tidegate.emulator import Fault, FaultKind, Operation, VenueRejection
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.venue import CcxtVenue

SYMBOL = "BTC/USDT"
KEYS = {"apiKey": "key", "secret": "secret"}


def test_an_order_of_another_symbol_is_another_order(live, order_request):
    async def scenario(venue, exchange):
        await venue.create_orders([order_request(1)])
        return await venue.find_order(order_request(1, symbol="ETH/USDT"))

    assert isinstance(live(scenario, symbols=(SYMBOL, "ETH/USDT")), NotFound)


def test_a_hidden_order_is_not_found_and_later_it_is(live, order_request):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(kind=FaultKind.HIDDEN, seconds=60))
        await venue.create_orders([order_request(1)])
        before = await venue.find_order(order_request(1))
        exchange.advance(61)
        await venue.told("the clock", venue._connection.measure_clock())
        return before, await venue.find_order(order_request(1))

    before, after = live(scenario)
    assert isinstance(before, NotFound)
    assert isinstance(after, Acknowledged)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"refusal": VenueRejection.INTERNAL_ERROR}, id="an error"),
        pytest.param({"kind": FaultKind.HTML}, id="a page"),
        pytest.param({"kind": FaultKind.CLOSED}, id="no answer"),
    ],
)
def test_a_lookup_that_fails_is_no_answer(live, fault, order_request):
    async def scenario(venue, exchange):
        for on in (Operation.LOOKUP, Operation.OPEN_ORDERS, Operation.RECENT):
            exchange.faults.add(Fault(on=on, times=0, **fault))
        return await venue.find_order(order_request(1))

    assert isinstance(live(scenario), Unanswered)


def test_a_duplicate_that_is_ours_is_taken_over(live, order_request):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(kind=FaultKind.CLOSED))
        lost = await venue.create_orders([order_request(1, price="50000")])
        again = await venue.create_orders([order_request(1, price="50000")])
        return lost, again, len(exchange.ledger.orders)

    (lost,), (again,), orders = live(scenario)
    assert isinstance(lost, Unanswered)
    assert (type(again), again.status, orders) == (Acknowledged, OrderStatus.OPEN, 1)


def test_orders_under_way_on_one_connection_have_each_its_own_answer(live, order_request):
    async def scenario(venue, exchange):
        exchange.faults.add(Fault(kind=FaultKind.SILENT, client_order_id=order_request(5).client_order_id))
        exchange.faults.add(Fault(refusal=VenueRejection.SUSPENDED, times=0))
        return await asyncio.gather(*(venue.create_orders([order_request(number)]) for number in range(1, 12)))

    answers = [answer for (answer,) in live(scenario)]
    assert isinstance(answers[4], Unanswered)
    others = [answer for number, answer in enumerate(answers) if number != 4]
    assert {(type(answer), answer.reason) for answer in others} == {(NotPlaced, Reason.ACCOUNT_BLOCKED)}


def test_an_exchange_that_is_down_is_said_so_without_a_secret(live):
    async def scenario(venue, exchange):
        exchange.stop()
        with pytest.raises(VenueUnavailable) as told:
            await venue.balances()
        await exchange.start()
        return str(told.value)

    words = live(scenario)
    assert words.startswith("balances: ")
    assert "secret" not in words
    assert "signature=" not in words


def test_rules_that_changed_meanwhile_are_learned_from_the_rejection(live, order_request):
    async def scenario(venue, exchange):
        exchange.listings[SYMBOL].lot = Decimal("0.1")
        (told,) = await venue.create_orders([order_request(1)])
        return told, venue.rules(SYMBOL).lot

    told, lot = live(scenario)
    assert (type(told), told.final) == (NotPlaced, True)
    assert lot == Decimal("0.1")


def test_a_symbol_that_is_not_traded_there_is_named(live):
    async def scenario(venue, exchange):
        return None

    with pytest.raises(SettingsError, match="symbols: NO/SUCH is not traded on"):
        live(scenario, symbols=(SYMBOL, "NO/SUCH"))


@pytest.mark.parametrize(
    ("exchange_id", "block", "window_s", "proves"),
    [
        pytest.param("binance", {}, 60, True, id="binance: at least a minute"),
        pytest.param("binance", {"options": {"recvWindow": 50_000}}, 80, True, id="longer with a longer fence"),
        pytest.param("bybit", {}, 60, True, id="bybit"),
        pytest.param("kraken", {}, 60, False, id="kraken: its fence is not confirmed"),
        pytest.param("okx", {}, 60, False, id="okx: nor is that of okx"),
        pytest.param("bitstamp", {}, 60, False, id="any other"),
    ],
)
def test_the_settle_window_covers_what_may_still_be_on_its_way(exchange_id, block, window_s, proves):
    async def main(_):
        connection = connect(exchange_id, block, KEYS, trader="main")
        venue = CcxtVenue("main", connection, [], clock=asyncio.get_running_loop().clock())
        parked = CcxtVenue("main", connection, [], clock=asyncio.get_running_loop().clock(), park=True)
        await connection.close()
        return venue.unknown_order_policy, parked.unknown_order_policy

    unknown_order_policy, parked = in_virtual_time(main)
    assert (unknown_order_policy.window_s, unknown_order_policy.absence_is_proof) == (window_s, proves)
    assert not parked.absence_is_proof


def test_a_window_that_is_too_short_is_refused():
    async def main(_):
        connection = connect("binance", {}, KEYS, trader="main")
        try:
            CcxtVenue("main", connection, [], clock=asyncio.get_running_loop().clock(), settle_s=19)
        finally:
            await connection.close()

    with pytest.raises(SettingsError, match=r"execution.settle_s must be at least 20, was 19"):
        in_virtual_time(main)


def test_a_venue_that_takes_no_amount_to_buy_at_the_market_is_not_asked(on_wire, answer, order_request):
    async def scenario(connection, wire):
        venue = CcxtVenue("main", connection, [SYMBOL], clock=asyncio.get_running_loop().clock())
        (told,) = await venue.create_orders([order_request(1, price=None)])
        return told, wire.sent

    told, sent = on_wire("gate", [answer("{}")], scenario)
    assert (told.reason, told.final, sent) == (Reason.REJECTED, True, [])
