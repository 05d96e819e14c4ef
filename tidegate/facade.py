"""Tidegate for programs that are not reactive: one object, started and stopped, callable from any thread.

from tidegate import SignalOrderPipeline

with SignalOrderPipeline("settings.json") as pipeline:
    pipeline.add_signal({"symbol": "BTC/USDT", "type": "BUY", "strength": 0.9, "timestamp": time.time() * 1000})
    print(pipeline.execute_with_diagnostics().placed)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TimedOut
from numbers import Real
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from streams.availability import Suspension
from streams.diagnosed import Execution, execute_with_diagnostics
from streams.engine import Engine
from tidegate.assembly import Following, begin_log, generated, open_live
from tidegate.clock import Clock
from tidegate.domain.check_result import CheckResult
from tidegate.domain.errors import NotAccepted, TidegateError
from tidegate.domain.signal import Raw, Receipt
from tidegate.insight.diagnosis import diagnose
from tidegate.insight.telemetry import Telemetry
from tidegate.settings import Settings, load_settings

__all__ = ["SignalOrderPipeline"]

_T = TypeVar("_T")
_NOT_RUNNING = "the pipeline is not running: call start() first"


def _plain(value: object) -> float | str:
    """What JSON has no word for: numbers as numbers, such as numpy's, and anything else as its text."""
    return float(value) if isinstance(value, Real) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode


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
        self._engine: Engine | None = None
        self._telemetry: Telemetry
        self._thread: Thread | None = None
        self._ended: asyncio.Event | None = None
        self._changing = Lock()

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
        """Let nothing more in, see through what is in flight, close the journal; tells what waits on, by outcome.

        Without effect when it is not running.
        """
        with self._changing:
            thread, loop, ended, engine = self._thread, self._loop, self._ended, self._engine
            if thread is None or loop is None or ended is None or engine is None:
                return {}
            try:
                return asyncio.run_coroutine_threadsafe(engine.stop(), loop).result()
            finally:
                self._thread = self._loop = self._ended = self._engine = None
                loop.call_soon_threadsafe(ended.set)
                thread.join()

    def add_signal(self, signal: Mapping[str, object] | bytes | str, *, timeout_s: float = 10.0) -> str:
        """Hand a signal in, as a mapping or as JSON, and give its id once it is committed.

        A refused signal is recorded too: it has an id, and `why` tells the reason. In a mapping, datetimes, Decimals
        and the numbers of numpy are fine.

        Raises:
            NotAccepted: the pipeline does not run, turned it away, or did not commit it in `timeout_s`; the same
                signal may be sent again, and is recognised if it was committed after all. Or it cannot be written as
                JSON.
        """
        engine = self._engine
        if engine is None:
            raise NotAccepted(_NOT_RUNNING)
        if engine.failed.done():
            raise NotAccepted(str(_broken(engine)))
        payload = _payload_of(signal)
        told: Future[Receipt] = Future()
        engine.inbox.hand_in(Raw(payload, reply=told.set_result))
        try:
            receipt = told.result(timeout_s)
        except TimedOut:
            raise NotAccepted(f"not committed within {timeout_s} s") from None
        if receipt.signal_id is None:
            raise NotAccepted(f"turned away: {receipt.reason}")
        return receipt.signal_id

    def diagnose_execution_readiness(self) -> Sequence[CheckResult]:
        """What is ready for an execution, what is not, and how to mend it; each line with a verdict.

        Raises:
            TidegateError: the pipeline does not run.
        """

        async def look(engine: Engine) -> Sequence[CheckResult]:
            return diagnose(engine, self._telemetry)

        return self._call(look)

    def get_available_traders(self) -> Sequence[str]:
        """The accounts that take orders now.

        Raises:
            TidegateError: the pipeline is not running.
        """

        async def look(engine: Engine) -> Sequence[str]:
            return list(engine.parts.availability.get_available_traders(engine.parts.clock.now_ns()))

        return self._call(look)

    def check_trader(self, trader: str) -> Suspension | None:
        """Why an account takes no order now, and until when as far as is known; None when it does.

        Raises:
            TidegateError: the settings have no such trader, or the pipeline is not running.
        """

        async def look(engine: Engine) -> Suspension | None:
            known = [known.id for known in engine.traders]
            if trader not in known:
                raise TidegateError(f"there is no trader {trader}: the settings have {', '.join(known)}")
            return engine.parts.availability.check_trader(trader, engine.parts.clock.now_ns())

        return self._call(look)

    def execute_with_diagnostics(self) -> Execution:
        """Execute whatever waits, now, and tell what came of it.

        Raises:
            ExecutionError: no order was placed; see `streams.diagnosed`.
            TidegateError: the pipeline does not run, or is broken.
        """
        return self._call(_execute)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, work: Callable[[Engine], Coroutine[object, object, _T]]) -> _T:
        with self._changing:
            engine, loop = self._engine, self._loop
            if engine is None or loop is None:
                raise TidegateError(_NOT_RUNNING)
            asked = asyncio.run_coroutine_threadsafe(work(engine), loop)
        try:
            return asked.result()
        except CancelledError:
            raise TidegateError("the pipeline was stopped meanwhile") from None

    def _run(self, begun: Future[None]) -> None:
        try:
            asyncio.run(self._serve(begun))
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)

    async def _serve(self, begun: Future[None]) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        detailed = begin_log(self._settings)
        engine, world = await open_live(self._settings, Clock.live(loop))
        log = Following(engine, self._settings.journal.url, detailed=detailed)
        try:
            await engine.start([], background=[generated(engine, world, self._settings, strategies=self._strategies)])
        except BaseException:
            await engine.stop()
            raise
        self._loop, self._ended, self._engine, self._telemetry = loop, ended, engine, log.telemetry
        begun.set_result(None)
        await ended.wait()
        log.stop()


async def _execute(engine: Engine) -> Execution:
    executing = asyncio.ensure_future(execute_with_diagnostics(engine))
    await asyncio.wait([executing, engine.failed], return_when=asyncio.FIRST_COMPLETED)
    if executing.done():
        return executing.result()
    executing.cancel()
    raise _broken(engine)


def _payload_of(signal: Mapping[str, object] | bytes | str) -> bytes:
    if isinstance(signal, bytes):
        return signal
    try:
        return signal.encode() if isinstance(signal, str) else _encode(dict(signal))
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAccepted(f"it cannot be written as JSON: {error}") from error


def _broken(engine: Engine) -> TidegateError:
    error = engine.failed.exception()
    return TidegateError(f"a stream broke, nothing more is sent: {type(error).__name__}: {error}")
