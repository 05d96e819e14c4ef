"""The pipeline as one looks at it while it runs: a screen on a terminal, a line per execution anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from commands.recent_orders import RecentOrders
from domain.lifecycle import Outcome
from streams.engine import Engine
from streams.execution import Tick, next_execution_ns
from streams.prospects import accepted

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Funnel", "LiveFunnel", "show_funnel", "summary_line"]

_REFRESH_S = 0.25
_OUTCOMES_KNOWN_AFTER_S = 1.0


class Funnel:
    """One screen of a running pipeline, drawn anew by rich whenever it is asked for. Memory: the last orders."""

    def __init__(self, engine: Engine, *, mode: str, world_name: str) -> None:
        self.engine = engine
        self.banner = f"{mode} · {world_name}".upper()
        self.orders = RecentOrders()
        engine.observe("the screen", self.orders.watch)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from commands.screen import screen

        yield screen(self.engine, self.banner, self.orders, width=options.max_width, height=console.height)


class LiveFunnel:
    """Keeps a funnel on the terminal, drawn four times a second on the pipeline's own loop.

    What is printed meanwhile appears above it. The last picture stays.
    """

    def __init__(self, funnel: Funnel, out: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._clock = funnel.engine.parts.clock
        console = Console(file=out)
        self._live = Live(funnel, console=console, auto_refresh=False, redirect_stderr=sys.stderr.isatty())

    def __enter__(self) -> LiveFunnel:
        self._live.start(refresh=True)
        points = self._clock.grid(_REFRESH_S, first_after_s=_REFRESH_S)
        self._drawing = points.subscribe(lambda _: self._live.refresh())
        return self

    def __exit__(self, *_: object) -> None:
        self._drawing.dispose()
        self._live.stop()


def show_funnel(engine: Engine, *, mode: str, world_name: str, out: TextIO | None = None) -> Callable[[], None]:
    """Begin to show a pipeline on `out`, else on standard output; the function returned ends that."""
    out = out or sys.stdout
    if out.isatty() and os.environ.get("TERM") != "dumb":
        live = LiveFunnel(Funnel(engine, mode=mode, world_name=world_name), out).__enter__()
        return live.__exit__
    return _print_lines(engine, f"{mode} · {world_name}".upper(), out)


def _print_lines(engine: Engine, banner: str, out: TextIO) -> Callable[[], None]:
    parts = engine.parts

    def executed(tick: Tick) -> None:
        if not tick.numbers:
            parts.clock.call_after(_OUTCOMES_KNOWN_AFTER_S, say)

    def say() -> None:
        try:
            print(summary_line(engine), file=out, flush=True)
        except BrokenPipeError:  # whoever read it has seen enough
            lines.dispose()

    print(f"{banner}: {_next_execution(engine)}", file=out, flush=True)
    lines = parts.telemetry.ticks.subscribe(executed)
    return lines.dispose


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
    left_ns = next_execution_ns(engine.rules.rhythm, engine.started_ns, now_ns) - now_ns
    return f"next execution in {-(-left_ns // 1_000_000_000)} s"
