"""Printing data: JSON for programs, tables in a terminal, aligned text in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import click
import msgspec
import orjson

from tidegate.cli.columns import Column, fitted
from tidegate.domain.order_summary import plain
from tidegate.domain.text import printable

__all__ = [
    "emphasised",
    "faint",
    "flattened",
    "print_json",
    "print_json_array",
    "print_table",
    "print_wrapped",
    "width",
    "wrapped",
]

_NARROWEST = 20


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


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns' names; what is None is a dash, floats have six decimals. Memory: the rows.

    In a pipe every column is there, as it is; on a terminal, those for which there is room.
    """
    declared = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = [[_cell(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_fitted(declared, cells)
        return
    names = [column.name for column in declared]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    for line in (names, *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def print_wrapped(text: str, *, indent: str, first: str, after: str = " ") -> None:
    """Print a paragraph behind `first`: on a terminal wrapped to its width, the further lines under `indent`.

    Lines end `after` one of these letters; what has none of them, and does not fit into a line, is broken. In a pipe it
    is one line.
    """
    lines = wrapped(text, max(width() - len(indent), _NARROWEST), after) if sys.stdout.isatty() else [text]
    for number, line in enumerate(lines):
        click.echo(f"{indent if number else first}{line}".rstrip())


def wrapped(text: str, room: int, after: str = " ") -> Sequence[str]:
    """The text in lines of at most `room` letters, each of which ends `after` one of these letters if it can."""
    lines, line = [], ""
    for piece in re.findall(f"[^{re.escape(after)}]*[{re.escape(after)}]?", text):
        if line and len(line) + len(piece.rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while len(line.rstrip()) > room:
            lines.append(line[:room])
            line = line[room:]
    return [*lines, line.rstrip()]


def width() -> int:
    """How many letters fit into a line of the terminal: `COLUMNS`, where that is set."""
    return shutil.get_terminal_size().columns


def emphasised(text: str) -> str:
    """The text in bold, on a terminal that is not to do without."""
    return click.style(text, bold=True) if _styled() else text


def faint(text: str) -> str:
    """The text dimmed, on a terminal that is not to do without."""
    return click.style(text, dim=True) if _styled() else text


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


def _print_fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    room = width()
    (head, *lines), left_out = fitted(columns, cells, room)
    click.echo(emphasised(head))
    click.echo(faint("─" * min(room, max(map(len, (head, *lines))))))
    for line in lines:
        click.echo(line)
    if left_out:
        names = ", ".join(column.title for column in left_out)
        plural = "s" * (len(left_out) > 1)
        more = f"+{len(left_out)} column{plural} in a wider terminal, or with --json: {names}"
        click.echo(faint("\n".join(wrapped(more, room))))


def _styled() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
