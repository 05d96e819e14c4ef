"""The pipeline on exchanges that count requests and have their own prices, in virtual time. Their ledgers judge."""

import asyncio
import json
from contextlib import AsyncExitStack
from decimal import Decimal
from functools import partial

import pytest

pytest.importorskip("ccxt")

from tests.virtual_network import run
from tidegate.assembly import assemble, generated
from tidegate.assembly.real import RealVenues
from tidegate.domain import events as e
from tidegate.domain.incident import IncidentKind
from tidegate.emulator import BinanceLimits, BybitLimits, Fault, LocalExchange, Operation, VenueRejection, settings_for
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import load_settings

SYMBOL = "BTC/USDT"


class Live:
    """A live pipeline on some exchanges, with one account on each."""

    def __init__(self, exchanges, folder, *, streams=False, **overrides):
        self.exchanges, self.streams, self.overrides = exchanges, streams, overrides
        self.journal = SqliteJournal(f"sqlite:///{folder}/journal.db", mode="live")

    async def __aenter__(self):
        traders = []
        for name, exchange in self.exchanges.items():
            block = settings_for(exchange.dialect, exchange.address, streams=self.streams)
            block["options"]["recvWindow"] = 1000
            traders.append({"id": name, "exchange": exchange.dialect,
                            "ccxt": {**block, "timeout": 2000, "timeout_on_exit": 0}})  # fmt: skip
        self.settings = load_settings(
            environ={"TIDEGATE_ALLOW_LIVE": "1"},
            overrides={
                "mode": "live",
                "symbols": json.dumps([SYMBOL]),
                "timeframe": "1m",
                "signals.strategies": "[]",
                "market.history": "0",
                "market.poll_s": "0.5",
                "validation.market.max_data_age_s": "600",
                "execution.urgent_score": "0",
                "execution.interval_s": "0.5",
                "execution.settle_s": "5",
                "execution.signal_ttl_s": "3600",
                "execution.order_creation_retries": "1",
                "execution.order_creation_retry_delay_ms": "100",
                "limits.max_open_positions": "100",
                "traders": json.dumps(traders),
                **self.overrides,
            },
        )
        self.clock = asyncio.get_running_loop().clock()
        environ = {"TIDEGATE_SKIP_PERMISSION_CHECK": "1"}
        for name in self.exchanges:
            environ |= {f"TIDEGATE_TRADER_{name.upper()}_API_KEY": "key",
                        f"TIDEGATE_TRADER_{name.upper()}_SECRET": "secret"}  # fmt: skip
        self.real = RealVenues(self.settings, self.clock, environ=environ)
        world = await self.real.open()
        self.engine = await assemble(
            self.settings,
            self.journal,
            self.clock,
            world.symbols,
            venues=self.real.venues,
            close_venues=[self.real.close],
            paces=self.real.paces,
            priced_on=self.real.priced_on,
        )
        self.real.report_to(partial(self.engine.fault, IncidentKind.FEED_FAILED), self.engine.record)
        market = generated(self.engine, world, self.settings, strategies=False)
        await self.engine.start([], background=[market])
        await self.until(
            lambda: (
                self.engine.parts.markets.quotes
                and len(self.engine.parts.availability.get_available_traders(self.clock.now_ns()))
                == len(self.exchanges)
            )
        )
        return self

    async def __aexit__(self, *_):
        await self.engine.stop()

    async def until(self, done, within_s=40.0):
        for _ in range(int(within_s / 0.05)):
            if done():
                return
            await asyncio.sleep(0.05)

    async def send(self, key, **fields):
        said = {"symbol": SYMBOL, "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
        await self.engine.submit(json.dumps(said).encode(), may_say_now=True)

    def outcomes(self):
        return {outcome.value: count for outcome, count in self.engine.parts.state.ledger.outcomes.items() if count}


@pytest.mark.parametrize(
    ("dialect", "limits", "signals", "tells"),
    [
        pytest.param("binance", lambda: BinanceLimits(orders=10), 12, True, id="binance: ten in ten seconds"),
        pytest.param("binance", lambda: BinanceLimits(orders=10, publishes=False), 12, False, id="binance, untold"),
        pytest.param("bybit", lambda: BybitLimits(orders=3), 15, True, id="bybit: three a second"),
    ],
)
def test_more_signals_than_the_venue_takes_at_once_are_all_placed_without_breaking_its_limit(
    dialect, limits, signals, tells, tmp_path
):
    limits = limits()

    async def scenario(_):
        async with LocalExchange(dialect, limits=limits) as exchange, Live({"main": exchange}, tmp_path) as live:
            await live.send("k0", price="50000")
            await live.until(lambda: live.outcomes().get("placed"))  # its answer tells of the limit
            for number in range(1, signals):
                await live.send(f"k{number}", price="50000")
            await live.until(lambda: live.outcomes().get("placed") == signals)
            return live.outcomes(), exchange.asked[Operation.CREATE], exchange.requests_during_ban

    outcomes, created, during_ban = run(scenario)
    assert outcomes == {"placed": signals}
    assert during_ban == 0
    if tells:
        assert (created, dict(limits.exceeded)) == (signals, {})
    else:  # it says so once, to as many as were under way
        assert 1 <= limits.exceeded["orders"] <= 2


def test_a_restart_forgets_no_order_that_the_venue_still_counts(tmp_path):
    limits = BinanceLimits(orders=10)

    async def scenario(_):
        async with LocalExchange("binance", limits=limits) as exchange:
            for run in range(2):
                async with Live({"main": exchange}, tmp_path) as live:
                    for number in range(9):
                        await live.send(f"k{run}-{number}", price="50000")
                    await live.until(lambda placed=9 * (run + 1): live.outcomes().get("placed") == placed)
            return exchange.asked[Operation.CREATE]

    assert run(scenario) == 18
    assert dict(limits.exceeded) == {}


def test_the_venue_s_clock_may_shift_while_everything_goes_on(tmp_path):
    async def scenario(_):
        async with LocalExchange("binance") as exchange, Live({"main": exchange}, tmp_path) as live:
            await live.send("k0")
            await live.until(lambda: live.outcomes().get("placed") == 1)
            exchange.advance(-5)
            for number in range(1, 13):
                await live.send(f"k{number}")
            await live.until(lambda: live.outcomes().get("placed") == 13)
            bodies = [event.body for event in live.journal.read()]
            return live.outcomes(), [body.why for body in bodies if isinstance(body, e.Halted)]

    assert run(scenario) == ({"placed": 13}, [])


def test_prices_that_are_answered_with_429_use_up_no_attempt(tmp_path):
    async def scenario(_):
        async with LocalExchange("binance") as exchange, Live({"main": exchange}, tmp_path) as live:
            exchange.faults.add(Fault(refusal=VenueRejection.RATE_LIMITED, on=Operation.PRICES, seconds=3, times=2))
            asked = exchange.asked[Operation.PRICES]
            await live.until(lambda: exchange.asked[Operation.PRICES] > asked)
            for number in range(10):
                await live.send(f"k{number}")
            await live.until(lambda: live.outcomes().get("placed") == 10)
            return live.outcomes(), exchange.asked[Operation.CREATE]

    assert run(scenario) == ({"placed": 10}, 10)


def test_what_a_venue_says_of_a_ban_is_in_the_journal(tmp_path):
    async def scenario(_):
        async with LocalExchange("binance") as exchange, Live({"main": exchange}, tmp_path) as live:
            exchange.faults.add(Fault(refusal=VenueRejection.BANNED, on=Operation.CREATE, seconds=110))
            until_ms = exchange.now_ms() + 110_000
            await live.send("k0")
            await live.until(lambda: live.engine.parts.state.banned)
            await asyncio.sleep(2)
            (banned,) = [body for body in (event.body for event in live.journal.read()) if isinstance(body, e.Banned)]
            host = exchange.address.partition("//")[2]
            return banned.address == host, banned.until_ns / 1e6 - until_ms, exchange.requests_during_ban

    address, late_ms, during_ban = run(scenario)
    assert address
    assert -2500 < late_ms < 2500  # our own questions during the ban do not prolong it
    assert during_ban == 0


def test_each_order_has_the_price_of_the_exchange_that_it_goes_to(tmp_path):
    async def scenario(_):
        async with AsyncExitStack() as stack:
            one, other = [await stack.enter_async_context(LocalExchange(dialect)) for dialect in ("binance", "bybit")]
            one.set_price(SYMBOL, bid=Decimal(60_000), ask=Decimal(60_010))
            other.set_price(SYMBOL, bid=Decimal(61_000), ask=Decimal(61_010))
            live = await stack.enter_async_context(Live({"one": one, "other": other}, tmp_path))
            await live.until(lambda: live.engine.parts.markets.on("other").quotes)
            await live.send("k0", trader="one")
            await live.send("k1", trader="other")
            await live.until(lambda: live.outcomes().get("placed") == 2)
            return [[order.price for order in exchange.ledger.orders.values()] for exchange in (one, other)]

    assert run(scenario) == [[Decimal(60_010)], [Decimal(61_010)]]


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
def test_a_resting_order_that_fills_is_booked_at_once_and_again_after_a_restart(dialect, tmp_path):
    """The account's user stream hints at it; the next comparison with the venue would be a minute later."""

    async def booked_within_s(live, exchange):
        (order,) = exchange.ledger.open.values()
        exchange.ledger.fill(order, exchange.now_ms(), amount=order.remaining / 2)
        began_s, fills = asyncio.get_running_loop().time(), len(filled(live))
        await live.until(lambda: len(filled(live)) > fills, within_s=10)
        return asyncio.get_running_loop().time() - began_s

    def filled(live):
        return [event.body.fill for event in live.journal.read() if isinstance(event.body, e.Filled)]

    async def scenario(loop):
        async with LocalExchange(dialect) as exchange:
            times_s = []
            for start in range(2):
                exchange.set_price(SYMBOL, bid=Decimal(60_000), ask=Decimal(60_010))
                async with Live({"main": exchange}, tmp_path, streams=True) as live:
                    await live.until(lambda: exchange.streams.listening)
                    if start == 0:
                        await live.send("k0", price="50000", order_type="limit")
                        await live.until(lambda: live.outcomes().get("placed"))
                        await asyncio.sleep(5)
                    times_s.append(await booked_within_s(live, exchange))
                    faults = [b for b in (x.body for x in live.journal.read()) if isinstance(b, e.Incident)]
                    trades = filled(live)
            return times_s, trades, exchange.ledger.trades, [f.where for f in faults if "user stream" in f.where]

    times_s, booked, traded, faults = run(scenario)
    assert max(times_s) < 2
    assert [(fill.trade_id, fill.amount) for fill in booked] == [(trade.trade_id, trade.amount) for trade in traded]
    assert len(booked) == 2
    assert faults == []


def test_on_paper_nobody_logs_in_to_a_user_stream(tmp_path):
    async def scenario(loop):
        async with LocalExchange("binance") as exchange:
            block = {**settings_for("binance", exchange.address, streams=True), "timeout_on_exit": 0}
            settings = load_settings(
                environ={},
                overrides={
                    "mode": "paper",
                    "market.source": "ccxt",
                    "market.history": "0",
                    "symbols": json.dumps([SYMBOL]),
                    "timeframe": "1m",
                    "signals.strategies": "[]",
                    "traders": json.dumps([{"id": "main", "exchange": "binance", "ccxt": block}]),
                },
            )
            environ = {"TIDEGATE_TRADER_MAIN_API_KEY": "key", "TIDEGATE_TRADER_MAIN_SECRET": "secret"}
            real = RealVenues(settings, loop.clock(), environ=environ)
            await real.open()
            (venue,) = real.venues
            venue.listen(lambda _: None)
            await asyncio.sleep(0.5)
            await real.close()
            return exchange.streams.logins

    assert run(scenario) == 0
