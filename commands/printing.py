"""Printing data: JSON for programs, tables in a terminal, aligned text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import click
import msgspec
import orjson

from domain.order_line import plain

__all__ = ["flattened", "print_json", "print_json_array", "print_table", "printable"]


def print_json(value: object) -> None:
    """Print a value of ours as JSON, indented in a terminal."""
    click.echo(_json(value, orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0))


def print_json_array(items: Iterable[object]) -> None:
    """Print a JSON array, one item a line. Memory: one item at a time."""
    lead = "["
    for item in items:
        click.echo(lead + _json(item), nl=False)
        lead = ",\n"
    click.echo("[]" if lead == "[" else "]")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns' names; what is None is a dash, floats have six decimals. Memory: the rows."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_rich(columns, cells)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def printable(text: str) -> str:
    """The text with whatever could steer a terminal escaped: others wrote it."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def flattened(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value within JSON values, as JSON, under its dotted path."""
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value):
        inner = enumerate(value)
    if not inner:
        yield path, _json(value)
    for key, item in inner:
        yield from flattened(item, f"{path}.{key}" if path else str(key))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{round(value, 6):f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(str(value))


def _json(value: object, option: int = 0) -> str:
    builtins = msgspec.to_builtins(value, builtin_types=(Decimal,))
    return orjson.dumps(builtins, default=plain, option=option).decode()


def _print_rich(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")  # an id that is cut cannot be asked for
    for row in cells:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)
