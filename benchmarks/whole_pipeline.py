"""The pipeline as it ships, over a real file and a market of endless depth, every signal urgent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path

from reactivex import Subject

from benchmarks.latency_probe import LatencyProbe
from benchmarks.load import FOUR, Arrivals, Offer
from benchmarks.runs import Offered, TimedRun, stopwatch
from operators import subscribe_chunks
from streams.engine import Engine
from streams.inbox import given_room
from tidegate.assembly import assemble, generated
from tidegate.clock import Clock
from tidegate.domain.events import Recorded
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Candle, Quote, base_of
from tidegate.domain.signal import Raw
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.market.feeds import MarketFeed
from tidegate.settings import Settings

__all__ = ["WholePipeline", "opened", "settings_of"]

_PLENTY = Decimal(10**9)
_PATIENCE_S = 20.0
_HANGS_S = 120.0


def settings_of(url: str, symbols: Sequence[str], *, group: int = 0, urgent_score: float = 0) -> Settings:
    """What ships, except that signals from `urgent_score` on are urgent, none too old, and there is enough of
    everything.

    Groups of `group` signals fit into one commit, and may all be in flight.
    """
    shipped = Settings()
    balances = dict.fromkeys(("USDT", *map(base_of, symbols)), _PLENTY)
    return Settings.model_validate(
        {
            "symbols": symbols,
            "signals": {"strategies": []},
            "validation": {"max_signal_age_ms": 3_600_000, "market": {"max_data_age_s": 86_400}},
            "execution": {
                "urgent_score": urgent_score,
                "signal_ttl_s": 86_400,
                "interval_s": 3_600,
                "first_after_s": 3_600,
                "max_in_flight": max(shipped.max_in_flight, 4 * group),
            },
            "sizing": {"sell_holdings": True},  # a sale need not wait until what it sells was bought
            "limits": {"max_open_positions": 2 * len(symbols)},
            "traders": [{"balances": balances}],
            "journal": {"url": url, "group_max": max(shipped.journal.group_max, 4 * group)},
        }
    )


class WholePipeline:
    """A running pipeline that counts its commits, and reports when its signals have recorded orders."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.commits = 0
        self._wanted = self.placed
        self._all_placed = asyncio.get_running_loop().create_future()
        self._on_commit: Callable[[], None] | None = None
        engine.parts.commits.committed.subscribe(self._committed)

    @property
    def placed(self) -> int:
        """How many signals have a recorded order."""
        return self.engine.parts.state.ledger.outcomes[Outcome.PLACED]

    async def flat_out(self, lines: Sequence[bytes]) -> TimedRun:
        """Let signals in as fast as they are recorded, as those of a file."""
        clock, load = self.engine.parts.clock, self.engine.parts.intake_load
        source = given_room(lines, depth=load.depth_of_inputs, depth_max=load.inputs_max, clock=clock)
        given = partial(subscribe_chunks, source, self.engine.inbox.give, _nothing, _nothing)
        return await self._timed(len(lines), given)

    async def in_groups(self, lines: Sequence[bytes], group: int) -> TimedRun:
        """Let `group` signals in with each commit."""
        raws = iter([Raw(line) for line in lines])

        def feed() -> None:
            self.engine.inbox.give(islice(raws, group))

        self._on_commit = feed
        try:
            return await self._timed(len(lines), feed)
        finally:
            self._on_commit = None

    async def waiting(self, lines: Sequence[bytes]) -> None:
        """Let signals in that are not urgent, until all of them wait for their execution."""
        receipts = [self.engine.submit(line) for line in lines]
        async with asyncio.timeout(_HANGS_S):
            await asyncio.gather(*receipts)

    async def offered(self, schedule: Offer) -> Offered:
        """Let signals in as they arrive, and wait until all are ordered or turned away, but not for more than 20 s."""
        watch = LatencyProbe(self.engine, schedule)
        arrivals = Arrivals(schedule, watch.hand_over)
        backlog: list[tuple[float, int]] = []
        while not arrivals.all_given.done():
            await asyncio.wait([arrivals.all_given], timeout=min(1.0, schedule.for_s / 10))
            backlog.append((arrivals.since_ns / 1e9, schedule.arrived(arrivals.since_ns) - watch.ended))
        given_ns = arrivals.since_ns
        await asyncio.wait([watch.all_ended], timeout=_PATIENCE_S)
        return Offered(
            acknowledged_ns=watch.acknowledged_ns,
            acknowledged_at_ns=watch.acknowledged_at_ns,
            ordered_ns=watch.ordered_ns,
            told_ns=watch.told_ns,
            backlog=backlog,
            unfinished=schedule.count - watch.ended,
            generator_share=watch.generating_ns / given_ns,
            watching_share=watch.watching_ns / given_ns,
        )

    async def _timed(self, count: int, begin: Callable[[], object]) -> TimedRun:
        self._wanted, self._all_placed = self.placed + count, asyncio.get_running_loop().create_future()
        commits = self.commits
        with stopwatch() as watch:
            begin()
            ends = (self._all_placed, self.engine.failed)
            await asyncio.wait(ends, timeout=_HANGS_S, return_when=asyncio.FIRST_COMPLETED)
        if self.engine.failed.done():
            self.engine.failed.result()
        if not self._all_placed.done():
            raise TimeoutError(f"not placed within {_HANGS_S:g} s: {dict(self.engine.parts.state.ledger.outcomes)}")
        return TimedRun(signals=count, wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=self.commits - commits)

    def _committed(self, _: Sequence[Recorded]) -> None:
        self.commits += 1
        if self._on_commit is not None:
            self.engine.parts.clock.call_soon(self._on_commit)
        if self.placed >= self._wanted and not self._all_placed.done():
            self._all_placed.set_result(None)


@asynccontextmanager
async def opened(
    journal: Path, symbols: Sequence[str] = FOUR, *, group: int = 0, urgent_score: float = 0
) -> AsyncIterator[WholePipeline]:
    """A pipeline over a journal, new or not, in which every symbol has a price; it is stopped at the end."""
    settings = settings_of(f"sqlite:///{journal}", symbols, group=group, urgent_score=urgent_score)
    clock = Clock.live(asyncio.get_running_loop())
    kept = SqliteJournal(settings.journal.url, mode="paper", synchronous=settings.journal.synchronous)
    engine = await assemble(settings, kept, clock, frozenset(symbols))
    news: Subject[Candle | Quote] = Subject()
    world = MarketFeed("benchmark", frozenset(symbols), (), news)
    await engine.start([], background=[generated(engine, world, settings, strategies=False)])
    for symbol in symbols:
        news.on_next(Quote(symbol, clock.now_ns(), bid=Decimal(100), ask=Decimal("100.02"), depth=_PLENTY))
    try:
        yield WholePipeline(engine)
    finally:
        await engine.stop()


def _nothing(*_: object) -> None:
    """How the lines end is of no interest."""
