"""A journal verified: every record against its hash, and the tables that lead to the records against these."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from msgspec import Struct

from tidegate.domain.errors import JournalRefused
from tidegate.journal.commit import Commit
from tidegate.journal.older_journals import is_current
from tidegate.journal.sqlite_file import connect, path_of
from tidegate.journal.sqlite_reader import COMMITS

__all__ = ["Verification", "verify"]


class Verification(Struct, frozen=True):
    """What was found: how many `commits` and `events` were read, and what is `wrong`, in words with the position.

    `hash` is that of the last record, in hex. It covers all before it: whoever noted it elsewhere can tell a journal
    that was written again as a whole, or cut short, which no look inside can.
    """

    commits: int
    events: int
    hash: str
    wrong: tuple[str, ...] = ()


def verify(url: str) -> Verification:
    """Read every record of a journal, also while it is being written. A million signals take some ten seconds.

    Raises:
        JournalRefused: there is none, it cannot be read by this program, or it is an older one, which has no hashes.
    """
    with closing(connect(path_of(url), mode=None)) as connection:
        if not is_current(connection):
            raise JournalRefused(f"{path_of(url)} is from before records had hashes: the next `run` converts it")
        connection.execute("BEGIN")  # of one moment
        return _Walk(connection).verification()


class _Walk:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._commits = self._events = self._signals = self._last = 0
        self._hash = b""

    def verification(self) -> Verification:
        try:
            wrong = (*self._wrong(),)
        except sqlite3.DatabaseError as error:
            wrong = (f"behind position {self._last} the file cannot be read: {error}",)
        return Verification(self._commits, self._events, self._hash.hex(), wrong)

    def _wrong(self) -> Iterator[str]:
        for row in self._connection.execute(f"{COMMITS} ORDER BY position"):
            position, _, self._hash, *_ = row
            self._commits += 1
            try:
                commit = Commit(*row)
            except JournalRefused as error:
                yield str(error)
            else:
                self._events += position - commit.first + 1
                yield from self._not_led_to(commit)
            self._last = position
        (identities,) = self._connection.execute("SELECT count(*) FROM identity").fetchone()
        if identities != self._signals:
            yield f"{identities} signals are known, and {self._signals} are in the records"

    def _not_led_to(self, commit: Commit) -> Iterator[str]:
        for number, signal in commit.signals.items():
            self._signals += 1
            known = self._connection.execute("SELECT number FROM identity WHERE id = ?", (signal.id,)).fetchone()
            if known != (number,):
                yield f"signal {signal.id.hex()} at position {number} is not found by its id"
