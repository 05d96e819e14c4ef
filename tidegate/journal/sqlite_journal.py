"""The journal on SQLite: write-ahead log, one writer, every commit on the disk before it is believed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

from tidegate.domain.errors import JournalRefused, JournalUnavailable
from tidegate.domain.ports import CommitResults, Item
from tidegate.files.disk_space import full_disk
from tidegate.journal.commit import Commit
from tidegate.journal.group_rows import GroupRows, Known, rows_of, rows_without_known
from tidegate.journal.sqlite_file import connect, is_full, path_of
from tidegate.journal.sqlite_lock import Lock
from tidegate.journal.sqlite_reader import SqliteReader
from tidegate.journal.sqlite_tables import SqliteTables

__all__ = ["SqliteJournal", "SqliteReader"]

_FEW = 32  # are on the disk before a thread has begun
_ALONE = 1  # on a real venue the loop reads answers meanwhile, which costs more than a thread
_FULL = 2
_SWITCH_S = 0.0005  # how long the flushing thread waits for a busy loop once the disk is done


class SqliteJournal(SqliteReader):
    """Writes a journal, alone. Satisfies `tidegate.domain.ports.Journal`.

    A large batch goes to the disk by a thread of its own, while the loop continues; live, every batch of two or more.
    With `batches_together` above 1 only every so many batches reach the file, the last ones on `close`: for replays,
    which start over when they die.

    Raises:
        JournalRefused: another process writes it, or it must not be written: see `connect`.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: str,
        synchronous: str = "full",
        batches_together: int = 1,
        world: str | None = None,
    ) -> None:
        self._path = path = path_of(url)
        self._lock = Lock(path)
        try:
            self._read_from(connect(path, mode=mode, synchronous=synchronous, world=world))
        except BaseException:
            self._lock.give_up()
            raise
        self._tables = SqliteTables(self._connection)
        self._head = super().head()
        self._batches_together, self._batches_open = batches_together, 0
        self._few = _ALONE if mode == "live" else _FEW
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        return self._head

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> CommitResults:
        """Commit a batch of independent items in one transaction, and answer for each. One call at a time.

        Raises:
            JournalUnavailable: nothing was written: the disk is full or fails, or the file is locked.
        """
        try:
            rows = self._write(items, snapshots)
            self._batches_open += 1
            if self._batches_open >= self._batches_together:
                if len(items) <= self._few:
                    self._flush()
                else:  # SQLite does not hold the interpreter meanwhile
                    await asyncio.get_running_loop().run_in_executor(self._writer, self._flush)
                self._batches_open = 0
        except sqlite3.Error as error:
            self._forget()
            why = full_disk(self._path) if is_full(error) else str(error)
            if self._batches_together > 1:  # batches that were answered are gone as well
                raise JournalRefused(f"the journal of the replay cannot be written: {why}") from error
            raise JournalUnavailable(f"the commit failed: {why}") from error
        self._head = rows.head
        return rows.answers

    def close(self) -> None:
        """Close the file and let others write."""
        self._writer.shutdown()
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        super().close()
        self._lock.give_up()

    @property
    def is_durable(self) -> bool:
        """Whether what was answered as committed survives a power cut: `synchronous` is full, or more."""
        (synchronous,) = self._connection.execute("PRAGMA synchronous").fetchone()
        return int(synchronous) >= _FULL

    def copy(self) -> bytes:
        """The whole journal, as the file of one to which nothing was written since."""
        return self._connection.serialize()

    def abandon(self) -> None:
        """Let go of the file as a process does that dies: what is not committed is gone. Harmless when it is closed."""
        self._writer.shutdown()
        super().close()
        self._lock.give_up()

    def _write(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> GroupRows:
        """Write a batch within the open transaction, or a new one."""
        tables, rows = self._tables, rows_of(items, self._head)
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            if not tables.take(rows, self._head):
                rows = rows_without_known(items, self._head, self._known(items))
                tables.take(rows, self._head)
            tables.write(rows, self._head)
            tables.keep(snapshots, self._head)
        except BaseException:
            self._roll_back()
            raise
        return rows

    def _flush(self) -> None:
        """Have the disk know what is written."""
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._tables.forget()

    def _known(self, items: Iterable[Item]) -> dict[bytes, Known]:
        """What is recorded of the identities that a group carries."""
        new = [item.new for item in items if item.new is not None]
        keys = [bytes.fromhex(each.id) for each in new] + [each.as_written for each in new if each.as_written]
        known: dict[bytes, Known] = {}
        commit: Commit | None = None
        for key, number in sorted(self._numbers(keys), key=itemgetter(1)):
            if commit is None or number > commit.position:
                commit = self._read_commit(number)
            known[key] = number, commit.content_of(number)
        return known
