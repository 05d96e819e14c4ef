"""Whose turn it is at an address, and how long it is left alone."""

import asyncio
import time

import pytest

from tidegate.clock import VirtualLoop
from tidegate.domain.reasons import Reason
from tidegate.venues.ccxt.address import LeftAlone, Priority, RequestBudgets
from tidegate.venues.ccxt.limits import LimitKind, ReportedLimit
from tidegate.venues.ccxt.pace import OrderPace
from tidegate.venues.ccxt.window import Window

HOST = "api.example.com"
NOON_MS = 1_735_732_800_000


@pytest.fixture
def virtual():
    """Run `scenario(addresses)` in virtual time."""
    loop = VirtualLoop()
    yield lambda scenario: loop.run_until_complete(scenario(RequestBudgets()))
    loop.close()


def hear(address, status=200, *counted, headers=(), text="", venue_ms=NOON_MS, path="x"):
    address.heard(status, dict(headers), text, counted=counted, venue_ms=venue_ms, path=path)


def now_s():
    return asyncio.get_running_loop().time()


async def begun_s(address, cost=1, priority=Priority.READ, path="x"):
    await address.turn(cost, priority, path)
    return round(now_s(), 3)


def test_reads_keep_to_the_rate_and_the_more_important_ones_come_first(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        address.rate = Window(2, 1)
        order = [Priority.FOLLOW, Priority.FOLLOW, Priority.LOOKUP, Priority.READ, Priority.FOLLOW, Priority.READ]
        return await asyncio.gather(*(begun_s(address, priority=priority) for priority in order))

    assert virtual(scenario) == [0, 0, 2, 1, 2, 1]


def test_an_order_does_not_wait_and_the_reads_wait_for_it(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        address.rate = Window(2, 1)
        for _ in range(4):
            address.spend(1)
        return now_s(), await begun_s(address)

    assert virtual(scenario) == (0, 1)


def test_who_gives_up_waiting_keeps_nobody_else_from_it(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        address.rate = Window(1, 1)
        first, second, third = (asyncio.ensure_future(begun_s(address)) for _ in range(3))
        await asyncio.sleep(0.5)
        second.cancel()
        return await first, await third

    assert virtual(scenario) == (0, 1)


@pytest.mark.parametrize(
    ("status", "headers", "text", "for_s", "reason"),
    [
        pytest.param(429, {"Retry-After": "7"}, "", 7, Reason.REJECTED_FOR_NOW, id="limited"),
        pytest.param(418, {"Retry-After": "110"}, "", 110, Reason.BANNED, id="banned"),
        pytest.param(403, {}, "403, access too frequent", 600, Reason.BANNED, id="banned, as bybit says it"),
        pytest.param(403, {}, "<html>", 1, Reason.REJECTED_FOR_NOW, id="it does not say how long"),
    ],
)
def test_who_is_sent_away_sends_nothing_and_that_prolongs_nothing(virtual, status, headers, text, for_s, reason):
    async def scenario(addresses):
        address, told = addresses.of(HOST), []
        addresses.on_left_alone(lambda host, until_ns, why: told.append((host, until_ns, why)))
        before_ns = time.time_ns()
        hear(address, status, headers=headers, text=text)
        refused = []
        for _ in range(20):
            with pytest.raises(LeftAlone) as said:
                address.spend(1)
            refused.append((said.value.reason, round(said.value.for_s)))
        assert set(refused) == {(reason, for_s)}
        assert address.left_alone_s() == for_s
        await asyncio.sleep(for_s)
        address.spend(1)
        return [(host, round((until_ns - before_ns) / 1e9), why) for host, until_ns, why in told]

    assert virtual(scenario) == ([(HOST, for_s, reason)] if for_s > 1 else [])


def test_what_arrives_late_does_not_shorten_a_ban(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        hear(address, 418, headers={"Retry-After": "110"})
        hear(address, 429, headers={"Retry-After": "1"})
        return address.left_alone_s(), address.reason

    assert virtual(scenario) == (110, Reason.BANNED)


def test_a_read_waits_for_a_short_while_and_is_refused_where_it_would_be_a_long_one(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        hear(address, 429, headers={"Retry-After": "3"})
        waited_s = await begun_s(address)
        hear(address, 429, headers={"Retry-After": "30"})
        with pytest.raises(LeftAlone):
            await address.turn(1, Priority.READ, "x")
        return waited_s, now_s()

    assert virtual(scenario) == (3, 3)


def test_a_weight_that_comes_near_its_limit_keeps_reads_until_it_begins_anew(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        hear(address, 200, ReportedLimit(kind=LimitKind.WEIGHT, window_s=60, limit=100))
        hear(address, 200, ReportedLimit(kind=LimitKind.WEIGHT, window_s=60, used=79), venue_ms=NOON_MS + 55_000)
        before_s = await begun_s(address)
        hear(address, 200, ReportedLimit(kind=LimitKind.WEIGHT, window_s=60, used=80), venue_ms=NOON_MS + 55_000)
        address.spend(1)  # an order has its own reserve
        return before_s, await begun_s(address)

    assert virtual(scenario) == (0, 5)


def test_an_endpoint_with_nothing_left_is_asked_when_it_begins_anew(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        full = ReportedLimit(kind=LimitKind.ENDPOINT, window_s=1, used=50, limit=50, resets_ms=NOON_MS + 700)
        hear(address, 200, full, path="/v5/order/history")
        other_s = await begun_s(address, path="v5/order/realtime")
        return other_s, await begun_s(address, path="v5/order/history")

    assert virtual(scenario) == (0, 0.7)


def test_too_many_orders_of_an_account_are_not_the_address_s(virtual):
    async def scenario(addresses):
        address = addresses.of(HOST)
        full = ReportedLimit(kind=LimitKind.ORDERS, window_s=10, used=5, limit=5)
        hear(address, 429, full, headers={"Retry-After": "8"})
        return address.left_alone_s()

    assert virtual(scenario) == 0


def test_what_an_earlier_run_was_told_holds_and_is_not_told_again(virtual):
    async def scenario(addresses):
        told = []
        addresses.on_left_alone(lambda *said: told.append(said))
        still = addresses.remember({HOST: time.time_ns() + 60_000_000_000, "over.example.com": time.time_ns() - 1})
        with pytest.raises(LeftAlone, match=r"api\.example\.com wants to be left alone"):
            addresses.of(HOST).check()
        addresses.of("over.example.com").check()
        return {host: round(for_s) for host, for_s in still.items()}, told

    assert virtual(scenario) == ({HOST: 60}, [])


# The pace of orders


def given_at(pace, at_s):
    """How many orders are allowed at a moment, without an answer to any."""
    given = 0
    while pace.suspension(round(at_s * 1e9)) is None:
        pace.given()
        given += 1
    return given


def test_orders_count_until_a_window_after_their_answers(virtual):
    async def scenario(addresses):
        pace = OrderPace([addresses.of(HOST)], {10: 5})
        first = given_at(pace, 0)
        await asyncio.sleep(2)
        for _ in range(first):
            pace.answered()
        await asyncio.sleep(9.9)
        early = given_at(pace, 0)
        until_ns = pace.suspension(1_000_000_000_000).until_ns
        await asyncio.sleep(0.1)
        return first, early, until_ns, given_at(pace, 0)

    assert virtual(scenario) == (5, 0, 1_001_000_000_000, 5)


def test_orders_of_an_earlier_run_count_as_long_as_the_venue_counts_them(virtual):
    async def scenario(addresses):
        pace = OrderPace([addresses.of(HOST)], {10: 5})
        pace.sent_before([1.0, 12.0, 8.0, 9.5])
        first = given_at(pace, 0)
        pace.heard([ReportedLimit(kind=LimitKind.ORDERS, window_s=60, limit=8)], NOON_MS, of_an_order=False)
        await asyncio.sleep(1)
        return first, given_at(pace, 0)

    assert virtual(scenario) == (2, 1)


def test_what_the_venue_says_of_orders_takes_the_place_of_what_was_thought(virtual):
    async def scenario(addresses):
        pace = OrderPace([addresses.of(HOST)], {10: 100})
        pace.heard([ReportedLimit(kind=LimitKind.ORDERS, window_s=10, limit=7)], NOON_MS, of_an_order=False)
        pace.heard([ReportedLimit(kind=LimitKind.ORDERS, window_s=10, used=4)], NOON_MS, of_an_order=True)
        after_others = given_at(pace, 0)
        for _ in range(after_others):
            pace.answered()
        await asyncio.sleep(11)
        return after_others, given_at(pace, 0)

    assert virtual(scenario) == (3, 7)


def test_an_endpoint_for_orders_with_nothing_left_stops_them_until_it_begins_anew(virtual):
    async def scenario(addresses):
        pace = OrderPace([addresses.of(HOST)], {1: 10})
        full = ReportedLimit(kind=LimitKind.ENDPOINT, window_s=1, used=20, limit=20, resets_ms=NOON_MS + 3000)
        pace.heard([full], NOON_MS, of_an_order=False)
        assert pace.suspension(0) is None
        pace.heard([full], NOON_MS, of_an_order=True)
        suspension = pace.suspension(0)
        await asyncio.sleep(3)
        return suspension.why.reason, suspension.until_ns / 1e9, given_at(pace, 0)

    assert virtual(scenario) == (Reason.PACED, 3, 20)


def test_no_order_is_decided_while_the_address_is_left_alone_whoever_was_sent_away(virtual):
    async def scenario(addresses):
        pace = OrderPace([addresses.of(HOST)], {})
        hear(addresses.of(HOST), 429, headers={"Retry-After": "20"})  # to a question for prices
        suspension = pace.suspension(7_000_000_000)
        await asyncio.sleep(20)
        return suspension.why.reason, suspension.until_ns, pace.suspension(0)

    assert virtual(scenario) == (Reason.REJECTED_FOR_NOW, 27_000_000_000, None)
