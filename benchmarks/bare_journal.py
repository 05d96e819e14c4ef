"""Rows written as the journal wrote them up to schema version 3, with nothing around it: the yardstick.

It has its own copy of that schema, so that it stays where it is when the journal moves on.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from tidegate.domain.events import Body, encode_body, kind_of
from tidegate.journal.sqlite_journal import SqliteReader

__all__ = ["BareJournal", "Shape", "keys", "opened_bare", "shape_of"]

Shape: TypeAlias = Sequence[Body]
"""The events of one signal in their order."""

_SEGMENT_BITS = 18
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signal (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, content BLOB NOT NULL, raw BLOB NOT NULL, done INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS signal_open ON signal (number) WHERE done = 0;
CREATE TABLE IF NOT EXISTS event (
    position INTEGER PRIMARY KEY, number INTEGER NOT NULL, at_ns INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_of ON event (number) WHERE number > 0;
CREATE TABLE IF NOT EXISTS snapshot (
    part TEXT PRIMARY KEY, position INTEGER NOT NULL, image BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known_as (
    segment INTEGER NOT NULL, name INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (segment, name, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sender (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


def shape_of(journal: Path) -> Shape:
    """The events of the first signal that was placed."""
    with closing(SqliteReader(f"sqlite:///{journal}")) as reader:
        for history in reader.histories():
            bodies = [event.body for event in history.events]
            if kind_of(bodies[-1]) == "placed":
                return bodies
    raise LookupError(f"{journal} has no signal that was placed")


def keys(count: int) -> list[bytes]:
    """Identities as scattered as hashes are."""
    some = os.urandom(10 * count)
    return [some[at : at + 10] for at in range(0, 10 * count, 10)]


def opened_bare(path: Path, schema: str) -> sqlite3.Connection:
    """A file with these tables, new or not, and with the journal's durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 8000", "busy_timeout = 500"):
        connection.execute(f"PRAGMA {setting}")
    connection.executescript(schema)
    return connection


class BareJournal:
    """The journal's file, new or not, its schema and durability, written by a caller that knows the rows already."""

    def __init__(self, path: Path) -> None:
        self._connection = opened_bare(path, _SCHEMA)
        (self._position,) = self._connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()
        self.commits = 0

    @staticmethod
    def at_hand(body: Body) -> tuple[str, str]:
        """An event's kind and body, as they are written."""
        return kind_of(body), encode_body(body).decode()

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
        names = [(row[0] >> _SEGMENT_BITS, hash(row) & 0xFFFFFFFF, row[1]) for row in rows if row[3] == "intent"]
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
