"""`positions`: what our own trades hold and have earned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Context, Decimal

import click
from msgspec import Struct

from streams.state import State
from tidegate.cli.columns import Column
from tidegate.cli.formatting import rounded_text
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.money import as_last_ordered
from tidegate.cli.printing import print_json_array, print_table
from tidegate.domain.moment import iso_of
from tidegate.domain.position import Position, positions_of
from tidegate.journal.sqlite_journal import SqliteReader

__all__ = ["positions"]

_SIXTEEN_DIGITS = Context(prec=16)
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


class _PositionLine(Struct):
    """What an account holds of a symbol. Money is in the quote currency; `average`, `cost` and `realized` include fees.

    `price` is that of the newest trade or orderly stop on record, `price_at` when that was. `unrealized` is what
    selling all of it at that price would gain, before the fee of selling. `state` is open, closed, or dust: too small
    to be sold.
    """

    trader: str
    symbol: str
    amount: str
    cost: str
    average: str | None
    price: str | None
    price_at: str | None
    unrealized: str | None
    realized: str
    state: str


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
        lines = map(_line, _positions(reader))
        if as_json:
            print_json_array(lines)
        else:
            print_table(_COLUMNS, ([getattr(line, column.name) for column in _COLUMNS] for line in lines))


def _positions(reader: SqliteReader) -> Iterator[Position]:
    book = State.of(reader).book
    yield from sorted(positions_of(book, book.marks, as_last_ordered), key=lambda it: (it.trader, it.symbol))


def _line(it: Position) -> _PositionLine:
    return _PositionLine(
        trader=it.trader,
        symbol=it.symbol,
        amount=f"{it.amount:f}",
        cost=_exact(it.cost),
        average=None if it.entry is None else _exact(it.entry),
        price=None if it.mark is None else _exact(it.mark.price),
        price_at=None if it.mark is None else iso_of(it.mark.at_ns),
        unrealized=None if it.unrealized is None else _exact(it.unrealized),
        realized=_exact(it.realized),
        state="dust" if it.dust else "open" if it.amount else "closed",
    )


def _exact(number: Decimal) -> str:
    """To sixteen digits: averages have no end."""
    return f"{number.normalize(_SIXTEEN_DIGITS):f}"
