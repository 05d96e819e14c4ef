"""Orders to real venues: what our path costs beside ccxt's own, and how many a second go over loopback, durably."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, TypeVar

from reactivex import Subject

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.formatting import Figures
from benchmarks.load import signal_lines
from benchmarks.local_exchange import AMOUNT, PLENTY, PRICE, SYMBOL, connected, create_order, local_exchange, plain_ccxt
from benchmarks.lonely_order import lonely_order
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

_T = TypeVar("_T")

_IN_FLIGHT = 16
_HANGS_S = 120.0
_LONELY = 300
_names = count()


def venues(scale: Scale, folder: Path) -> Figures:
    """Processor time of an order with the transport stubbed, orders per second over loopback with 16 in flight, and the
    delay of one that comes alone.

    Without ccxt, which is an extra, nothing is measured.
    """
    if find_spec("ccxt") is None:
        return {"skipped": "ccxt is not installed"}
    return {
        "stubbed": _stubbed(scale, folder),
        "loopback": _loopback(scale, folder),
        "lonely": _over_loopback(folder, lambda address: _lonely(address, folder)),
    }


def _stubbed(scale: Scale, folder: Path) -> Figures:
    orders = scale.venue_orders
    turns: dict[str, Callable[[], TimedRun]] = {
        "ccxt": lambda: asyncio.run(_bare_stubbed(orders)),
        "venue": lambda: asyncio.run(_venue_stubbed(orders)),
        "pipeline": lambda: asyncio.run(_pipeline(_stubbed_venue, orders, folder, mode="paper")),
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
        "ccxt": lambda: _over_loopback(folder, lambda address: _bare(address, orders)),
        "pipeline": lambda: _over_loopback(folder, lambda address: _ours(address, orders, folder)),
    }
    rates = {name: [timed.per_s for timed in timed_runs] for name, timed_runs in alternate(scale.rounds, turns).items()}
    return {
        "in_flight": _IN_FLIGHT,
        **{f"{name}_orders_per_s": median_of_turns(some) for name, some in rates.items()},
        "pipeline_to_ccxt_ratio": median_of_ratios(rates["pipeline"], rates["ccxt"]),
    }


async def _bare_stubbed(orders: int) -> TimedRun:
    from benchmarks.stubbed_transport import stubbed_ccxt

    exchange = stubbed_ccxt()
    with stopwatch() as watch:
        for _ in range(orders):
            await create_order(exchange)
    await exchange.close()
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _venue_stubbed(orders: int) -> TimedRun:
    venue = _stubbed_venue()
    with stopwatch() as watch:
        for request in _requests(orders):
            await venue.create_orders([request])
    await venue.close()
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


def _stubbed_venue() -> CcxtVenue:
    from benchmarks.stubbed_transport import stubbed
    from tidegate.venues.ccxt.venue import CcxtVenue

    venue = CcxtVenue("main", stubbed(), [SYMBOL], clock=Clock.live(asyncio.get_running_loop()))
    venue.take_rules()
    return venue


def _requests(orders: int) -> Sequence[OrderRequest]:
    return [
        OrderRequest(
            client_order_id=f"abcd{next(_names):014x}",
            trader="main",
            symbol=SYMBOL,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            amount=AMOUNT,
            price=PRICE,
            attempt=1,
            reserved=AMOUNT * PRICE,
        )
        for _ in range(orders)
    ]


def _over_loopback(folder: Path, work: Callable[[str], Awaitable[_T]]) -> _T:
    async def run(address: str) -> _T:
        return await work(address)

    with local_exchange(folder) as address:
        return asyncio.run(run(address))


async def _bare(address: str, orders: int) -> TimedRun:
    left = iter(range(orders))

    async def worker() -> None:
        for _ in left:
            await create_order(exchange)

    async with plain_ccxt(address) as exchange:
        with stopwatch() as watch:
            await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))
    return TimedRun(signals=orders, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)


async def _ours(address: str, orders: int, folder: Path) -> TimedRun:
    async with connected(address) as venue:
        return await _pipeline(lambda: venue, orders, folder)


async def _pipeline(
    venue: Callable[[], CcxtVenue], orders: int, folder: Path, *, mode: Literal["live", "paper"] = "live"
) -> TimedRun:
    """Signals that are all at hand, each executed at once: intent and outcome of every order are committed at FULL.

    Live, the account is compared with its venue first; a stubbed transport has no books to compare.
    """
    lines = _purchases(orders)
    with TemporaryDirectory(dir=folder) as own:
        engine = await _started(venue(), f"sqlite:///{own}/journal.db", mode)
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


async def _lonely(address: str, folder: Path) -> Figures:
    async with connected(address) as venue, plain_ccxt(address) as exchange:
        with TemporaryDirectory(dir=folder) as own:
            engine = await _started(venue, f"sqlite:///{own}/journal.db")
            lines, moments = iter(_purchases(_LONELY)), []

            def watch_commits(events: Sequence[e.Recorded]) -> None:
                moments.append(time.perf_counter_ns())
                if type(events[-1].body) is e.Placed:
                    placed.set()

            placed = asyncio.Event()
            engine.parts.commits.committed.subscribe(watch_commits)

            async def place() -> tuple[int, int]:
                moments.clear()
                placed.clear()
                engine.inbox.give([Raw(next(lines))])
                await asyncio.wait_for(placed.wait(), _HANGS_S)
                return moments[0], moments[-1]

            figures = await lonely_order(_LONELY, place, lambda: create_order(exchange), Path(own))
            await engine.stop()
    return figures


def _purchases(count: int) -> Sequence[bytes]:
    """As bare ccxt's orders: a sale would wait for what it sells."""
    lines = signal_lines(count, [SYMBOL], first=next(_names) * count)
    return [line.replace(b'"sell"', b'"buy"') for line in lines]


async def _started(venue: Venue, url: str, mode: Literal["live", "paper"] = "live") -> Engine:
    settings = Settings.model_validate(
        {
            "mode": mode,
            "symbols": [SYMBOL],
            "signals": {"strategies": []},
            "validation": {"max_signal_age_ms": 3_600_000, "market": {"max_data_age_s": 86_400}},
            "execution": {"urgent_score": 0, "signal_ttl_s": 86_400, "interval_s": 3_600, "max_in_flight": _IN_FLIGHT},
            "intake": {"capacity": 100_000, "max_waiting": 100_000},
            "sizing": {"notional": "60"},
            "traders": [{"id": "main", "exchange": "binance"}],
            "journal": {"url": url},
        }
    )
    clock = Clock.live(asyncio.get_running_loop())
    journal = SqliteJournal(url, mode=mode, synchronous="full")
    engine = await assemble(settings, journal, clock, frozenset([SYMBOL]), venues=[venue])
    news: Subject[Candle | Quote] = Subject()
    world = MarketFeed("benchmark", frozenset([SYMBOL]), (), news)
    await engine.start([], background=[generated(engine, world, settings, strategies=False)])
    engine.record(e.BalancesSynced(trader="main", balances={"USDT": PLENTY, "BTC": PLENTY}))
    await engine.committed()
    news.on_next(Quote(SYMBOL, clock.now_ns(), bid=PRICE - 1, ask=PRICE, depth=PLENTY))
    return engine
