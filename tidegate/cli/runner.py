"""Runs a live pipeline until its time is over, its input ends, or it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from reactivex import Observable

from streams.engine import Engine
from streams.market import MarketFeed
from tidegate.assembly import Following, generated, open_live
from tidegate.cli.control_api import answerer
from tidegate.clock import Clock
from tidegate.domain.signal import Raw
from tidegate.insight.event_lines import EventLine
from tidegate.insight.input_report import InputReport
from tidegate.insight.telemetry import Telemetry
from tidegate.market.feeds import Playback
from tidegate.settings import Settings
from tidegate.sources import control, open_source

__all__ = ["RunPlan", "Show", "serve"]

Show = Callable[[Engine, Telemetry, str, Observable[EventLine]], Callable[[], None]]

_INTERRUPTED = 130
_PARKED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What `run` was asked for. `signals` is a file, `-` for standard input, or None for none."""

    for_s: float | None = None
    signals: str | None = None
    strategies: bool = True
    playback: Playback | None = None
    until_idle: bool = False
    detailed_log: bool = False


async def serve(settings: Settings, plan: RunPlan, show: Show, say: Callable[[str], None]) -> int:
    """Run a pipeline until it is to end; gives the exit code. `show` begins to show it, and gives how to end that.

    Raises:
        SettingsError, JournalRefused: it cannot start.
        TidegateError: a stream broke that must not.
    """
    loop = asyncio.get_running_loop()
    clock = Clock.live(loop)
    ending: asyncio.Future[int] = loop.create_future()
    for number, code in ((signal.SIGINT, _INTERRUPTED), (signal.SIGTERM, 0), (signal.SIGHUP, 0)):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            loop.add_signal_handler(number, _end, ending, code)
    source = None if plan.signals is None else open_source(plan.signals, clock=clock)
    opening = asyncio.ensure_future(open_live(settings, clock, playback=plan.playback, patient=True))
    begun: list[asyncio.Future[int] | asyncio.Future[tuple[Engine, MarketFeed]]] = [opening, ending]
    await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():  # an exchange that does not answer is asked again until the program is stopped
        opening.cancel()
        await asyncio.wait([opening])
        say("stopped before it started: nothing was sent")
        return ending.result()
    engine, world = opening.result()
    market = generated(engine, world, settings, strategies=plan.strategies)
    outside: list[Observable[Raw]] = []
    reports: list[InputReport] = []
    if source is not None:
        reports = [InputReport(source.name, source.numbers)]
        load = engine.parts.intake_load
        signals = source.signals(load.depth_of_inputs, load.inputs_max)
        outside = [reports[0].follow(signals)]
        if plan.strategies:
            reports.append(InputReport("strategies"))
            market = reports[1].follow(market)
    for report in reports:
        engine.observe("the report of an input", report.watch)
    log = Following(engine, settings.journal.url, detailed=plan.detailed_log)
    hang_up = await control.answer(settings.journal.url, answerer(engine, log.telemetry))
    stop_showing: Callable[[], None] | None = None
    try:
        stop_showing = show(engine, log.telemetry, world.name, log.lines)
        if plan.strategies and (plan.playback is not None or not outside):
            await engine.start([market, *outside])
        else:  # the simulated market has no end that anybody could wait for
            await engine.start(outside, background=[market])
        if plan.for_s is not None:
            loop.call_later(plan.for_s, _end, ending, 0)
        code = await _until(engine, ending, idle=plan.until_idle)
    finally:
        with suppress(OSError):  # the terminal may be gone, and what is in flight is seen through all the same
            if stop_showing is not None:
                stop_showing()
        hang_up()
        left = await engine.stop()
        log.stop()
        say(_in_words(engine, left))
        for report in reports:
            for line in report.lines(engine.parts.state):
                say(line)
    return code or (_PARKED if left.get("parked") else 0)


def _end(ending: asyncio.Future[int], code: int) -> None:
    if ending.done():
        sys.exit(code)  # asked a second time: what is in flight is taken up at the next start
    ending.set_result(code)


async def _until(engine: Engine, ending: asyncio.Future[int], *, idle: bool) -> int:
    ends: list[asyncio.Future[int] | asyncio.Future[None]] = [ending, engine.failed]
    if idle:
        ends.append(asyncio.ensure_future(engine.when_idle()))
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if engine.failed.done():
        engine.failed.result()
    return ending.result() if ending.done() else 0


def _in_words(engine: Engine, left: Mapping[str, int]) -> str:
    ledger = engine.parts.state.ledger
    orders = len(engine.parts.state.statuses) - ledger.open_among() - left.get("parked", 0)
    parts = [f"{count} {outcome}" for outcome, count in left.items()]
    still = ", ".join([*parts, *([f"{orders} open orders"] if orders else [])]) or "nothing"
    received = f"received {ledger.received}"
    if ledger.turned_away:
        received += f", turned away {ledger.turned_away}"
    return f"stopped. {received}, balanced: {'yes' if ledger.balanced else 'NO'}. left behind: {still}"
