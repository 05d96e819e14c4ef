"""`positions`: what our own trades hold and have earned."""

from __future__ import annotations

from contextlib import closing

import click

from tidegate.cli.columns import Column
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.printing import print_json_array, print_table
from tidegate.insight.formatting import rounded_text
from tidegate.insight.listing import position_rows

__all__ = ["positions"]

_COLUMNS = (
    Column("trader", 2),
    Column("symbol"),
    Column("amount", show=rounded_text, right=True),
    Column("average", 0, "entry with fees", rounded_text, right=True),
    Column("cost", 4, show=rounded_text, right=True),
    Column("price", 1, show=rounded_text, right=True),
    Column("price_at", 5, "price of", right=True),
    Column("unrealized", show=rounded_text, right=True),
    Column("realized", show=rounded_text, right=True),
    Column("state", 3),
)


@click.command()
@journal_option
@json_option
@click.pass_obj
def positions(invocation: Invocation, journal: str | None, as_json: bool) -> None:
    """List what our own trades hold and have earned; a closed position has the amount 0.

    Entry prices are averages with fees included, prices those of the newest trade on record. What is too small to be
    sold is dust, and counts as no open position.
    """
    with closing(invocation.reader(journal)) as reader:
        lines = position_rows(reader)
        if as_json:
            print_json_array(lines)
        else:
            print_table(_COLUMNS, ([getattr(line, column.name) for column in _COLUMNS] for line in lines))
