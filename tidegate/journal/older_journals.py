"""Journals of schema versions 1 to 3, in which every event was a row: they become journals of today."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.journal.group_rows import GroupRows
from tidegate.journal.older_events import decode_any
from tidegate.journal.sqlite_schema import SCHEMA_VERSION, TABLES, create
from tidegate.journal.sqlite_tables import SqliteTables

__all__ = ["convert", "converted", "is_current"]

_TOGETHER = 512
_EVENTS = """
SELECT position, event.number, at_ns, kind, body, id, content, raw, done
FROM old.event LEFT JOIN old.signal ON signal.number = position ORDER BY position
"""


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether a journal is one of this program's schema version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(version == SCHEMA_VERSION)


def convert(connection: sqlite3.Connection) -> None:
    """Make an older journal one of today: all of it or, when the program dies, nothing.

    Memory: a few hundred events. A million signals take about a minute, and as much space on the disk again.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in ("known_as", "sender"):  # written again, with all others
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        create(connection, TABLES)
        _copy(connection, "main")
        for table in ("event", "signal"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def converted(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A journal of today with what is in an older one, which is closed: a temporary file of its own.

    Reading an old journal costs its conversion each time; but whoever reads may not write, and a second way to read
    would have to be kept for good.
    """
    with closing(connection):
        (_, _, path), *_ = connection.execute("PRAGMA database_list")
    own = sqlite3.connect("file:", uri=True, isolation_level=None, check_same_thread=False)
    own.execute("ATTACH ? AS old", (f"{Path(path).as_uri()}?mode=ro",))
    own.execute("BEGIN")
    create(own)
    for table in ("meta", "snapshot"):
        own.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")  # noqa: S608
    _copy(own, "old")
    own.execute("COMMIT")
    own.execute("DETACH old")
    return own


def _copy(connection: sqlite3.Connection, old: str) -> None:
    tables = SqliteTables(connection)
    items: list[Item] = []
    head = 0
    for position, item in _items(connection, old):
        if items and (position != head + len(items) + 1 or len(items) == _TOGETHER):
            tables.write(GroupRows(items, head), head)
            items = []
        if not items:
            head = position - 1
        items.append(item)
    tables.write(GroupRows(items, head), head)
    connection.execute(f"INSERT INTO main.identity_old SELECT id, number FROM {old}.signal ORDER BY id")  # noqa: S608


def _items(connection: sqlite3.Connection, old: str) -> Iterator[tuple[int, Item]]:
    for position, number, at_ns, kind, body, key, content, raw, done in connection.execute(_EVENTS.replace("old", old)):
        bodies = (decode_any(kind, body.encode()),)
        if key is None:
            yield position, Item(at_ns, bodies, number)
            continue
        signal, _ = read_signal(Raw(raw, may_say_now=True), at_ns)
        new = NewSignal(key.hex(), content, raw, signal.source, signal.key)
        yield position, Item(at_ns, bodies, new=new, done=bool(done))
