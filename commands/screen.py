"""What the funnel's screen looks like: 80 columns by 24 lines, or whatever more there is."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commands.figures import count, duration
from commands.printing import printable
from commands.recent_orders import RecentOrders
from commands.screen_tables import latencies_table, markets_table, orders_table, positions_table, reasons_table
from domain.lifecycle import Outcome
from streams.engine import Engine
from streams.execution import next_execution_ns
from streams.prospects import accepted

__all__ = ["screen"]

_LINES_BESIDE_LISTS = 17
_WIDE = 100
_GOOD, _POOR, _BAD, _DIM = "green", "yellow", "bold red", "dim"
_ELSEWHERE = {
    Outcome.REFUSED: _POOR,
    Outcome.SUPERSEDED: "",
    Outcome.EXPIRED: _POOR,
    Outcome.FAILED: _BAD,
    Outcome.UNKNOWN: _BAD,
    Outcome.PARKED: _BAD,
}


def screen(engine: Engine, banner: str, orders: RecentOrders, *, width: int, height: int) -> RenderableType:
    """Draw a pipeline as it is now, in `height` lines at most, where that is 24 or more."""
    lists = max(7, height - _LINES_BESIDE_LISTS)
    above, below = lists - lists // 2, lists // 2
    return Group(
        _top(engine, banner),
        _alarm(engine),
        _funnel(engine),
        _elsewhere(engine),
        _ledger(engine),
        Text(),
        _side_by_side(
            markets_table(engine, above, spread=width >= _WIDE),
            reasons_table(engine, above),
            latencies_table(engine),
            width,
        ),
        Text(),
        orders_table(orders),
        Text(),
        positions_table(engine, below),
    )


def _top(engine: Engine, banner: str) -> RenderableType:
    now_ns = engine.parts.clock.now_ns()
    next_ns = next_execution_ns(engine.rules.rhythm, engine.started_ns, now_ns)
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="right")
    line.add_row(
        Text.assemble((f" {banner} ", "bold reverse")),
        Text.assemble(
            ("up ", _DIM), duration(now_ns - engine.started_ns),
            ("   next execution in ", _DIM), (f"{duration(next_ns - now_ns)} ", "bold cyan"),
        ),
    )  # fmt: skip
    return line


def _alarm(engine: Engine) -> Text:
    state, commits = engine.parts.state, engine.parts.commits
    says, style = "", "bold white on red"
    if engine.failed.done():
        says = f"BROKEN, nothing more is sent: {engine.failed.exception()}"
    elif commits.failing is not None:
        says = f"JOURNAL FAILING: {commits.failing}"
    elif state.halted is not None:
        says, style = f"{'REDUCE ONLY' if state.halted.reduce_only else 'HALTED'}: {state.halted.why}", "bold reverse"
    return Text.assemble((f" {printable(says)} ", style) if says else "", no_wrap=True)


def _funnel(engine: Engine) -> Table:
    ledger = engine.parts.state.ledger
    outcomes = ledger.outcomes
    steps = (
        ("received", ledger.received, "bold"),
        ("accepted", accepted(ledger), "bold"),
        ("waiting", outcomes[Outcome.WAITING], "bold cyan"),
        ("placing", outcomes[Outcome.PLACING], "bold cyan"),
        ("placed", outcomes[Outcome.PLACED], "bold green"),
    )
    table = Table.grid(expand=True, padding=(0, 1))
    numbers: list[Text] = []
    names: list[Text] = []
    for step, (name, number, style) in enumerate(steps):
        if step:
            table.add_column(width=1, justify="center")
            numbers.append(Text("▶", _DIM))
            names.append(Text())
        table.add_column(justify="center", ratio=1)
        numbers.append(Text(count(number), style))
        names.append(Text(name, _DIM))
    table.add_row(*numbers)
    table.add_row(*names)
    return table


def _elsewhere(engine: Engine) -> Text:
    outcomes = engine.parts.state.ledger.outcomes
    told = [
        Text.assemble((count(outcomes[outcome]), style if outcomes[outcome] else _DIM), (f" {outcome}", _DIM))
        for outcome, style in _ELSEWHERE.items()
    ]
    line = Text(" · ", _DIM).join(told)
    line.justify, line.no_wrap = "center", True
    return line


def _ledger(engine: Engine) -> Text:
    ledger, faults = engine.parts.state.ledger, engine.parts.telemetry.counts["fault"]
    line = Text.assemble(
        ("balanced: yes", _GOOD) if ledger.balanced else (f"balanced: NO, {ledger.received} received", _BAD),
        (" · turned away: ", _DIM), (count(ledger.turned_away), _POOR if ledger.turned_away else _DIM),
        (" · faults: ", _DIM), (count(faults), _POOR if faults else _DIM),
    )  # fmt: skip
    line.justify, line.no_wrap = "center", True
    return line


def _side_by_side(markets: Table, reasons: Table, latencies: Table, width: int) -> Table:
    line = Table.grid(padding=(0, 2, 0, 0))
    for share in (28, 30, 24):
        line.add_column(width=share * width // 80 - 2)
    line.add_row(markets, reasons, latencies)
    return line
