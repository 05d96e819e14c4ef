"""The journal's file: opening it, and every reason not to."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO

from domain.errors import JournalRefused, SettingsError

__all__ = ["SCHEMA_VERSION", "Lock", "connect", "path_of"]

SCHEMA_VERSION = 1
_CHECKPOINT_PAGES = 8000  # ids are random: most pages of a large index are written once a checkpoint, not once a signal
_BUSY_MS = 500  # the loop stands still for so long while another program writes; the commit is tried again after that
_APPLICATION_ID = 0x7468726C  # "thrl", so that `file` and we ourselves know a journal from another database

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
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
"""


def path_of(url: str) -> str:
    """The file behind `sqlite:///relative.db` or `sqlite:////absolute.db`; `sqlite:///:memory:` is kept nowhere.

    Raises:
        SettingsError: it is not such a URL.
    """
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise SettingsError(f"journal.url must look like sqlite:///data/journal.db, was {url}")
    return path


class Lock:
    """The right to write a journal: one process at a time, given up by the kernel when the process dies."""

    def __init__(self, path: str) -> None:
        """
        Raises:
            JournalRefused: another process has it, or its file cannot be written.
        """
        self._file: IO[str] | None = None
        if path == ":memory:":
            return
        lock_path = Path(f"{path}.lock")
        try:
            lock_path.parent.mkdir(parents=True, exist_ok=True)
            file = lock_path.open("a+", encoding="utf-8")
        except OSError as error:
            raise JournalRefused(
                f"{path} cannot be written: {error.strerror}: {error.filename}; set journal.url to another file"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise JournalRefused(
                f"{path} is being written by process {owner}: stop it, or set journal.url to another file"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def give_up(self) -> None:
        """Let others write."""
        if self._file is not None:
            self._file.close()
            self._file = None


def connect(path: str, *, mode: str | None, synchronous: str = "full") -> sqlite3.Connection:
    """Open the journal at `path` for writing in `mode`, making it if there is none; with mode None, for reading only.

    Raises:
        JournalRefused: it is not a journal, is damaged, was written by a newer program or in another mode, or there is
            none to read.
    """
    try:
        connection = _open(path, writing=mode is not None)
        try:
            _check(connection, path, mode, synchronous)
        except BaseException:
            connection.close()
            raise
        return connection
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise JournalRefused(
                f"{path} cannot be opened: {error}. It must be a file, in a folder that may be written"
            ) from error
        raise JournalRefused(_DAMAGED.format(path=path, error=error)) from error


_DAMAGED = (
    "{path} is damaged ({error}): nothing is written to it. Restore it from a backup together with its -wal file, "
    "or move it away to begin a new one; orders placed from it stay as they are on the venue"
)


def _open(path: str, *, writing: bool) -> sqlite3.Connection:
    if writing:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    if not Path(path).exists():
        raise JournalRefused(f"there is no journal at {path}: start `run` first, or set journal.url")
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5)


def _check(connection: sqlite3.Connection, path: str, mode: str | None, synchronous: str) -> None:
    if mode is not None and not _pragma(connection, "schema_version"):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
        connection.execute("INSERT INTO meta VALUES ('mode', ?)", (mode,))
        connection.execute("COMMIT")
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        raise JournalRefused(f"{path} is a database, but not a journal: set journal.url to another file")
    version = _pragma(connection, "user_version")
    if version != SCHEMA_VERSION:
        raise JournalRefused(
            f"{path} has schema version {version}, this program knows {SCHEMA_VERSION}: "
            "run the newer program that wrote it, or set journal.url to another file"
        )
    if mode is None:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise JournalRefused(_DAMAGED.format(path=path, error=" ".join(verdict.split())))
    (kept,) = connection.execute("SELECT value FROM meta WHERE name = 'mode'").fetchone()
    if kept != mode:
        raise JournalRefused(f"{path} is a journal of mode {kept}, not {mode}: set journal.url to another file")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
