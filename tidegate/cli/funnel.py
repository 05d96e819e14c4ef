"""The pipeline as one looks at it while it runs: a screen on a terminal, a line per execution anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from reactivex import Observable, never
from reactivex.disposable import CompositeDisposable

from streams.engine import Engine
from streams.event_lines import EventLine
from streams.execution import ExecutionCycle, next_execution_ns
from streams.preview import accepted
from tidegate.cli.live_screen import LiveScreen, LogTail, Picture
from tidegate.cli.printing import printable
from tidegate.cli.recent_orders import RecentOrders
from tidegate.cli.view import View, view_of
from tidegate.domain.incident import IncidentKind
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Funnel", "show_funnel", "summary_line"]

_OUTCOMES_KNOWN_AFTER_S = 1.0


class Funnel:
    """What there is to show of a running pipeline, at any moment. Memory: the last orders, and lines of the log."""

    def __init__(self, engine: Engine, *, mode: str, world_name: str) -> None:
        self.engine = engine
        self.banner = f"{mode} · {world_name}".upper()
        self.orders = RecentOrders()
        self.orders.resume(engine.journal.open())
        self.log = LogTail()
        engine.observe("the screen", self.orders.watch)

    def view(self) -> View:
        """What the screen shows now. Only on the pipeline's loop."""
        return view_of(self.engine, self.banner, self.orders, self.log.last)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from Picture(self.view()).__rich_console__(console, options)


def show_funnel(
    engine: Engine,
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

        funnel = Funnel(engine, mode=mode, world_name=world_name)

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
        except OSError:  # whoever read it has seen enough, or the terminal is gone
            printing.dispose()

    print(f"{banner}: {_next_execution(engine)}", file=out, flush=True)
    printing.add(parts.telemetry.cycles.subscribe(executed))
    printing.add(lines.subscribe(lambda line: say(f"{iso_of(line.at_ns)[11:19]} {printable(line.text)}")))
    return printing.dispose


def summary_line(engine: Engine) -> str:
    """Where every signal stands, in one plain line."""
    ledger = engine.parts.state.ledger
    counts = [
        ("executions", engine.parts.telemetry.executions),
        ("received", ledger.received),
        ("accepted", accepted(ledger)),
    ]
    counts += [(outcome.value, ledger.outcomes[outcome]) for outcome in _FROM_WAITING]
    told = ", ".join(f"{name} {count}" for name, count in counts)
    return f"{told}; balanced: {'yes' if ledger.balanced else 'NO'}; {_next_execution(engine)}"


_FROM_WAITING = (
    Outcome.WAITING,
    Outcome.PLACING,
    Outcome.PLACED,
    Outcome.REFUSED,
    Outcome.SUPERSEDED,
    Outcome.EXPIRED,
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.PARKED,
)


def _next_execution(engine: Engine) -> str:
    now_ns = engine.parts.clock.now_ns()
    left_ns = next_execution_ns(engine.rules.schedule, engine.started_ns, now_ns) - now_ns
    return f"next execution in {-(-left_ns // 1_000_000_000)} s"
