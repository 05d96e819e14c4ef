"""Writing the tables of a journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from tidegate.domain.text import encodable
from tidegate.journal.group_rows import GroupRows
from tidegate.journal.record_format import VERSION, hash_of
from tidegate.journal.sqlite_settling import settle

__all__ = ["SqliteTables"]

_VALUES_AT_ONCE = 32_000
_SENDERS_REMEMBERED = 1024


class SqliteTables:
    """The tables of a journal, to be written within transactions of the caller, who says when one was rolled back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """What was written last is gone."""
        self._hash: bytes | None = None
        self._senders = set[str]()

    def take(self, rows: GroupRows, head: int) -> bool:
        """Take the identities of a group for it, which comes behind the position `head`; none, if one of them is taken
        already, or known in another notation."""
        keys = rows.identities[::2]
        if self._is_known(rows.as_written, "identity") or self._is_known(keys, "identity_older", "identity_old"):
            return False
        if self._execute("INSERT OR IGNORE INTO identity_young VALUES ", "(?,?)", rows.identities) == len(keys):
            return True
        self._execute(f"DELETE FROM identity_young WHERE number > {head} AND id IN (", "?", keys, ")")  # noqa: S608
        return False

    def write(self, rows: GroupRows, head: int) -> None:
        """Write the record of a group behind the position `head`, and what leads to it."""
        execute = self._execute
        if rows.body:
            self._hash = hash_of(self._last_hash(), rows.head, VERSION, rows.body)
            execute("INSERT INTO commits VALUES ", "(?,?,?,?)", (rows.head, VERSION, self._hash, rows.body))
        execute("INSERT INTO touched VALUES ", "(?,?,?)", rows.touched)
        execute("INSERT OR IGNORE INTO known_as_young VALUES ", "(?,?,?)", rows.names)
        if not rows.senders <= self._senders:
            execute("INSERT OR IGNORE INTO sender VALUES ", "(?)", list(map(encodable, rows.senders)))
            self._senders = rows.senders if len(self._senders) > _SENDERS_REMEMBERED else self._senders | rows.senders
        opened = [number for number, is_open in rows.is_open.items() if is_open]
        closed = [number for number, is_open in rows.is_open.items() if not is_open]
        execute("INSERT OR IGNORE INTO open_signal VALUES ", "(?)", opened)
        execute("DELETE FROM open_signal WHERE number IN (", "?", closed, ")")
        settle(self._connection, head, rows.head)

    def keep(self, images: Mapping[str, bytes], position: int) -> None:
        """Keep images of the state as it was at a position."""
        values = [value for part, image in images.items() for value in (part, position, image)]
        self._execute("INSERT OR REPLACE INTO snapshot VALUES ", "(?,?,?)", values)

    def _last_hash(self) -> bytes:
        if self._hash is None:
            last = self._connection.execute("SELECT hash FROM commits ORDER BY position DESC LIMIT 1").fetchone()
            self._hash = last[0] if last else b""
        return self._hash

    def _is_known(self, keys: Sequence[object], *tables: str) -> bool:
        for start in range(0, len(keys), _VALUES_AT_ONCE):
            some = keys[start : start + _VALUES_AT_ONCE]
            among = f"WHERE id IN ({','.join('?' * len(some))}) LIMIT 1"
            for table in tables:
                if self._connection.execute(f"SELECT 1 FROM {table} {among}", some).fetchone():  # noqa: S608
                    return True
        return False

    def _execute(self, opening: str, row: str, values: Sequence[object], closing: str = "") -> int:
        """Write all rows with one statement, since a thread has to queue for the interpreter again after each; how many
        rows that changed."""
        width, changed = row.count("?"), 0
        at_once = _VALUES_AT_ONCE // width * width
        for start in range(0, len(values), at_once):
            some = values[start : start + at_once]
            changed += self._connection.execute(
                opening + ",".join([row] * (len(some) // width)) + closing, some
            ).rowcount
        return changed
