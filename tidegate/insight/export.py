"""Signals as lines for other programs: JSON lines and CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import TextIO

import msgspec

from tidegate.domain.signal_summary import SignalSummary

__all__ = ["write_csv", "write_jsonl"]

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


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
