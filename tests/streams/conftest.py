"""A whole pipeline on virtual time, over a real journal, for tests of what happens over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
import pytest
from reactivex import Subject

from adapters.sqlite_journal import SqliteJournal
from assembly import assemble, generated
from clock import Clock, VirtualLoop
from domain import events as e
from domain.market import Candle, Quote
from domain.signal import Raw, Receipt
from settings import Settings, load_settings
from simulation.world import World
from streams.engine import Engine
from streams.market import News

START_NS = 1_735_689_600_000_000_000


class Stage:
    """One pipeline, its market in the test's hand. The first execution comes after 10 s, then one every 30 s."""

    def __init__(self, url: str = "sqlite:///:memory:", *, start_ns: int = START_NS, **changes: str) -> None:
        self.loop = VirtualLoop()
        self.clock = Clock.simulated(self.loop, start_ns)
        self.settings: Settings = load_settings(
            environ={}, overrides={k.replace("__", "."): v for k, v in changes.items()}
        )
        self.journal = SqliteJournal(url, mode="paper")
        self.news: Subject[News] = Subject()
        self.receipts: list[Receipt] = []
        symbols = frozenset(self.settings.symbols)
        self.engine: Engine = self.wait(assemble(self.settings, self.journal, self.clock, symbols))

    def start(self, *, price: str | None = "100", strategies: bool = False) -> Stage:
        world = World("a test", self.engine.parts.markets.symbols, (), self.news)
        market = generated(self.engine, world, self.settings, strategies=strategies)
        self.wait(self.engine.start([], background=[market]))
        if price is not None:
            for symbol in self.settings.symbols:
                self.quote(symbol, price)
        return self

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def quote(self, symbol: str, price: str, depth: str = "1000000") -> None:
        level = Decimal(price)
        self.news.on_next(Quote(symbol, self.clock.now_ns(), bid=level, ask=level, depth=Decimal(depth)))

    def candle(self, symbol: str, close: float, *, timeframe_s: int = 10) -> None:
        timeframe_ns = timeframe_s * 1_000_000_000
        opened_ns = self.clock.now_ns() - timeframe_ns
        self.news.on_next(Candle(symbol, opened_ns, timeframe_ns, close, close, close, close, 1e9))

    def send(self, key: str = "a", **fields: object) -> None:
        said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
        self.send_bytes(msgspec.json.encode({name: value for name, value in said.items() if value is not None}))

    def send_bytes(self, payload: bytes) -> None:
        self.engine.inlet.give((Raw(payload, may_say_now=True, reply=self.receipts.append),))

    def run(self, seconds: float) -> Stage:
        """Let time pass; quotes are renewed every second, so that market data does not get old."""
        for _ in range(int(seconds)):
            self.loop.advance(1)
            for quote in list(self.engine.parts.markets.quotes.values()):
                self.news.on_next(msgspec.structs.replace(quote, at_ns=self.clock.now_ns()))
        self.loop.advance(seconds - int(seconds))
        assert self.loop.unhandled == []
        return self

    def bodies(self, kind: type[e.Body] | None = None) -> Sequence[e.Body]:
        found = [event.body for event in self.journal.read()]
        return [body for body in found if kind is None or isinstance(body, kind)]

    def kinds(self) -> list[str]:
        """What happened to signals, in order."""
        return [e.kind_of(event.body) for event in self.journal.read() if event.number]

    def ledger(self) -> dict[str, int]:
        ledger = self.engine.parts.state.ledger
        assert ledger.balanced
        return {outcome.value: count for outcome, count in ledger.outcomes.items() if count}


@pytest.fixture
def stage() -> Callable[..., Stage]:
    return Stage
