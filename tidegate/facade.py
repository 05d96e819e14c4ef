"""Tidegate for programs that are not reactive: a `Pipeline` in a thread of its own, callable from any thread.

from tidegate import SignalOrderPipeline

with SignalOrderPipeline("settings.json") as pipeline:
    pipeline.add_signal({"symbol": "BTC/USDT", "type": "BUY", "strength": 0.9, "timestamp": time.time() * 1000})
    print(pipeline.execute_with_diagnostics().placed)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TimedOut
from itertools import count
from pathlib import Path
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Self, TypeVar

from reactivex import abc

from streams.availability import Suspension
from streams.broadcast import GuardedStream
from streams.diagnosed import Execution
from streams.own_sources import SignalInput
from tidegate.domain.check_result import CheckResult
from tidegate.domain.errors import NotAccepted, TidegateError
from tidegate.domain.signal import Receipt
from tidegate.insight.history import HistoryText
from tidegate.insight.listing import PositionSummary
from tidegate.journal import path_of
from tidegate.pipeline import Pipeline
from tidegate.settings import Settings, load_settings

__all__ = ["SignalOrderPipeline"]

_T = TypeVar("_T")
_NOT_RUNNING = "the pipeline is not running: call start() first"
_STREAMS = ("events", "verdicts", "executions", "quotes", "candles")


class SignalOrderPipeline:
    """A pipeline that runs in a thread of its own. Every method may be called from any thread.

    It logs as `run` does, by the settings; `TIDEGATE_LOG=off` turns that off. A program's own handlers stay.
    `settings` are settings, a path to them, or None for settings.json where there is one. `strategies` says whether
    signals are generated too. Memory: that of the pipeline; one future for each `add_signal` that waits.

    Raises:
        SettingsError: a setting is wrong.
    """

    def __init__(self, settings: Settings | str | Path | None = None, *, strategies: bool = True) -> None:
        if not isinstance(settings, Settings):
            settings = load_settings(Path(settings) if settings is not None else None)
        self._settings, self._strategies = settings, strategies
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pipeline: Pipeline | None = None
        self._thread: Thread | None = None
        self._ended: asyncio.Event | None = None
        self._changing = Lock()
        self._subscribers: dict[int, tuple[str, Callable[[object], None]]] = {}
        self._subscribed: dict[int, abc.DisposableBase] = {}
        self._numbers = count()

    def start(self) -> None:
        """Open the journal and begin; returns once signals are taken.

        Raises:
            SettingsError, JournalRefused: it cannot start.
            TidegateError: it is running already.
        """
        with self._changing:
            if self._thread is not None:
                raise TidegateError("the pipeline is running already")
            begun: Future[None] = Future()
            thread = Thread(target=self._run, args=(begun,), name="tidegate", daemon=True)
            thread.start()
            if error := begun.exception():
                thread.join()
                raise error
            self._thread = thread

    def stop(self) -> dict[str, int]:
        """Let nothing more in, see through what is in flight, close the journal; says what still waits, by outcome.

        Without effect when it is not running.
        """
        with self._changing:
            thread, loop, ended, pipeline = self._thread, self._loop, self._ended, self._pipeline
            if thread is None or loop is None or ended is None or pipeline is None:
                return {}
            try:
                return asyncio.run_coroutine_threadsafe(pipeline.stop(), loop).result()
            finally:
                self._thread = self._loop = self._ended = self._pipeline = None
                loop.call_soon_threadsafe(ended.set)
                thread.join()

    def add_signal(self, signal: SignalInput, *, timeout_s: float = 10.0) -> str:
        """Hand a signal in, as a mapping or as JSON, and give its id once it is committed.

        A refused signal is recorded too: it has an id, and `why` shows the reason. In a mapping, datetimes, Decimals
        and the numbers of numpy are fine.

        Raises:
            NotAccepted: the pipeline is not running, turned it away, or did not commit it in `timeout_s`; the same
                signal may be sent again, and is recognised if it was committed after all. Or it cannot be written as
                JSON.
        """
        receipt = self.submit(signal, timeout_s=timeout_s)
        if receipt.signal_id is None:
            raise NotAccepted(f"turned away: {receipt.reason}")
        return receipt.signal_id

    def submit(self, signal: SignalInput, *, timeout_s: float = 10.0) -> Receipt:
        """Hand a signal in, and give its receipt once it is committed or turned away: whether it was `new`,
        `redelivered`, or not recorded, and why it was refused.

        Raises:
            NotAccepted: as of `add_signal`, but for a signal that was turned away.
        """
        pipeline = self._pipeline
        if pipeline is None:
            raise NotAccepted(_NOT_RUNNING)
        self._refuse_own_thread()
        answered: Future[Receipt] = Future()
        pipeline.hand_in(signal, answered.set_result)
        try:
            return answered.result(timeout_s)
        except TimedOut:
            raise NotAccepted(f"not committed within {timeout_s} s") from None

    def subscribe(self, name: str, callback: Callable[[object], None]) -> Callable[[], None]:
        """Call `callback` with every value of a stream of the pipeline, in its thread: `events`, `verdicts`,
        `executions`, `quotes` or `candles`. Before the start it counts from the start, and for every later one.

        A callback that raises, hangs or floods is dropped, and recorded by name. The function returned unsubscribes.

        Raises:
            TidegateError: there is no such stream.
        """
        if name not in _STREAMS:
            raise TidegateError(f"there is no stream {name}: there are {', '.join(_STREAMS)}")
        self._refuse_own_thread()
        number = next(self._numbers)
        with self._changing:
            self._subscribers[number] = (name, callback)
            pipeline, loop = self._pipeline, self._loop
            if pipeline is not None and loop is not None:
                asyncio.run_coroutine_threadsafe(self._attach(pipeline, number), loop).result()

        def unsubscribe() -> None:
            with self._changing:
                self._subscribers.pop(number, None)
                subscribed, loop = self._subscribed.pop(number, None), self._loop
                if subscribed is not None and loop is not None:
                    loop.call_soon_threadsafe(subscribed.dispose)

        return unsubscribe

    def history(self, name: str) -> HistoryText:
        """A signal with all its events, as `why` shows it; see `Pipeline.history`.

        Raises:
            SignalNotFound: none goes by that name.
            TidegateError: the pipeline is not running.
        """
        return self._call(_later(lambda pipeline: pipeline.history(name)))

    def positions(self) -> Sequence[PositionSummary]:
        """What our own trades hold and have earned, as `positions` lists it."""
        return self._read(Pipeline.positions)

    def report(self) -> dict[str, object]:
        """The journal summed up, as `report --json` prints it, read in the calling thread."""
        return self._read(Pipeline.report)

    def diagnose_execution_readiness(self) -> Sequence[CheckResult]:
        """What is ready for an execution, what is not, and the remedy; each line with a verdict.

        Raises:
            TidegateError: the pipeline is not running.
        """
        return self._call(_later(Pipeline.diagnose))

    def get_available_traders(self) -> Sequence[str]:
        """The accounts that take orders now.

        Raises:
            TidegateError: the pipeline is not running.
        """
        return list(self._call(_later(Pipeline.available_traders)))

    def check_trader(self, trader: str) -> Suspension | None:
        """Why an account takes no order now, and until when as far as is known; None when it does.

        Raises:
            TidegateError: the settings have no such trader, or the pipeline is not running.
        """
        return self._call(_later(lambda pipeline: pipeline.check_trader(trader)))

    def report_trader_failure(self, trader: str, why: str, *, retry_after_s: float | None = None) -> None:
        """Report that an account's venue failed; see `Pipeline.report_trader_failure`.

        Raises:
            TidegateError: the settings have no such trader, or the pipeline is not running.
        """
        self._call(_later(lambda pipeline: pipeline.report_trader_failure(trader, why, retry_after_s=retry_after_s)))

    def execute_with_diagnostics(self, signal: SignalInput | None = None) -> Execution:
        """Execute everything that waits, or submit and execute one `signal`; report on each, with attempts and latency.

        Raises:
            ExecutionError: no order was placed; see `streams.diagnosed`.
            NotAccepted: the `signal` was not recorded.
            TidegateError: the pipeline is not running, or is broken.
        """
        return self._call(lambda pipeline: pipeline.execute_with_diagnostics(signal))

    def trigger(self) -> None:
        """Execute everything that waits, now; does not wait for it.

        Raises:
            TidegateError: the pipeline is not running.
        """
        self._call(_later(Pipeline.trigger))

    def halt(self, why: str = "halted by the program") -> None:
        """Send no new orders until `resume`, also after a restart.

        Raises:
            TidegateError: the pipeline is not running.
        """
        self._call(lambda pipeline: pipeline.halt(why))

    def reduce_only(self, why: str = "reduce-only by the program") -> None:
        """Send closing orders only, until `resume`, also after a restart.

        Raises:
            TidegateError: the pipeline is not running.
        """
        self._call(lambda pipeline: pipeline.reduce_only(why))

    def resume(self) -> None:
        """Send new orders again.

        Raises:
            TidegateError: the pipeline is not running.
        """
        self._call(Pipeline.resume)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self, work: Callable[[Pipeline], _T]) -> _T:
        """Read the journal in the calling thread; one in memory only in the pipeline's own."""
        if path_of(self._settings.journal.url) == ":memory:":
            return self._call(_later(work))
        return work(Pipeline(self._settings))

    def _call(self, work: Callable[[Pipeline], Coroutine[object, object, _T]]) -> _T:
        self._refuse_own_thread()
        with self._changing:
            pipeline, loop = self._pipeline, self._loop
            if pipeline is None or loop is None:
                raise TidegateError(_NOT_RUNNING)
            asked = asyncio.run_coroutine_threadsafe(work(pipeline), loop)
        try:
            return asked.result()
        except CancelledError:
            raise TidegateError("the pipeline was stopped meanwhile") from None

    def _refuse_own_thread(self) -> None:
        """Waiting for the pipeline in its own thread would never end."""
        if current_thread() is self._thread:
            raise TidegateError("a callback must not call the pipeline and wait for it: do that in another thread")

    def _run(self, begun: Future[None]) -> None:
        try:
            asyncio.run(self._serve(begun))
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)

    async def _serve(self, begun: Future[None]) -> None:
        ended = asyncio.Event()
        async with Pipeline(self._settings, strategies=self._strategies, log=True) as pipeline:
            for number in self._subscribers:
                await self._attach(pipeline, number)
            self._loop, self._ended, self._pipeline = asyncio.get_running_loop(), ended, pipeline
            begun.set_result(None)
            await ended.wait()

    async def _attach(self, pipeline: Pipeline, number: int) -> None:
        name, callback = self._subscribers[number]
        stream: GuardedStream[object] = getattr(pipeline, name)
        self._subscribed[number] = stream.subscribe(callback, name=_name_of(callback))


def _name_of(callback: Callable[[object], None]) -> str:
    name = getattr(callback, "__qualname__", type(callback).__qualname__)
    code = getattr(callback, "__code__", None)
    return name if code is None else f"{name} ({Path(code.co_filename).name}, line {code.co_firstlineno})"


def _later(work: Callable[[Pipeline], _T]) -> Callable[[Pipeline], Coroutine[object, object, _T]]:
    async def on_its_loop(pipeline: Pipeline) -> _T:
        return work(pipeline)

    return on_its_loop
