"""Throughline for programs that are not reactive: one object, started and stopped, callable from any thread.

from throughline import SignalOrderPipeline

with SignalOrderPipeline("settings.json") as pipeline:
    pipeline.add_signal({"symbol": "BTC/USDT", "type": "BUY", "strength": 0.9, "timestamp": time.time() * 1000})
    print(pipeline.execute_with_diagnostics().placed)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from assembly import generated, open_live
from clock import Clock
from domain.errors import NotAccepted, ThroughlineError
from domain.signal import Raw, Receipt
from settings import Settings, load_settings
from streams.diagnosed import Execution, execute_with_diagnostics
from streams.diagnosis import Finding, diagnose
from streams.engine import Engine

__all__ = ["SignalOrderPipeline"]

_T = TypeVar("_T")


class SignalOrderPipeline:
    """A pipeline that runs in a thread of its own. Every method may be called from any thread.

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
        self._thread: Thread | None = None

    def start(self) -> None:
        """Open the journal and begin; returns once signals are taken.

        Raises:
            SettingsError, JournalRefused: it cannot start.
            ThroughlineError: it is running already.
        """
        if self._thread is not None:
            raise ThroughlineError("the pipeline is running already")
        begun: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(begun,), name="throughline", daemon=True)
        self._thread.start()
        try:
            begun.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    def stop(self) -> dict[str, int]:
        """Let nothing more in, see through what is in flight, close the journal; tells what waits on, by outcome."""
        engine, loop, thread = self._running()
        left = self._call(engine.stop())
        loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
            thread.join()
        self._thread = self._loop = self._engine = None
        return left

    def add_signal(self, signal: Mapping[str, object] | bytes, *, timeout_s: float = 10.0) -> str:
        """Hand a signal in, as a mapping or as bytes of JSON, and give its id once it is committed.

        A refused signal is recorded too: it has an id, and `why` tells the reason.

        Raises:
            NotAccepted: it was turned away, or not committed in `timeout_s`; the same signal may be sent again, and
                is recognised if it was committed after all.
        """
        engine, _, _ = self._running()
        payload = signal if isinstance(signal, bytes) else msgspec.json.encode(signal)
        told: Future[Receipt] = Future()
        engine.inlet.hand_in(Raw(payload, reply=told.set_result))
        try:
            receipt = told.result(timeout_s)
        except TimedOut:
            raise NotAccepted(f"not committed within {timeout_s} s") from None
        if receipt.signal_id is None:
            raise NotAccepted(f"turned away: {receipt.reason}")
        return receipt.signal_id

    def diagnose_execution_readiness(self) -> Sequence[Finding]:
        """What is ready for an execution, what is not, and how to mend it; each line with a verdict."""
        engine, _, _ = self._running()

        async def look() -> Sequence[Finding]:
            return diagnose(engine)

        return self._call(look())

    def execute_with_diagnostics(self) -> Execution:
        """Execute whatever waits, now, and tell what came of it.

        Raises:
            ExecutionError: no order was placed; see `streams.diagnosed`.
        """
        engine, _, _ = self._running()
        return self._call(execute_with_diagnostics(engine))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> tuple[Engine, asyncio.AbstractEventLoop, Thread | None]:
        if self._engine is None or self._loop is None:
            raise ThroughlineError("the pipeline is not running: call start() first")
        return self._engine, self._loop, self._thread

    def _call(self, work: Coroutine[object, object, _T]) -> _T:
        _, loop, _ = self._running()
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def _run(self, begun: Future[None]) -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._begin(loop))
            begun.set_result(None)
            loop.run_forever()
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)
        finally:
            loop.close()

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        engine, world = await open_live(self._settings, Clock.live(loop))
        await engine.start([], background=[generated(engine, world, self._settings, strategies=self._strategies)])
        self._loop, self._engine = loop, engine
