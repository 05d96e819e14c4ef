"""Tidegate for programs on an asyncio loop: a running pipeline, composed, watched and asked.

async with Pipeline("settings.json", rules=lambda default: compose(default, my_check), sources=[my_signals]) as p:
    p.events.subscribe(print)
    receipt = await p.submit({"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k1"})
    print(p.history(receipt.signal_id))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from reactivex import Observable

from operators import Rules
from streams.availability import Suspension
from streams.checks.check import ExecutionChecks
from streams.diagnosed import Execution, execute_with_diagnostics
from streams.engine import Engine
from streams.execution import ExecutionCycle
from streams.own_executions import Executions
from streams.own_sources import SignalInput, as_raw, own_source
from streams.published import Published
from tidegate.assembly import Composition, Following, begin_log, generated, open_live
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.check_result import CheckResult
from tidegate.domain.errors import NotAccepted, TidegateError
from tidegate.domain.incident import IncidentKind
from tidegate.domain.market import Candle, Quote
from tidegate.domain.ports import Fold, JournalReader
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt, Reply
from tidegate.domain.text import safe
from tidegate.domain.verdict import Refusal, Verdict
from tidegate.insight.diagnosis import diagnose
from tidegate.insight.history import HistoryText, history_text
from tidegate.insight.listing import PositionSummary, position_rows
from tidegate.insight.preview import blockers
from tidegate.insight.report import report_of
from tidegate.insight.telemetry import Telemetry
from tidegate.journal import open_journal, path_of
from tidegate.settings import Settings, load_settings

__all__ = ["Pipeline"]

_T = TypeVar("_T")
_NOT_RUNNING = "the pipeline is not running: start it with `async with` or `await start()`"
_ONCE = "a Pipeline runs once: make another one"


class Pipeline:
    """One running pipeline, on the asyncio loop that starts it; a notebook's own loop, for example.

    `settings` are settings, a path to them, or None for settings.json where there is one; `overrides` change single
    ones by their dotted path, as `--set` does. `rules` takes the default entry rules and gives those that apply: a
    stage of your own that drops, doubles or invents a verdict, or raises, refuses it under its name. `sources` are
    Observables of signals: mappings, JSON or `Raw`. `executions` takes the Observable of execution cycles and gives
    the one that applies. `checks` takes the default chain of execution checks and gives the one that applies; `folds`
    take in every event ever committed, and keep their images in the journal. `strategies` says whether signals are
    generated too, `log` whether it logs as `run` does; otherwise it logs nothing. `clock` is for simulated time.

    `events`, `verdicts`, `executions`, `quotes` and `candles` may be subscribed to on the loop, before the start or
    after it, any number of times. A subscriber that raises, hangs or floods is dropped, and recorded by name as an
    incident. They complete when the pipeline stops.

    Everything but `hand_in` belongs to the loop's own thread. It runs once, and only one at a time runs on a journal.
    Memory: that of the pipeline.

    Raises:
        SettingsError: a setting is wrong.
    """

    def __init__(
        self,
        settings: Settings | str | Path | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        rules: Rules | None = None,
        sources: Sequence[Observable[SignalInput]] = (),
        executions: Executions | None = None,
        checks: Callable[[ExecutionChecks], ExecutionChecks] | None = None,
        folds: Sequence[Fold] = (),
        strategies: bool = True,
        log: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(settings, Settings):
            if overrides:
                raise TidegateError("overrides change what is read from a file: change the Settings themselves")
        else:
            settings = load_settings(Path(settings) if settings is not None else None, overrides=overrides or {})
        self.settings = settings
        self._rules, self._executions, self._sources = rules, executions, list(sources)
        self._checks, self._folds = checks, list(folds)
        self._strategies, self._logs = strategies, log
        self._clock, self._published = clock, None if clock is None else Published(clock)
        self._engine: Engine | None = None
        self._log: Following | None = None
        self._telemetry: Telemetry
        self._begun = False

    async def start(self) -> None:
        """Open journal, market and venues, resume what an earlier run left, and take signals from then on.

        Raises:
            TypeError: `rules` gives no stage, or one that drops verdicts, such as `only_accepted()`.
            SettingsError: a recording, a strategy, an exchange or a key cannot be used.
            JournalRefused: another pipeline runs on the journal, or it is that of another market.
            VenueUnavailable: an exchange does not answer.
            TidegateError: it was started before.
        """
        if self._begun:
            raise TidegateError(_ONCE)
        self._begun = True
        clock, published = self._on_this_loop()
        detailed = begin_log(self.settings) if self._logs else False
        own = Composition(self._rules, self._checks, self._executions, self._folds, published)
        engine, feed = await open_live(self.settings, clock, own=own)
        if self._logs:
            self._log = Following(engine, self.settings.journal.url, detailed=detailed)
        self._telemetry = Telemetry.of(engine) if self._log is None else self._log.telemetry
        market = generated(engine, feed, self.settings, strategies=self._strategies, on_news=published.on_news)
        failed = partial(engine.fault, IncidentKind.SOURCE_FAILED)
        sources = [
            own_source(source, name=f"source {number} of the program", clock=clock, alarm=failed)
            for number, source in enumerate(self._sources, 1)
        ]
        try:
            await engine.start([], background=[market, *sources])
        except BaseException:
            await self._end(engine)
            raise
        self._engine = engine

    async def stop(self) -> dict[str, int]:
        """Let nothing more in, see what is in flight through for up to 10 s, close the journal; says what still waits,
        by outcome. Cancelled meanwhile, it does that all the same. Without effect when it is not running.
        """
        engine, self._engine = self._engine, None
        return {} if engine is None else await self._end(engine)

    async def serve_forever(self) -> None:
        """Run until this is cancelled, as by Ctrl-C.

        Raises:
            TidegateError: the pipeline broke, or is not running.
        """
        engine = self._running()
        try:
            await asyncio.shield(engine.failed)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise _broken(engine) from error

    async def until_idle(self) -> None:
        """Wait until nothing waits, is being placed or is unknown.

        Raises:
            TidegateError: the pipeline broke, or is not running.
        """
        engine = self._running()
        try:
            await engine.when_idle()
        except Exception as error:
            raise _broken(engine) from error

    @property
    def events(self) -> Observable[e.Recorded]:
        """The journal's events, once they are committed."""
        return self._on_this_loop()[1].events.stream

    @property
    def verdicts(self) -> Observable[Verdict]:
        """The verdict on each new signal, accepted or refused, once it is committed."""
        return self._on_this_loop()[1].verdicts.stream

    @property
    def executions(self) -> Observable[ExecutionCycle]:
        """Execution cycles, as they begin."""
        return self._on_this_loop()[1].executions.stream

    @property
    def quotes(self) -> Observable[Quote]:
        """The best prices of the market followed."""
        return self._on_this_loop()[1].quotes.stream

    @property
    def candles(self) -> Observable[Candle]:
        """The closed candles of the market followed."""
        return self._on_this_loop()[1].candles.stream

    async def submit(self, signal: SignalInput) -> Receipt:
        """Hand a signal in, and wait until it is committed or turned away. The receipt says whether it was `new`,
        `redelivered`, or not recorded, and why it was refused.

        Raises:
            NotAccepted: the pipeline is not running or broke, or the signal cannot be written as JSON. It may be sent
                again, and is recognised if it was committed after all.
        """
        engine = self._accepting()
        raw = _raw(signal)
        try:
            return await engine.submit(raw.payload, may_say_now=raw.may_say_now)
        except Exception as error:
            raise NotAccepted(str(_broken(engine))) from error

    def hand_in(self, signal: SignalInput, reply: Reply) -> None:
        """Hand a signal in from any thread; `reply` is called with the receipt, on the loop's.

        Raises:
            NotAccepted: the pipeline is not running or broke, or the signal cannot be written as JSON.
        """
        engine = self._accepting()
        raw = _raw(signal)
        engine.inbox.hand_in(Raw(raw.payload, may_say_now=raw.may_say_now, reply=reply))

    def trigger(self) -> None:
        """Execute everything that waits, now.

        Raises:
            TidegateError: the pipeline is not running.
        """
        self._running().trigger()

    async def execute_with_diagnostics(self, signal: SignalInput | None = None) -> Execution:
        """Execute everything that waits, or submit and execute one `signal`, until nothing is in flight.

        Raises:
            ExecutionError: no order was placed; see `streams.diagnosed`.
            NotAccepted: the `signal` was not recorded.
            TidegateError: the pipeline is not running, or broke.
        """
        engine = self._running()
        raw = None if signal is None else _raw(signal)
        executing = asyncio.ensure_future(execute_with_diagnostics(engine, raw))
        await asyncio.wait([executing, engine.failed], return_when=asyncio.FIRST_COMPLETED)
        if executing.done() and not engine.failed.done():
            return executing.result()
        executing.cancel()
        raise _broken(engine)

    async def halt(self, why: str = "halted by the program") -> None:
        """Send no new orders until `resume`, also after a restart.

        Raises:
            TidegateError: the pipeline is not running.
        """
        await self._record(e.Halted(reduce_only=False, why=safe(why)))

    async def reduce_only(self, why: str = "reduce-only by the program") -> None:
        """Send closing orders only, until `resume`, also after a restart.

        Raises:
            TidegateError: the pipeline is not running.
        """
        await self._record(e.Halted(reduce_only=True, why=safe(why)))

    async def resume(self) -> None:
        """Send new orders again.

        Raises:
            TidegateError: the pipeline is not running.
        """
        await self._record(e.Resumed())

    def history(self, name: str) -> HistoryText:
        """A signal with all its events, as `why` shows it; as text it is what `why` prints. `name` is its id or the
        beginning of one, its key, or the id of an order of it; the newest signal where several go by it.

        Also before the start and after the stop. It reads the journal: some milliseconds.

        Raises:
            SignalNotFound: none goes by it.
        """
        history = self._read(lambda journal: journal.find_histories(name)[-1])
        return history_text(history, {} if self._engine is None else blockers(self._engine, [history.signal_id]))

    def positions(self) -> Sequence[PositionSummary]:
        """What our own trades hold and have earned, as `positions` lists it; also when it is not running."""
        return self._read(lambda journal: list(position_rows(journal)))

    def report(self) -> dict[str, object]:
        """The journal summed up, as `report --json` prints it; also before the start and after the stop.

        It reads the whole journal, which takes seconds for a million events: call it with `asyncio.to_thread` where
        the pipeline must not pause for that.
        """
        return self._read(report_of)

    def diagnose(self) -> Sequence[CheckResult]:
        """What is ready for an execution, what is not, and the remedy; one line for each, with a verdict.

        Raises:
            TidegateError: the pipeline is not running.
        """
        engine = self._running()
        return diagnose(engine, self._telemetry)

    def available_traders(self) -> Collection[str]:
        """The accounts that take orders now.

        Raises:
            TidegateError: the pipeline is not running.
        """
        parts = self._running().parts
        return parts.availability.get_available_traders(parts.clock.now_ns())

    def check_trader(self, trader: str) -> Suspension | None:
        """Why an account takes no order now, and until when as far as is known; None when it does.

        Raises:
            TidegateError: the settings have no such trader, or the pipeline is not running.
        """
        parts = self._with(trader).parts
        return parts.availability.check_trader(trader, parts.clock.now_ns())

    def report_trader_failure(self, trader: str, why: str, *, retry_after_s: float | None = None) -> None:
        """Report that an account's venue failed. Five failures in a row open its circuit: it is probed with a
        read-only request until it answers. With `retry_after_s` it takes no order for that time.

        Raises:
            TidegateError: the settings have no such trader, or the pipeline is not running.
        """
        parts = self._with(trader).parts
        reason = Reason.NO_ANSWER if retry_after_s is None else Reason.REJECTED_FOR_NOW
        parts.availability.report_trader_failure(
            trader, Refusal(reason, measured=safe(why)), parts.clock.now_ns(), retry_after_s=retry_after_s
        )

    def _on_this_loop(self) -> tuple[Clock, Published]:
        if self._clock is None or self._published is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                raise TidegateError("subscribe and start on the loop that is to run the pipeline") from None
            self._clock = Clock.live(loop)
            self._published = Published(self._clock)
        return self._clock, self._published

    async def _end(self, engine: Engine) -> dict[str, int]:
        stopping = asyncio.ensure_future(engine.stop())
        try:
            left = await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise
        finally:
            if self._log is not None:
                self._log.stop()
        return left

    async def _record(self, body: e.Body) -> None:
        engine = self._running()
        engine.record(body)
        await engine.committed()

    def _read(self, work: Callable[[JournalReader], _T]) -> _T:
        """Read the journal through a connection of its own; one in memory has only the one that writes."""
        if path_of(self.settings.journal.url) == ":memory:":
            return work(cast(JournalReader, self._running().journal))
        with closing(open_journal(self.settings.journal.url)) as journal:
            return work(journal)

    def _running(self) -> Engine:
        if self._engine is None:
            raise TidegateError(_NOT_RUNNING)
        return self._engine

    def _accepting(self) -> Engine:
        engine = self._engine
        if engine is None:
            raise NotAccepted(_NOT_RUNNING)
        if engine.failed.done():
            raise NotAccepted(str(_broken(engine)))
        return engine

    def _with(self, trader: str) -> Engine:
        engine = self._running()
        known = [known.id for known in engine.traders]
        if trader not in known:
            raise TidegateError(f"there is no trader {trader}: the settings have {', '.join(known)}")
        return engine

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()


def _raw(signal: SignalInput) -> Raw:
    try:
        return as_raw(signal)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAccepted(f"it cannot be written as JSON: {error}") from error


def _broken(engine: Engine) -> TidegateError:
    error = engine.failed.exception() if engine.failed.done() else None
    return TidegateError(f"a stream broke, nothing more is sent: {type(error).__name__}: {error}")
