"""Marble diagrams as text: what happens when, one character a frame.

    -        a frame in which nothing happens
    a b 7 ?  an event in its frame: a letter, a digit or a question mark
    (ab)     several events in one frame, in this order
    |  #     completion, error; nothing comes after them
    60s      between spaces: that much time passes, without frames; units ns us ms s m h
    ^        the frame at which the subscription happens, in hot diagrams; what is before it is not seen

Other spaces mean nothing and keep diagrams aligned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, NoReturn

__all__ = ["COMPLETION", "ERROR", "Diagram", "MarbleMark", "NotationError", "duration", "is_letter", "parse"]

COMPLETION, ERROR = "|", "#"
_UNITS_NS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_JUMP = re.compile(r"(?<!\S)(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)(?!\S)")


class NotationError(ValueError):
    """A diagram cannot be read; the message shows the column."""


class MarbleMark(NamedTuple):
    """One thing that happens: a letter, `|` or `#`, so many nanoseconds after the subscription."""

    at_ns: int
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What a text says: its marks in order, and the span of time it covers. `begins_ns` is below 0 with a `^`."""

    marks: tuple[MarbleMark, ...]
    begins_ns: int
    ends_ns: int


def is_letter(symbol: str) -> bool:
    """Whether a character can stand for an event."""
    return len(symbol) == 1 and (symbol.isalnum() or symbol == "?")


def duration(ns: int) -> str:
    """A time as it is written between spaces: `90s`, `1500ms`."""
    unit = next(unit for unit, unit_ns in _UNITS_NS.items() if ns % unit_ns == 0)
    return f"{ns // _UNITS_NS[unit]}{unit}"


def parse(text: str, frame_ns: int) -> Diagram:
    """Read a diagram whose frames last `frame_ns`.

    Raises:
        NotationError: it cannot be read.
    """
    marks: list[MarbleMark] = []
    at_ns = column = 0
    origin_ns: int | None = None
    group: int | None = None
    while column < len(text):
        symbol = text[column]
        if jump := _JUMP.match(text, column):
            if group is not None:
                _refuse(text, column, "no time passes within ( )")
            at_ns += _length_ns(text, column, jump)
            column = jump.end()
            continue
        if not symbol.isspace() and symbol != ")" and marks and marks[-1].symbol in (COMPLETION, ERROR):
            _refuse(text, column, f"nothing can come after {marks[-1].symbol}")
        if is_letter(symbol) or symbol in (COMPLETION, ERROR):
            marks.append(MarbleMark(at_ns, symbol))
        elif symbol == "(" and group is None:
            group = column
        elif symbol == ")" and group is not None:
            if not text[group + 1 : column].strip():
                _refuse(text, group, "( ) is empty")
            group = None
        elif symbol == "^" and group is None and origin_ns is None:
            origin_ns = at_ns
        elif not (symbol.isspace() or (symbol == "-" and group is None)):
            _refuse(text, column, f"{symbol} is not allowed here")
        if group is None and not symbol.isspace():
            at_ns += frame_ns
        column += 1
    if group is not None:
        _refuse(text, group, "( is not closed")
    origin_ns = origin_ns or 0
    shifted = tuple(MarbleMark(mark.at_ns - origin_ns, mark.symbol) for mark in marks)
    return Diagram(marks=shifted, begins_ns=-origin_ns, ends_ns=at_ns - origin_ns)


def _length_ns(text: str, column: int, jump: re.Match[str]) -> int:
    length_ns = Decimal(jump[1]) * _UNITS_NS[jump[2]]
    if length_ns != int(length_ns):
        _refuse(text, column, "time passes in whole nanoseconds")
    return int(length_ns)


def _refuse(text: str, column: int, why: str) -> NoReturn:
    raise NotationError(f"{why}, at column {column + 1}:\n    {text}\n    {' ' * column}^")
