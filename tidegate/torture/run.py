"""One run: a pipeline lives, dies and lives again in a faulty world, until everything is settled."""

from __future__ import annotations

from streams.engine import Engine
from tidegate.clock import VirtualLoop
from tidegate.domain.errors import JournalUnavailable
from tidegate.torture.faulty.journal import FaultyJournal
from tidegate.torture.faulty.points import Killed, Points
from tidegate.torture.faulty.script import Script
from tidegate.torture.history import TortureHistory
from tidegate.torture.kept import kept_by
from tidegate.torture.setup import Machine, Setup, Stored
from tidegate.torture.surroundings import Surroundings, history_of
from tidegate.torture.watched import WatchedLoop

__all__ = ["run"]

_LOOK_EVERY_S = 8.0
_DOWN_S = 3.0
_SUSPENDED_S = 600.0
_HALTED_S = 60.0
_STEP_S, _WRONG_S = 40.0, 90.0
_PATIENCE_NS = 420_000_000_000


def run(setup: Setup, script: Script, points: Points) -> TortureHistory:
    """Let a script happen, with what the plan of `points` does to it. The same three give the same history.

    A pipeline that dies, or says that it cannot go on, is started again after three seconds, as a supervisor does. The
    run is over when everything is settled, or seven minutes after the script is.
    """
    machine = setup.machine()
    try:
        histories = _Histories(setup, script, points, machine)
        while (past := histories.live()) is None:
            histories.be_dead()
    finally:
        machine.scrap()
    return past


class _Histories:
    def __init__(self, setup: Setup, script: Script, points: Points, machine: Machine) -> None:
        self._setup, self._points, self._machine = setup, points, machine
        self._around = Surroundings(setup, script, points)
        self._errors: list[str] = []
        self._stopped = False
        self._deadline_ns = self._around.over_ns + _PATIENCE_NS

    def live(self) -> TortureHistory | None:
        """From one start of the process to its end; the history, if that was the last one."""
        around, past = self._around, None
        loop = WatchedLoop(self._points)
        clock = around.world.enter(loop)
        journal = self._machine.open()
        try:
            disk = FaultyJournal(journal, around.world, around.disk, self._machine.committed)
            venues = list(around.venues.values())
            engine = loop.run_until_complete(self._setup.engine(disk, clock, venues, around.bounds))
            self._obey(engine, loop)
            around.attach(engine)
            loop.run_until_complete(engine.start([], self._setup.signals(engine, clock, until_ns=around.over_ns)))
            around.let_signals_in(engine)
            while past is None and not self._stopped and not engine.failed.done():
                loop.call_later(_LOOK_EVERY_S, loop.stop)
                loop.run_forever()
                if not self._stopped and not engine.failed.done() and around.is_quiet(engine, journal):
                    past = self._history(journal, engine, in_time=True)
                elif self._is_late:
                    break
            if engine.failed.done() and not self._points.cancelled:
                self._note("the pipeline failed", engine.failed.exception())
        except (Killed, JournalUnavailable):
            pass
        except Exception as error:  # a supervisor would restart it
            self._note("the pipeline died", error)
        finally:
            if past is None and self._is_late:
                past = self._history(journal, None, in_time=False)
            self._bury(loop, journal)
        return past

    @property
    def _is_late(self) -> bool:
        return self._around.world.now_ns() >= self._deadline_ns

    def be_dead(self) -> None:
        """From the end of a process to its next start: the world continues."""
        world = self._around.world
        if self._around.script.power_cut:
            self._machine.cut_power()
        loop = VirtualLoop()
        world.enter(loop)
        loop.advance(_DOWN_S)

    def _obey(self, engine: Engine, loop: WatchedLoop) -> None:
        self._stopped = False

        async def stop() -> None:
            await engine.stop()
            self._stopped = True
            loop.stop()

        def begin_to_stop() -> None:
            loop.create_task(stop(), name="stop")

        def suspend() -> None:
            self._around.world.suspend(_SUSPENDED_S)
            self._deadline_ns += int(_SUSPENDED_S * 1e9)

        self._points.stop, self._points.suspend = begin_to_stop, suspend
        self._points.halt = lambda: self._around.halt(_HALTED_S)
        self._points.step = lambda: self._around.step_clock(_STEP_S, _WRONG_S)

    def _history(self, journal: Stored, engine: Engine | None, *, in_time: bool) -> TortureHistory:
        kept = None if engine is None else kept_by(engine.parts.state)
        return history_of(self._around, self._setup, journal, kept, in_time=in_time, errors=self._errors)

    def _bury(self, loop: WatchedLoop, journal: Stored) -> None:
        self._around.detach()
        for report in loop.unhandled:
            error = report.get("exception")
            self._note(str(report.get("message")), error if isinstance(error, BaseException) else None)
        loop.bury()
        journal.abandon()

    def _note(self, what: str, error: BaseException | None) -> None:
        self._errors.append(f"{what}: {type(error).__name__}: {error}")
