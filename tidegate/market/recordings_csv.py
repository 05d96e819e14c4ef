"""The lines of a CSV file as candles, and what is wrong with one that is none."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import inf
from operator import itemgetter
from pathlib import Path

import msgspec

from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle

__all__ = ["HEADER", "candles_of", "line_of"]

_COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
HEADER = ",".join(_COLUMNS) + "\n"
"""The first line of a file of candles."""

_TOGETHER = 1024
_LATEST_MS = 9_000_000_000_000  # the year 2255: nanoseconds still fit 64 bits

_plain_lines = msgspec.json.Decoder(list[tuple[int, float, float, float, float, float]]).decode


def line_of(candle: Candle) -> str:
    """A candle as a line of such a file."""
    c = candle
    return f"{c.opened_at_ns // 1_000_000},{c.open},{c.high},{c.low},{c.close},{c.volume}\n"


def candles_of(path: Path, symbol: str, timeframe_ns: int) -> Iterator[Candle]:
    """The candles of a CSV file, whose header names the columns of a candle, in order and without overlaps.

    Memory: a thousand lines.

    Raises:
        SettingsError: file or line cannot be read as that; the message names file, line, field and the fix.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _parsed(path, file, symbol, timeframe_ns)
    except OSError as wrong:
        raise SettingsError(f"{path} cannot be read: {wrong.strerror}") from wrong
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise SettingsError(f"{path} is not a CSV file in UTF-8: {wrong}") from wrong


def _parsed(path: Path, lines: Iterator[str], symbol: str, timeframe_ns: int) -> Iterator[Candle]:
    """Lines of plain numbers in the order of the columns are read many at once, from the first other line on each by
    itself, with what is wrong with it."""
    rows = csv.reader(lines)
    header = [name.strip().lower() for name in next(rows, [])]
    if missing := [name for name in _COLUMNS if name not in header]:
        found = ", ".join(header) or "nothing"
        raise SettingsError(f"{path} line 1: column {missing[0]} is missing; the header must name it, found {found}")
    passed, earliest_ms = rows.line_num, 0
    while header == [*_COLUMNS] and (block := list(islice(lines, _TOGETHER))):
        candles = _plain(block, earliest_ms, symbol, timeframe_ns)
        if candles is None:
            lines = chain(block, lines)
            break
        yield from candles
        passed, earliest_ms = passed + len(block), candles[-1].closed_at_ns // 1_000_000
    yield from _one_by_one(path, lines, header, passed, earliest_ms, symbol, timeframe_ns)


def _plain(lines: Sequence[str], earliest_ms: int, symbol: str, timeframe_ns: int) -> Sequence[Candle] | None:
    """The candles of lines that are nothing but the numbers of one each; None where a line is anything else.

    Numbers are written in a recording as they are in JSON, whose decoder reads a line in a fifth of the time.
    """
    try:
        rows = _plain_lines(f"[[{'],['.join(lines)}]]")
    except msgspec.MsgspecError:
        return None
    if len(rows) != len(lines):
        return None
    timeframe_ms = timeframe_ns // 1_000_000
    candles = []
    for at_ms, opened, high, low, close, volume in rows:
        if not (
            earliest_ms <= at_ms < _LATEST_MS and 0 < low <= opened <= high and low <= close <= high and volume >= 0
        ):
            return None
        earliest_ms = at_ms + timeframe_ms
        candles.append(Candle(symbol, at_ms * 1_000_000, timeframe_ns, opened, high, low, close, volume))
    return candles


def _one_by_one(
    path: Path,
    lines: Iterator[str],
    header: Sequence[str],
    passed: int,
    earliest_ms: int,
    symbol: str,
    timeframe_ns: int,
) -> Iterator[Candle]:
    rows, timeframe_ms = csv.reader(lines), timeframe_ns // 1_000_000
    fields = itemgetter(*map(header.index, _COLUMNS))
    for row in rows:
        if not row:
            continue
        try:
            at, first, most, least, last, amount = fields(row)
            opened_at_ms = int(at)
            opened, high, low, close = float(first), float(most), float(least), float(last)
            volume = float(amount)
            fits = (
                earliest_ms <= opened_at_ms < _LATEST_MS
                and 0 < low <= opened <= high < inf
                and low <= close <= high
                and 0 <= volume < inf
            )
        except (IndexError, ValueError):
            fits = False
        if not fits:
            texts = dict(zip(header, row, strict=False))
            raise SettingsError(f"{path} line {passed + rows.line_num}: {_fault(texts, earliest_ms, timeframe_ms)}")
        earliest_ms = opened_at_ms + timeframe_ms
        yield Candle(symbol, opened_at_ms * 1_000_000, timeframe_ns, opened, high, low, close, volume)


def _fault(texts: dict[str, str], earliest_ms: int, timeframe_ms: int) -> str:
    """What is wrong with a line that is known to be wrong."""
    for name in _COLUMNS:
        if name not in texts:
            return f"{name} is missing; the line must have as many fields as the header"
    at = texts["timestamp"]
    try:
        opened_at_ms = int(at)
    except ValueError:
        return f"timestamp must be whole milliseconds since 1970, was {at!r}"
    if not 0 <= opened_at_ms < _LATEST_MS:
        return f"timestamp must be milliseconds since 1970, was {at}"
    if opened_at_ms < earliest_ms:
        return (
            f"timestamp must be at least {timeframe_ms} ms after the line before, {earliest_ms} or later, was {at};"
            " sort the file, remove duplicates, or give the right --timeframe"
        )
    for name in _COLUMNS[1:]:
        least = "of 0 or more" if name == "volume" else "above 0"
        try:
            number = float(texts[name])
        except ValueError:
            return f"{name} must be a number {least}, was {texts[name]!r}"
        if not 0 <= number < inf or (number == 0 and name != "volume"):
            return f"{name} must be a number {least}, was {texts[name]}"
    low, high = texts["low"], texts["high"]
    if float(high) < float(low):
        return f"high must not be below low, was {high} with low {low}"
    return (
        f"open and close must be within low and high, were {texts['open']} and {texts['close']} within {low} to {high}"
    )
