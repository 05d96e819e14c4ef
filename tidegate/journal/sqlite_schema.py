"""What a journal's file is made of, and how an older one becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from zlib import crc32

from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "create", "is_convertible", "migrate", "name_hash", "segment_of"]

SCHEMA_VERSION = 3
"""1 had no tables of names. 2 had other names for some kinds of events, which `older_events` still reads; the tables
are the same, so that only the number changes, and a program that knows only 2 refuses the journal."""
APPLICATION_ID = 0x7468726C  # "thrl", so that `file` and we ourselves know a journal from another database

_SEGMENT_BITS = 18

_NAMES = """
CREATE TABLE known_as (
    segment INTEGER NOT NULL, name INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (segment, name, number)
) WITHOUT ROWID;
CREATE TABLE sender (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""
"""By what else than its id a signal is known.

`known_as` has hashes of its orders' ids, ours and the venue's, and of keys from which no id follows; whoever looks a
name up must look at the signals it leads to. It is in segments, by position: ids are random, and an index over all of
history would dirty another page for nearly every order. `sender` has the sources: with a key, each gives an id.
"""

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE signal (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, content BLOB NOT NULL, raw BLOB NOT NULL, done INTEGER NOT NULL
);
CREATE INDEX signal_open ON signal (number) WHERE done = 0;
CREATE TABLE event (
    position INTEGER PRIMARY KEY, number INTEGER NOT NULL, at_ns INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX event_of ON event (number) WHERE number > 0;
CREATE TABLE snapshot (part TEXT PRIMARY KEY, position INTEGER NOT NULL, image BLOB NOT NULL) WITHOUT ROWID;
{_NAMES}
"""

_NAMES_OF_OLD = """
INSERT OR IGNORE INTO known_as
SELECT segment_of(position), name_hash(json_extract(body, '$.client_order_id')), number
FROM event WHERE kind IN ('intent', 'adopted') ORDER BY position;
INSERT OR IGNORE INTO known_as
SELECT segment_of(position), name_hash(json_extract(body, '$.venue_order_id')), number
FROM event WHERE kind IN ('placed', 'reopened', 'adopted')
AND NOT instr(json_extract(body, '$.venue_order_id'), json_extract(body, '$.client_order_id')) ORDER BY position;
INSERT OR IGNORE INTO known_as
SELECT segment_of(number), name_hash(key_of(raw)), number FROM signal
WHERE number IN (SELECT position FROM event WHERE kind = 'refused' AND json_extract(body, '$.reason') = 'conflict')
AND key_of(raw) IS NOT NULL;
INSERT OR IGNORE INTO sender SELECT source_of(raw) FROM signal WHERE source_of(raw) IS NOT NULL;
"""


def segment_of(position: int) -> int:
    """The segment of the names that were recorded at a position."""
    return position >> _SEGMENT_BITS


def name_hash(name: str) -> int:
    """The hash of a name in `known_as`."""
    return crc32(name.encode(errors="replace"))


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of a new journal. In a transaction, if the caller began one."""
    _execute_all(connection, _SCHEMA)


def is_convertible(version: int) -> bool:
    """Whether `migrate` brings a journal of this version up to date."""
    return version in (1, 2)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a journal of an older version up to date: all of it, or, when the program dies, nothing.

    Memory: one signal at a time. Version 1 takes some five seconds for a million signals, version 2 no time.
    """
    functions: dict[str, Callable[..., str | int | None]] = {
        "segment_of": segment_of,
        "name_hash": name_hash,
        "source_of": _source_of,
        "key_of": _key_of,
    }
    for name, function in functions.items():
        connection.create_function(name, 1, function, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 1:
            _execute_all(connection, _NAMES + _NAMES_OF_OLD)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # `executescript` would commit first
        connection.execute(statement)


def _source_of(raw: bytes) -> str | None:
    signal, refusal = read_signal(Raw(raw, may_say_now=True), 0)
    return signal.source if refusal is None else None


def _key_of(raw: bytes) -> str | None:
    signal, _ = read_signal(Raw(raw, may_say_now=True), 0)
    return signal.key
