"""Orders to real venues: what our path costs beside ccxt's own, and how many a second go over loopback, durably."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reactivex import Subject

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.formatting import Figures
from benchmarks.load import signal_lines
from benchmarks.runs import TimedRun, stopwatch
from benchmarks.scale import Scale
from streams.engine import Engine
from streams.market import MarketFeed
from tidegate.assembly import assemble, generated
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Candle, Quote
from tidegate.domain.order import OrderRequest
from tidegate.domain.ports import Venue
from tidegate.domain.signal import OrderType, Raw, Side
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.venues.ccxt.venue import CcxtVenue

__all__ = ["venues"]

_SYMBOL = "BTC/USDT"
_IN_FLIGHT = 16
_HANGS_S = 120.0
_ROOT = Path(__file__).parents[1]
_AMOUNT, _PRICE, _PLENTY = Decimal("0.00099"), Decimal("60000.01"), Decimal(10**9)
_KEYS = {"apiKey": "key", "secret": "secret"}
_names = count()


def venues(scale: Scale, folder: Path) -> Figures:
    """Processor time of an order with the transport stubbed, and orders per second over loopback with 16 in flight.

    Without ccxt, which is an extra, nothing is measured.
    """
    if find_spec("ccxt") is None:
        return {"skipped": "ccxt is not installed"}
    return {"stubbed": _stubbed(scale, folder), "loopback": _loopback(scale, folder)}


def _stubbed(scale: Scale, folder: Path) -> Figures:
    orders = scale.venue_orders
    turns: dict[str, Callable[[], TimedRun]] = {
        "ccxt": lambda: asyncio.run(_bare_stubbed(orders)),
        "venue": lambda: asyncio.run(_venue_stubbed(orders)),
        "pipeline": lambda: asyncio.run(_pipeline_stubbed(orders, folder)),
    }
    timed_runs = alternate(scale.rounds, turns)
    cpu = {name: [timed.cpu_us for timed in some] for name, some in timed_runs.items()}
    return {
        **{f"{name}_cpu_us": median_of_turns(some) for name, some in cpu.items()},
        **{
            f"{name}_on_top_to_ccxt_ratio": median_of_ratios(
                [ours - theirs for ours, theirs in zip(cpu[name], cpu["ccxt"], strict=True)], cpu["ccxt"]
            )
            for name in ("venue", "pipeline")
        },
    }


def _loopback(scale: Scale, folder: Path) -> Figures:
    orders = scale.venue_orders
    turns: dict[str, Callable[[], TimedRun]] = {
        "ccxt": lambda: _over_loopback(folder, lambda venue: _bare(venue, orders)),
        "pipeline": lambda: _over_loopback(folder, lambda venue: _pipeline(venue, orders, folder)),
    }
    rates = {name: [timed.per_s for timed in timed_runs] for name, timed_runs in alternate(scale.rounds, turns).items()}
    return {
        "in_flight": _IN_FLIGHT,
        **{f"{name}_orders_per_s": median_of_turns(some) for name, some in rates.items()},
        "pipeline_to_ccxt_ratio": median_of_ratios(rates["pipeline"], rates["ccxt"]),
    }


async def _bare_stubbed(orders: int) -> TimedRun:
    from benchmarks.stubbed_transport import stubbed

    connection = stubbed()
    with stopwatch() as watch:
        for request in _requests(orders):
            await _create(connection.exchange, request)
    await connection.close()
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _venue_stubbed(orders: int) -> TimedRun:
    venue = _stubbed_venue()
    with stopwatch() as watch:
        for request in _requests(orders):
            await venue.create_orders([request])
    await venue.close()
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _pipeline_stubbed(orders: int, folder: Path) -> TimedRun:
    return await _pipeline(_stubbed_venue(), orders, folder)


def _stubbed_venue() -> CcxtVenue:
    from benchmarks.stubbed_transport import SYMBOL, stubbed
    from tidegate.venues.ccxt.venue import CcxtVenue

    venue = CcxtVenue("main", stubbed(), [SYMBOL], clock=Clock.live(asyncio.get_running_loop()))
    venue.take_rules()
    return venue


async def _create(exchange: object, request: OrderRequest) -> None:
    create = exchange.create_order  # type: ignore[attr-defined]
    side, amount, price = request.side.value, format(request.amount, "f"), format(_PRICE, "f")
    await create(request.symbol, "limit", side, amount, price, {"clientOrderId": request.client_order_id})


def _requests(orders: int) -> Sequence[OrderRequest]:
    return [
        OrderRequest(
            client_order_id=f"abcd{next(_names):014x}",
            trader="main",
            symbol=_SYMBOL,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            amount=_AMOUNT,
            price=_PRICE,
            attempt=1,
            reserved=_AMOUNT * _PRICE,
        )
        for _ in range(orders)
    ]


def _over_loopback(folder: Path, work: Callable[[CcxtVenue], object]) -> TimedRun:
    async def run(address: str) -> TimedRun:
        async with _connected(address) as venue:
            timed = work(venue)
            assert asyncio.iscoroutine(timed)  # noqa: S101
            measured: TimedRun = await timed
            return measured

    with _exchange(folder) as address:
        return asyncio.run(run(address))


async def _bare(venue: CcxtVenue, orders: int) -> TimedRun:
    exchange, left = venue.exchange, iter(_requests(orders))

    async def worker() -> None:
        for request in left:
            await _create(exchange, request)

    with stopwatch() as watch:
        await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _pipeline(venue: CcxtVenue, orders: int, folder: Path) -> TimedRun:
    """Signals that are all at hand, each executed at once: intent and outcome of every order are committed at FULL."""
    lines = signal_lines(orders, [_SYMBOL], first=next(_names) * orders)
    with TemporaryDirectory(dir=folder) as own:
        engine = await _started(venue, f"sqlite:///{own}/journal.db")
        done = asyncio.get_running_loop().create_future()

        def watch_commits(_: object) -> None:
            ledger = engine.parts.state.ledger
            under_way = ledger.open_among((Outcome.WAITING, Outcome.PLACING))
            if ledger.received >= orders and not under_way and not done.done():
                done.set_result(None)

        engine.parts.commits.committed.subscribe(watch_commits)
        with stopwatch() as watch:
            engine.inbox.give([Raw(line) for line in lines])
            await asyncio.wait_for(done, _HANGS_S)
        outcomes = {outcome.value: count for outcome, count in engine.parts.state.ledger.outcomes.items() if count}
        if outcomes.get("placed", 0) < 0.99 * orders:
            raise RuntimeError(f"most orders must be placed, were {outcomes}")
        await engine.stop()
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _started(venue: Venue, url: str) -> Engine:
    settings = Settings.model_validate(
        {
            "symbols": [_SYMBOL],
            "signals": {"strategies": []},
            "validation": {"max_signal_age_ms": 3_600_000, "market": {"max_data_age_s": 86_400}},
            "execution": {"urgent_score": 0, "signal_ttl_s": 86_400, "interval_s": 3_600, "max_in_flight": _IN_FLIGHT},
            "intake": {"capacity": 100_000, "max_waiting": 100_000},
            "sizing": {"notional": "60"},
            "traders": [{"id": "main"}],
            "journal": {"url": url},
        }
    )
    clock = Clock.live(asyncio.get_running_loop())
    journal = SqliteJournal(url, mode="paper", synchronous="full")
    engine = await assemble(settings, journal, clock, frozenset([_SYMBOL]), venues=[venue])
    news: Subject[Candle | Quote] = Subject()
    world = MarketFeed("benchmark", frozenset([_SYMBOL]), (), news)
    await engine.start([], background=[generated(engine, world, settings, strategies=False)])
    engine.record(e.BalancesSynced(trader="main", balances={"USDT": _PLENTY, "BTC": _PLENTY}))
    await engine.committed()
    news.on_next(Quote(_SYMBOL, clock.now_ns(), bid=_PRICE - 1, ask=_PRICE, depth=_PLENTY))
    return engine


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[CcxtVenue]:
    from tidegate.emulator import settings_for
    from tidegate.venues.ccxt.connection import connect
    from tidegate.venues.ccxt.venue import CcxtVenue

    connection = connect("binance", settings_for("binance", address), _KEYS, trader="main")
    venue = CcxtVenue("main", connection, [_SYMBOL], clock=Clock.live(asyncio.get_running_loop()))
    await venue.open()
    try:
        yield venue
    finally:
        await venue.close()


@contextmanager
def _exchange(folder: Path) -> Iterator[str]:
    balances = folder / "balances.json"
    balances.write_text(json.dumps({"USDT": str(_PLENTY), "BTC": str(_PLENTY)}))
    command = [sys.executable, "-m", "tidegate.emulator", "--dialect", "binance", "--balances", str(balances)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None  # noqa: S101
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.kill()
