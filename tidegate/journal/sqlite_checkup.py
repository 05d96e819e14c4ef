"""A journal's file examined from outside: whether it is whole, who writes it, what is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from msgspec import Struct

from tidegate.journal.sqlite_file import connect, path_of
from tidegate.journal.sqlite_lock import writer_of as writer
from tidegate.journal.sqlite_reader import SqliteReader

__all__ = ["Checkup", "examine", "writer_of"]


class Checkup(Struct, frozen=True):
    """What is found in a journal; with `damage`, nothing else is known."""

    damage: str = ""
    mode: str = ""
    events: int = 0
    last_at_ns: int = 0


def examine(url: str) -> Checkup:
    """Read every page of the journal, also while it is being written.

    Raises:
        JournalRefused: there is none, or it cannot be read by this program.
    """
    with closing(connect(path_of(url), mode=None)) as connection:
        try:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                return Checkup(damage=" ".join(verdict.split()))
        except sqlite3.DatabaseError as error:
            return Checkup(damage=str(error))
    with closing(SqliteReader(url)) as reader:
        head = reader.head()
        last = next(reader.read(head - 1), None)
        return Checkup("", reader.mode(), head, last.at_ns if last else 0)


def writer_of(url: str) -> str | None:
    """The id of the process that writes the journal; None when there is none."""
    return writer(path_of(url))
