"""Rows written as the journal writes them, with nothing around it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from tidegate.domain.events import encode_body, kind_of
from tidegate.journal.sqlite_file import connect
from tidegate.journal.sqlite_journal import SqliteReader
from tidegate.journal.sqlite_schema import segment_of

__all__ = ["BareJournal", "Shape", "keys", "shape_of"]

Shape: TypeAlias = Sequence[tuple[str, str]]
"""The events of one signal in their order: kind and body."""


def shape_of(journal: Path) -> Shape:
    """The events of the first signal that was placed."""
    reader = SqliteReader(f"sqlite:///{journal}")
    try:
        for history in reader.histories():
            kinds = [kind_of(event.body) for event in history.events]
            if kinds[-1] == "placed":
                bodies = [encode_body(event.body).decode() for event in history.events]
                return list(zip(kinds, bodies, strict=True))
    finally:
        reader.close()
    raise LookupError(f"{journal} has no signal that was placed")


def keys(count: int) -> list[bytes]:
    """Identities as scattered as hashes are."""
    some = os.urandom(10 * count)
    return [some[at : at + 10] for at in range(0, 10 * count, 10)]


class BareJournal:
    """The journal's file, new or not, its schema and durability, written by a caller that knows the rows already."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(str(path), mode="paper", synchronous="full")
        (self._position,) = self._connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()
        self.commits = 0

    def numbers(self, count: int) -> Sequence[int]:
        """The numbers of so many new signals, if their first events are the next ones to be written."""
        return range(self._position + 1, self._position + 1 + count)

    def commit(
        self,
        new: Iterable[tuple[int, bytes, bytes]],
        events: Iterable[tuple[int, str, str]],
        done: Iterable[int] = (),
    ) -> None:
        """Write in one transaction new signals (number, key, payload), events (number, kind, body), and what ended."""
        at_ns, first = time.time_ns(), self._position + 1
        signals = [(number, key, key, raw, 0) for number, key, raw in new]
        rows = [(position, number, at_ns, kind, body) for position, (number, kind, body) in enumerate(events, first)]
        names = [(segment_of(row[0]), hash(row) & 0xFFFFFFFF, row[1]) for row in rows if row[3] == "intent"]
        execute, write = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        write("INSERT INTO signal VALUES (?, ?, ?, ?, ?)", signals)
        write("INSERT INTO event VALUES (?, ?, ?, ?, ?)", rows)
        write("INSERT INTO known_as VALUES (?, ?, ?)", names)
        write("UPDATE signal SET done = 1 WHERE number = ?", [(number,) for number in done])
        execute("COMMIT")
        self._position += len(rows)
        self.commits += 1

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
