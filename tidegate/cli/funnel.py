"""The pipeline as one looks at it while it runs: a screen on a terminal, a line per execution anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from reactivex import Observable, never
from reactivex.disposable import CompositeDisposable

from streams.engine import Engine
from streams.execution import ExecutionCycle
from tidegate.cli.live_screen import LiveScreen, LogTail, Picture
from tidegate.domain.incident import IncidentKind
from tidegate.domain.moment import iso_of
from tidegate.domain.text import printable
from tidegate.insight.event_lines import EventLine
from tidegate.insight.recent_orders import RecentOrders
from tidegate.insight.summary_line import next_execution, summary_line
from tidegate.insight.telemetry import Telemetry
from tidegate.insight.view import View, view_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Funnel", "show_funnel"]

_OUTCOMES_KNOWN_AFTER_S = 1.0


class Funnel:
    """What there is to show of a running pipeline, at any moment. Memory: the last orders, and lines of the log."""

    def __init__(self, engine: Engine, telemetry: Telemetry, *, mode: str, world_name: str) -> None:
        self.engine, self.telemetry = engine, telemetry
        self.banner = f"{mode} · {world_name}".upper()
        self.orders = RecentOrders()
        self.orders.resume(engine.journal.open())
        self.log = LogTail()
        engine.observe("the screen", self.orders.watch)

    def view(self) -> View:
        """What the screen shows now. Only on the pipeline's loop."""
        return view_of(self.engine, self.telemetry, self.orders, banner=self.banner, log=self.log.last)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from Picture(self.view()).__rich_console__(console, options)


def show_funnel(
    engine: Engine,
    telemetry: Telemetry,
    *,
    mode: str,
    world_name: str,
    lines: Observable[EventLine] | None = None,
    out: TextIO | None = None,
    plain: bool = False,
) -> Callable[[], None]:
    """Begin to show a pipeline on `out`, else on standard output; the function returned ends that.

    A terminal gets the screen, unless it is to be `plain`; everything else gets a line for each execution, and the
    `lines` as they come.
    """
    out = out or sys.stdout
    if out.isatty() and os.environ.get("TERM") != "dumb" and not plain:
        from rich.console import Console

        funnel = Funnel(engine, telemetry, mode=mode, world_name=world_name)

        def gone(error: Exception) -> None:
            engine.fault(IncidentKind.SCREEN_FAILED, "the screen", error)

        live = LiveScreen(funnel.view, Console(file=out), clock=engine.parts.clock, log=funnel.log, gone=gone)
        return live.__enter__().__exit__
    return _print_lines(engine, f"{mode} · {world_name}".upper(), lines or never(), out)


def _print_lines(engine: Engine, banner: str, lines: Observable[EventLine], out: TextIO) -> Callable[[], None]:
    parts = engine.parts
    printing = CompositeDisposable()

    def executed(cycle: ExecutionCycle) -> None:
        if not cycle.numbers:
            parts.clock.call_after(_OUTCOMES_KNOWN_AFTER_S, lambda: say(summary_line(engine)))

    def say(text: str) -> None:
        try:
            print(text, file=out, flush=True)
        except OSError:  # its reader has gone, or the terminal has
            printing.dispose()

    print(f"{banner}: {next_execution(engine)}", file=out, flush=True)
    printing.add(parts.published.executions.stream.subscribe(executed))
    printing.add(lines.subscribe(lambda line: say(f"{iso_of(line.at_ns)[11:19]} {printable(line.text)}")))
    return printing.dispose
