"""What the funnel's screen looks like: 80 columns by 24 lines, or larger."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.cli.screen_room import shares
from tidegate.cli.screen_tables import (
    latencies_table,
    markets_table,
    money_table,
    orders_table,
    positions_table,
    reasons_table,
)
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.text import printable
from tidegate.insight.formatting import count, duration
from tidegate.insight.view import View

__all__ = ["screen"]

_LINES_BESIDE_LISTS = 15
_LEAST = (4, 3, 2)
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


def screen(view: View, *, width: int, height: int) -> RenderableType:
    """Draw a pipeline as it was when the view was taken, in `height` lines at most, where that is 24 or more."""
    wanted = (max(view.symbols, len(view.reasons), len(view.latencies)), max(1, len(view.orders)), max(1, view.held))
    above, middle, below = shares(height - _LINES_BESIDE_LISTS, wanted, _LEAST)
    return Group(
        _top(view),
        _alarm(view),
        money_table(view.results, 1),
        _funnel(view),
        _elsewhere(view),
        _ledger(view),
        Text(),
        _side_by_side(
            markets_table(view, above, spread=width >= _WIDE), reasons_table(view, above), latencies_table(view), width
        ),
        Text(),
        orders_table(view, middle),
        Text(),
        positions_table(view, below),
        Text(printable(view.log.rstrip("\n")), _DIM, no_wrap=True, overflow="crop"),
    )


def _top(view: View) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(
        Text.assemble((f" {view.banner} ", "bold reverse")),
        Text.assemble(
            ("up ", _DIM), duration(view.up_ns),
            ("   next execution in ", _DIM), (f"{duration(view.next_in_ns)} ", "bold cyan"),
        ),
    )  # fmt: skip
    return line


def _alarm(view: View) -> Text:
    alarm = view.alarm
    style = "bold white on red" if alarm is not None and alarm.bad else "bold reverse"
    return Text.assemble((f" {printable(alarm.says)} ", style) if alarm is not None else "", no_wrap=True)


def _funnel(view: View) -> Table:
    outcomes = view.outcomes
    steps = (
        ("received", view.received, "bold"),
        ("accepted", view.accepted, "bold"),
        ("waiting", outcomes.get(Outcome.WAITING, 0), "bold cyan"),
        ("placing", outcomes.get(Outcome.PLACING, 0), "bold cyan"),
        ("placed", outcomes.get(Outcome.PLACED, 0), "bold green"),
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


def _elsewhere(view: View) -> Text:
    counts = [(outcome, view.outcomes.get(outcome, 0), style) for outcome, style in _ELSEWHERE.items()]
    parts = [
        Text.assemble((count(number), style if number else _DIM), (f" {outcome}", _DIM))
        for outcome, number, style in counts
    ]
    line = Text(" · ", _DIM).join(parts)
    line.justify, line.no_wrap = "center", True
    return line


def _ledger(view: View) -> Text:
    line = Text.assemble(
        ("balanced: yes", _GOOD) if view.balanced else (f"balanced: NO, {view.received} received", _BAD),
        (" · turned away: ", _DIM), (count(view.turned_away), _POOR if view.turned_away else _DIM),
        (" · faults: ", _DIM), (count(view.faults), _POOR if view.faults else _DIM),
        (f" · data gaps: {count(view.gaps)}" if view.gaps else "", _DIM),
    )  # fmt: skip
    line.justify, line.no_wrap = "center", True
    return line


def _side_by_side(markets: Table, reasons: Table, latencies: Table, width: int) -> Table:
    line = Table.grid(padding=(0, 2, 0, 0))
    for share in (28, 30, 24):
        line.add_column(width=share * width // 80 - 2)
    line.add_row(markets, reasons, latencies)
    return line
