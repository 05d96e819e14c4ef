"""`signals`, `orders`: what the journal knows, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

import click
from msgspec import Struct
from msgspec.structs import replace

from tidegate.cli.blockers import blockers_of
from tidegate.cli.columns import Column
from tidegate.cli.completers import complete_symbols
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.moments import moment_ns
from tidegate.cli.printing import print_json_array, print_table
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import JournalReader
from tidegate.domain.reasons import Reason
from tidegate.insight.formatting import rounded_text
from tidegate.insight.listing import SignalFilter, order_rows, signal_rows

__all__ = ["orders", "signals"]

_SHORT_ID = 8


def _short_time(moment: str) -> str:
    """`01-11 00:00:12`."""
    return f"{moment[5:10]} {moment[11:19]}"


_SIGNAL_COLUMNS = (
    Column("received_at", 2, "received UTC", _short_time),
    Column("signal_id", 0, "signal"),
    Column("source", 9),
    Column("side"),
    Column("symbol"),
    Column("strength", 7, show=rounded_text, right=True),
    Column("score", 8, show=rounded_text, right=True),
    Column("outcome"),
    Column("cause", 1, "reason"),
    Column("order_status", 3, "order"),
    Column("filled", 4, show=rounded_text, right=True),
    Column("average", 5, show=rounded_text, right=True),
)
_ORDER_COLUMNS = (
    Column("intended_at", 4, "intended UTC", _short_time),
    Column("client_order_id", 0, "order"),
    Column("signal_id", 5, "signal"),
    Column("trader", 7),
    Column("side"),
    Column("symbol"),
    Column("order_type", 9, "type"),
    Column("quantity", 1, show=rounded_text, right=True),
    Column("price", 2, show=rounded_text, right=True),
    Column("status"),
    Column("filled", 3, show=rounded_text, right=True),
    Column("average", 6, show=rounded_text, right=True),
    Column("venue_order_id", 8, "on the venue"),
)


@click.command()
@click.option("--outcome", type=click.Choice([outcome.value for outcome in Outcome]), help="Only this outcome.")
@click.option("--symbol", shell_complete=complete_symbols, help="Only this symbol.")
@click.option("--source", help="Only signals from this sender.")
@click.option("--since", "since_ns", type=moment_ns, metavar="T", help="Received since: 10m or 2h ago, or ISO 8601.")
@click.option("--reason", type=click.Choice([reason.value for reason in Reason]), help="Only this.", metavar="REASON")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@journal_option
@json_option
@click.pass_obj
def signals(
    invocation: Invocation,
    outcome: str | None,
    symbol: str | None,
    source: str | None,
    since_ns: int | None,
    reason: str | None,
    limit: int | None,
    journal: str | None,
    as_json: bool,
) -> None:
    """List signals and their outcomes, oldest first."""
    wanted = SignalFilter(
        outcome=None if outcome is None else Outcome(outcome),
        symbol=symbol,
        source=source,
        reason=None if reason is None else Reason(reason),
        since_ns=since_ns,
        limit=limit,
    )
    with closing(invocation.reader(journal)) as reader:
        blockers = blockers_of(reader, invocation.journal_url(journal), reader.open())
        _print(_SIGNAL_COLUMNS, reader, signal_rows(reader, blockers, wanted), as_json=as_json)


@click.command()
@click.option("--open", "only_open", is_flag=True, help="Only orders that can still fill.")
@journal_option
@json_option
@click.pass_obj
def orders(invocation: Invocation, only_open: bool, journal: str | None, as_json: bool) -> None:
    """List orders, sorted by the receipt of their signals."""
    with closing(invocation.reader(journal)) as reader:
        _print(_ORDER_COLUMNS, reader, order_rows(reader, only_open=only_open), as_json=as_json)


def _print(columns: Sequence[Column], reader: JournalReader, lines: Iterable[Struct], *, as_json: bool) -> None:
    if as_json:
        print_json_array(lines)
        return

    def short_id(signal_id: str) -> str:
        """As much of an id as `why` needs to know it."""
        lengths = range(_SHORT_ID, len(signal_id), 2)
        return next((signal_id[:n] for n in lengths if len(reader.ids_from(signal_id[:n], 2)) == 1), signal_id)

    shown = [replace(column, show=short_id) if column.name == "signal_id" else column for column in columns]
    print_table(shown, ([getattr(line, column.name) for column in columns] for line in lines))
