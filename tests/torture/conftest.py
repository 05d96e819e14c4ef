"""Tortured pipelines for tests."""

import pytest

from tidegate.clock import VirtualLoop
from tidegate.domain.errors import JournalUnavailable
from tidegate.settings import load_settings
from tidegate.torture.faulty import Planned, Points, Script, draw
from tidegate.torture.faulty.journal import FaultyJournal
from tidegate.torture.history import TortureHistory
from tidegate.torture.kept import kept_by
from tidegate.torture.run import run
from tidegate.torture.surroundings import Surroundings, history_of
from tidegate.torture.tortured_setup import TorturedSetup
from tidegate.torture.watched import WatchedLoop


@pytest.fixture
def setup(tmp_path):
    return TorturedSetup(load_settings(environ={}), tmp_path)


@pytest.fixture
def drawn(setup):
    return lambda seed: draw(seed, symbols=setup.symbols, traders=setup.traders)


@pytest.fixture
def happen(setup):
    """Let mishaps happen to one signal that buys after a second, or to those given; the history of that."""

    def let(*venue_faults, signals=(Planned("s1", 1, "BTC/USDT", "buy"),), points=None, **world):  # noqa: B008
        return run(setup, Script(signals=signals, venue_faults=venue_faults, **world), points or Points())

    return let


class Pilot:
    """A tortured pipeline in the test's hand: it lives, dies and is settled when it is told to."""

    def __init__(self, setup, **world):
        first = tuple(Planned(f"first {symbol}", 0.5, symbol, "buy") for symbol in setup.symbols[:2])
        self.setup, self.points = setup, Points()
        self.around = Surroundings(setup, Script(signals=first, **world), self.points)
        self.machine = setup.machine()
        self.engine = None
        self.start()

    @property
    def world(self):
        return self.around.world

    @property
    def alive(self) -> bool:
        return self.engine is not None

    def start(self) -> None:
        self.loop = WatchedLoop(self.points)
        clock = self.world.enter(self.loop)
        self.journal = self.machine.open()
        disk = FaultyJournal(self.journal, self.world, self.around.disk)
        venues = list(self.around.venues.values())
        try:
            self.engine = self.loop.run_until_complete(self.setup.engine(disk, clock, venues, self.around.bounds))
        except JournalUnavailable:  # as at a real start: it says so, and is gone
            self.kill()
            return
        self.around.attach(self.engine)
        self.loop.run_until_complete(self.engine.start([]))
        self.around.let_signals_in(self.engine)

    def kill(self, dead_s: float = 3.0) -> None:
        self.around.detach()
        assert self.loop.unhandled == []
        self.loop.bury()
        self.journal.abandon()
        self.engine = None
        dead = VirtualLoop()
        self.world.enter(dead)
        dead.advance(dead_s)

    def let_pass(self, seconds: float) -> None:
        self.loop.advance(seconds)
        assert not self.engine.failed.done(), self.engine.failed

    def settle(self, within_s: float = 900.0) -> None:
        until_ns = self.world.now_ns() + int(within_s * 1e9)
        while not self.around.is_quiet(self.engine, self.journal) and self.world.now_ns() < until_ns:
            self.let_pass(8)

    def history(self, *, over: bool = True) -> TortureHistory:
        """What is known now; before it is over nothing is expected of the pipeline's own state."""
        kept = kept_by(self.engine.parts.state) if over else None
        quiet = over and self.around.is_quiet(self.engine, self.journal)
        return history_of(self.around, self.setup, self.journal, kept, in_time=quiet)


@pytest.fixture
def pilot(setup):
    pilots = []

    def begin(**given):
        pilots.append(Pilot(setup, **given))
        return pilots[-1]

    yield begin
    for one in pilots:
        if one.alive:
            one.kill()


@pytest.fixture(scope="session")
def pilot_of():
    return Pilot
