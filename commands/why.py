"""`why`: one signal's whole life."""

from __future__ import annotations

from contextlib import closing

import click
import msgspec

from commands.invocation import Invocation, journal_option, json_option
from commands.printing import print_json, print_table, printable
from commands.search import find_lives
from commands.telling import steps_of
from domain.events import Superseded
from domain.line import line_of, signal_of
from domain.ports import OpenSignal
from domain.reasons import Reason

__all__ = ["why"]


@click.command()
@click.argument("id")
@journal_option
@json_option
@click.pass_obj
def why(invocation: Invocation, id: str, journal: str | None, as_json: bool) -> None:
    """Tell a signal's whole life: every event, what was measured, and what the venue answered.

    ID is a signal's id or the beginning of it, its key, or one of its orders' ids: ours or the venue's.
    """
    with closing(invocation.reader(journal)) as reader:
        lives = find_lives(reader, id)
    if as_json:
        print_json([_told(life) for life in lives])
        return
    for index, life in enumerate(lives):
        if index:
            click.echo()
        _tell(life)


def _told(life: OpenSignal) -> dict[str, object]:
    return {
        **msgspec.to_builtins(line_of(life)),
        "conflicts_with": _conflicts_with(life),
        "superseded_by": _superseded_by(life),
        "raw": _raw(life),
        "events": list(steps_of(life)),
    }


def _tell(life: OpenSignal) -> None:
    line = line_of(life)
    asked = f"{line.side} {line.symbol}, strength {line.strength:g}" if line.strength is not None else "unreadable"
    click.echo(f"signal    {life.signal_id}: {printable(asked)}")
    if line.source is not None:
        click.echo(printable(f"sent by   {line.source}" + (f", key {line.key}" if line.key is not None else "")))
    click.echo(f"received  {_raw(life)}")
    reason = f", {line.reason}" if line.reason else ""
    status = f", the order is {line.order_status}" if line.order_status else ""
    click.echo(f"outcome   {line.outcome}{reason}{status}")
    if other := _conflicts_with(life):
        click.echo(f"          its key came before with other content: see {other}")
    if other := _superseded_by(life):
        click.echo(f"          {other} took its place")
    click.echo()
    columns = ("time", "elapsed", "event", "measured", "limit", "margin", "what")
    print_table(
        columns,
        (
            (step.at, f"+{step.elapsed_ms / 1000:.3f}s", step.kind, step.measured, step.limit, step.margin, step.words)
            for step in steps_of(life)
        ),
    )


def _raw(life: OpenSignal) -> str:
    return printable(life.raw.decode(errors="backslashreplace"))


def _conflicts_with(life: OpenSignal) -> str | None:
    """The signal that had the key first: the id that its key gives."""
    signal = signal_of(life)
    return signal.id if signal is not None and line_of(life).reason is Reason.CONFLICT else None


def _superseded_by(life: OpenSignal) -> str | None:
    return next((event.body.by for event in life.events if isinstance(event.body, Superseded)), None)
