"""Signals and events as lines for other programs: JSON lines and CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from typing import TextIO

import msgspec

from tidegate.domain.signal_summary import SignalSummary

__all__ = ["write_csv", "write_events", "write_jsonl"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")


def write_jsonl(rows: Iterable[SignalSummary], out: TextIO) -> None:
    """Write one JSON object a line. Memory: one row."""
    encode = msgspec.json.Encoder().encode
    out.writelines(encode(row).decode() + "\n" for row in rows)


def write_csv(rows: Iterable[SignalSummary], out: TextIO) -> None:
    """Write CSV under a line of column names. Text that a spreadsheet would take for a formula begins with an
    apostrophe. Memory: one row."""
    writer = csv.writer(out, lineterminator="\n")
    columns = SignalSummary.__struct_fields__
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in columns])


def write_events(events: Iterable[Mapping[str, int | str]], out: TextIO) -> None:
    """Write one JSON object a line, with the body of the event as an object in it. Memory: one event."""
    encode = msgspec.json.Encoder().encode
    for event in events:
        body = msgspec.Raw(str(event["body"]).encode())
        out.write(encode({**event, "body": body}).decode() + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
