"""A whole pipeline on virtual time, over a real journal, for tests of what happens over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec
import pytest
from reactivex import Observable, Subject

from streams.checks.check import ExecutionChecks
from streams.engine import Engine
from streams.market import News
from streams.reconciliation import Reconciliation
from streams.reconciliation_schedule import ReconciliationSchedule
from streams.state import State
from tidegate.assembly import assemble, generated
from tidegate.assembly.composition import Composition
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.market import Candle, MarketRules, Quote
from tidegate.domain.order import (
    Answer,
    Fill,
    Listing,
    LookupResult,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    VenueOrder,
)
from tidegate.domain.ports import Fold, Item, UnknownOrderPolicy, Venue
from tidegate.domain.signal import Raw, Receipt
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.market.feeds import MarketFeed
from tidegate.settings import Settings, load_settings

START_NS = 1_735_689_600_000_000_000


class Machine:
    """A machine whose wall clock somebody sets, and which can be suspended: its loop stands still, time goes on."""

    def __init__(self, *, wall_s: float = 0.0) -> None:
        self.wall_s, self.stood_s = wall_s, 0.0

    def clock(self, loop: VirtualLoop, start_ns: int) -> Clock:
        """What a program sees that starts on it now."""

        def steady_ns() -> int:
            return start_ns + loop.time_ns() + int(self.stood_s * 1e9)

        def wall_ns() -> int:
            return steady_ns() + int(self.wall_s * 1e9)

        return Clock(loop, epoch_ns=wall_ns() - steady_ns(), steady_ns=steady_ns, wall_ns=wall_ns)


class Stage:
    """One pipeline, its market in the test's hand. The first execution comes after 10 s, then one every 30 s."""

    def __init__(
        self,
        url: str = "sqlite:///:memory:",
        *,
        start_ns: int = START_NS,
        journal: Callable[..., SqliteJournal] = SqliteJournal,
        venues: Callable[[Stage], Sequence[Venue]] | None = None,
        machine: Machine | None = None,
        folds: Sequence[Fold] = (),
        checks: Callable[[ExecutionChecks], ExecutionChecks] = lambda default: default,
        funded: bool = False,
        priced_on: Mapping[str, str] = MappingProxyType({}),
        own: Composition | None = None,
        **changes: str,
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = Clock.simulated(self.loop, start_ns) if machine is None else machine.clock(self.loop, start_ns)
        self.settings: Settings = load_settings(
            environ={}, overrides={k.replace("__", "."): v for k, v in changes.items()}
        )
        self.journal = journal(url, mode="paper")
        self.news: Subject[News] = Subject()
        self.receipts: list[Receipt] = []
        symbols = frozenset(self.settings.symbols)
        given = None if venues is None else venues(self)
        if funded and "paper" not in State.of(self.journal).book.accounts:
            funds = e.Funded(trader="paper", balances=self.settings.traders[0].balances)
            self.wait(self.journal.commit([Item(self.clock.wall_ns(), (funds,))], {}))
        self.engine: Engine = self.wait(
            assemble(
                self.settings,
                self.journal,
                self.clock,
                symbols,
                venues=given,
                priced_on=priced_on,
                own=own or Composition(checks=checks, folds=folds),
            )
        )

    def start(
        self, *, price: str | None = "100", strategies: bool = False, inputs: Sequence[Observable[Raw]] = ()
    ) -> Stage:
        world = MarketFeed("a test", self.engine.parts.markets.symbols, (), self.news)
        market = generated(self.engine, world, self.settings, strategies=strategies)
        self.wait(self.engine.start(inputs, background=[market]))
        if price is not None:
            for symbol in self.settings.symbols:
                self.quote(symbol, price)
        return self

    def kill(self) -> None:
        """End it here and now, as a power cut would."""
        self.journal.close()
        self.loop.close()

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def quote(self, symbol: str, price: str, depth: str = "1000000") -> None:
        level = Decimal(price)
        self.news.on_next(Quote(symbol, self.clock.wall_ns(), bid=level, ask=level, depth=Decimal(depth)))

    def candle(self, symbol: str, close: float, *, timeframe_s: int = 10) -> None:
        timeframe_ns = timeframe_s * 1_000_000_000
        opened_ns = self.clock.wall_ns() - timeframe_ns
        self.news.on_next(Candle(symbol, opened_ns, timeframe_ns, close, close, close, close, 1e9))

    def send(self, key: str = "a", *, generated: bool = False, **fields: object) -> None:
        said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
        payload = msgspec.json.encode({name: value for name, value in said.items() if value is not None})
        self.send_bytes(payload, generated=generated)

    def send_bytes(self, payload: bytes, *, generated: bool = False) -> None:
        raw = Raw(payload, generated=generated, may_say_now=True, reply=self.receipts.append)
        self.engine.inbox.give((raw,))

    def run(self, seconds: float) -> Stage:
        """Let time pass; quotes are renewed every second, so that market data does not get old."""
        for _ in range(int(seconds)):
            self.loop.advance(1)
            for quote in list(self.engine.parts.markets.quotes.values()):
                self.news.on_next(msgspec.structs.replace(quote, at_ns=self.clock.wall_ns()))
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


class Scripted:
    """A venue that answers as the script says, an answer or an exception for each call, the last one for ever."""

    trader = "paper"

    def __init__(
        self, it: Stage, *script: object, takes_s: float = 0.0, batch_max: int = 1, found: object = None
    ) -> None:
        self.it, self.script, self.takes_s, self.batch_max = it, list(script), takes_s, batch_max
        self.found = found if isinstance(found, list) else [found]
        self.unknown_order_policy = UnknownOrderPolicy(window_s=60, absence_is_proof=True)
        self.asked_at_s: list[float] = []
        self.orders: list[VenueOrder] = []
        self.unlisted: tuple[str, ...] = ()
        self.silent: Exception | None = None
        self.has: dict[str, Decimal] | None = None
        self.down: Exception | None = None
        self.sent: list[OrderRequest] = []
        self.sent_at_s: list[float] = []
        self.committed: list[list[str]] = []
        self.tell: Callable[[OrderUpdate], None] = lambda _: None

    def rules(self, symbol: str) -> MarketRules:
        return MarketRules(symbol, tick=Decimal("0.01"), lot=Decimal("0.01"), min_notional=Decimal(5))

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        self.sent += requests
        self.sent_at_s.append(self.it.loop.time())
        self.committed.append(self.it.kinds())
        if self.takes_s:
            answered = self.it.loop.create_future()
            self.it.loop.call_later(self.takes_s, answered.set_result, None)
            await answered
        says = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(says, BaseException):
            raise says
        return says if isinstance(says, list) else [says] * len(requests)

    async def find_order(self, request: OrderRequest) -> LookupResult:
        self.asked_at_s.append(self.it.loop.time())
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(found, BaseException):
            raise found
        return found

    async def orders_since(self, since_ns: int) -> Listing:
        self.listed_since_ns = since_ns
        if self.silent is not None:
            raise self.silent
        return Listing(orders=self.orders, missing=self.unlisted)

    async def balances(self) -> Mapping[str, Decimal]:
        if self.down is not None:
            raise self.down
        ours = self.it.engine.parts.state.book.account(self.trader).balances
        return {currency: balance.total for currency, balance in ours.items()} if self.has is None else self.has

    def listen(self, heard: Callable[[OrderUpdate], None]) -> None:
        self.tell = heard

    def update(self, status: OrderStatus, *fills: Fill, order: int = -1, filled: str | None = None) -> None:
        self.tell(
            OrderUpdate(
                trader=self.trader,
                client_order_id=self.sent[order].client_order_id,
                at_ns=self.it.clock.wall_ns(),
                status=status,
                fills=fills,
                filled=None if filled is None else Decimal(filled),
            )
        )


class Faltering(SqliteJournal):
    """A journal whose disk is full for events of some kinds."""

    full_for: tuple[type[e.Body], ...] = ()
    takes_s = 0.0
    loop = None

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]):
        if self.takes_s and items:
            written = self.loop.create_future()
            self.loop.call_later(self.takes_s, written.set_result, None)
            await written
        if any(isinstance(body, self.full_for) for item in items for body in item.bodies):
            raise JournalUnavailable("disk full")
        return await super().commit(items, snapshots)


class Reconciling:
    """Rounds of reconciliation over the venues of a pipeline: what was told, and when accounts were compared."""

    def __init__(self, it: Stage, *venues: Venue, every_s: float = 60.0) -> None:
        parts, engine = it.engine.parts, it.engine
        self.told: list[str] = []
        self.compared_s: list[float] = []
        self.clock = it.clock
        self.reconciliations = ReconciliationSchedule(
            Reconciliation(
                parts.state,
                it.journal,
                parts.pending,
                parts.updates,
                engine.resolution,
                clock=parts.clock,
                commits=parts.commits,
                tag=engine.rules.execution.tag,
            ),
            venues or [trader.venue for trader in engine.traders],
            clock=it.clock,
            every_s=every_s,
            fault=lambda where, error: self.told.append(f"{where}: {error}"),
            differed=lambda body: self.told.append(f"{body.where}: {body.text}"),
            committed=engine.committed,
            compared=self._compared,
        )
        self.reconciliations.start()
        engine.parts = msgspec.structs.replace(parts, reconciliations=self.reconciliations)
        it.run(0.01)

    def _compared(self, trader: str) -> None:
        self.compared_s.append(self.clock.loop.time())


@pytest.fixture(scope="session")
def reconciling() -> Callable[..., Reconciling]:
    return Reconciling


@pytest.fixture(scope="session")
def stage() -> Callable[..., Stage]:
    return Stage


@pytest.fixture(scope="session")
def machines() -> type[Machine]:
    return Machine


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture(scope="session")
def scripted() -> Callable[..., Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def trading() -> Callable[..., Stage]:
    """A pipeline on a scripted venue; `signals` of them wait for the execution at 10 s."""

    def start(
        *script: object,
        url: str = "sqlite:///:memory:",
        start_ns: int = START_NS,
        signals: int = 1,
        takes_s: float = 0.0,
        batch_max: int = 1,
        found: object = None,
        trader: str = "paper",
        unknown_order_policy: UnknownOrderPolicy | None = None,
        machine: Machine | None = None,
        **changes: str,
    ) -> Stage:
        settings = {"execution__order_creation_retry_delay_ms": "1000", **changes}

        def scripted(it: Stage) -> Sequence[Scripted]:
            it.journal.loop = it.loop
            it.venue = Scripted(it, *script, takes_s=takes_s, batch_max=batch_max, found=found)
            it.venue.trader = trader
            it.venue.unknown_order_policy = unknown_order_policy or it.venue.unknown_order_policy
            return [it.venue]

        it = Stage(url, start_ns=start_ns, journal=Faltering, machine=machine, venues=scripted, funded=True, **settings)
        it.start()
        for number in range(signals):
            it.send(f"k{number}")
        return it

    return start
