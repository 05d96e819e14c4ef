"""The journal's file: making it, opening it, and every reason not to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tidegate.domain.errors import JournalRefused, SettingsError
from tidegate.files.disk_space import full_disk, words_of
from tidegate.files.owner_only import make_folder, opener
from tidegate.journal.older_journals import convert
from tidegate.journal.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, create

__all__ = ["connect", "is_full", "path_of"]

_CHECKPOINT_PAGES = 8000  # a page that is written again and again goes into the file once a checkpoint
_CACHE_KIB = 8000  # all but the oldest ids, of which a commit looks each of its own up
_BUSY_MS = 500  # the loop is blocked for so long while another program writes; the commit is tried again after that
_MEMORY = ":memory:"


def path_of(url: str) -> str:
    """The file behind `sqlite:///relative.db` or `sqlite:////absolute.db`; `sqlite:///:memory:` is kept nowhere.

    Raises:
        SettingsError: it is not such a URL.
    """
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        fix = "it must look like sqlite:///data/journal.db" if "://" in url else f"write sqlite:///{url}"
        raise SettingsError(f"{url} is not a journal's URL: {fix}")
    return path


def is_full(error: sqlite3.Error) -> bool:
    """Whether a statement failed for want of space."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def connect(path: str, *, mode: str | None, synchronous: str = "full", world: str | None = None) -> sqlite3.Connection:
    """Open the journal at `path` for writing in `mode`, making it where there is no file; with mode None, for reading.

    A journal remembers the `world` whose prices its orders were decided by, from the first time that one is named.
    Whoever writes brings an older journal up to date; the lock must be held.

    Raises:
        JournalRefused: it is not a journal, is damaged, was written by a newer program, in another mode or in another
            world, cannot be made, or there is none to read.
    """
    try:
        connection = _writable(path, mode) if mode is not None else _readable(path)
        try:
            _check(connection, path)
            if mode is not None:
                _take_over(connection, path, mode, synchronous, world)
        except BaseException:
            connection.close()
            raise
        return connection
    except OSError as error:
        raise JournalRefused(
            f"{path} cannot be made: {words_of(error, path)}. Or set journal.url to another file"
        ) from error
    except sqlite3.DatabaseError as error:
        if is_full(error):
            raise JournalRefused(f"{path} cannot be written: {full_disk(path)}") from error
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise JournalRefused(
                f"{path} cannot be opened: {error}. It must be a file, in a folder that may be written"
            ) from error
        raise JournalRefused(_DAMAGED.format(path=path, error=error)) from error


_DAMAGED = (
    "{path} is damaged ({error}): nothing is written to it. Restore it from a backup together with its -wal file, "
    "or move it away to begin a new one; orders placed from it stay as they are on the venue"
)
_EMPTY = (
    "{path} is an empty file, not a journal. Delete it to begin a new one, or restore the journal that belongs there: "
    "without it the orders that were sent are unknown"
)
_LOG_ALONE = (
    "{path} is missing, but its log {path}-wal is there: restore the two together, or move the log away to begin a new "
    "journal; orders placed from it stay as they are on the venue"
)
_TWO_NAMES = (
    "{path} is one file under several names (hard links): two programs could write it at once without knowing of each "
    "other. Leave it one name, or make a copy and name that in journal.url"
)


def _writable(path: str, mode: str) -> sqlite3.Connection:
    if path == _MEMORY:
        connection = _open(path)
        create(connection)
        _remember(connection, "mode", mode)
        return connection
    file = Path(os.path.realpath(path))
    if not file.exists():
        if _size(Path(f"{file}-wal")):
            raise JournalRefused(_LOG_ALONE.format(path=path))
        _make(file, lambda connection: _remember(connection, "mode", mode))
    elif file.is_file():
        _refuse_empty(file, path)
        if file.stat().st_nlink > 1:
            raise JournalRefused(_TWO_NAMES.format(path=path))
    return _open(str(file))


def _readable(path: str) -> sqlite3.Connection:
    file = Path(path)
    if not file.exists():
        raise JournalRefused(f"there is no journal at {path}: start `run` first, or set journal.url")
    if file.is_file():
        _refuse_empty(file, path)
    return _open(f"{file.absolute().as_uri()}?mode=ro")


def _refuse_empty(file: Path, path: str) -> None:
    if not _size(file) and not _size(Path(f"{file}-wal")):
        raise JournalRefused(_EMPTY.format(path=path))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _open(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, uri=path.startswith("file:"), isolation_level=None, check_same_thread=False, timeout=5)


def _make(file: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A new journal, for its owner only, in place once it is complete: a process that dies meanwhile leaves none."""
    make_folder(file.parent)
    unfinished = Path(f"{file}.new")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(opener(str(unfinished), os.O_CREAT | os.O_EXCL | os.O_RDWR))
        with closing(_open(str(unfinished))) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # it is flushed as a whole
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            create(connection)
            fill(connection)
            connection.execute("COMMIT")
        _flush(unfinished)
        unfinished.rename(file)
        _flush(file.parent)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _flush(place: Path) -> None:
    """Have the disk know a file, or the new entries of a folder."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(connection: sqlite3.Connection, path: str) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise JournalRefused(f"{path} is a database, but not a journal: set journal.url to another file")
    version = _pragma(connection, "user_version")
    if version > SCHEMA_VERSION:
        raise JournalRefused(
            f"{path} has schema version {version}, this program knows {SCHEMA_VERSION}: "
            "run the newer program that wrote it, or set journal.url to another file"
        )


def _take_over(connection: sqlite3.Connection, path: str, mode: str, synchronous: str, world: str | None) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise JournalRefused(_DAMAGED.format(path=path, error=" ".join(verdict.split())))
    kept = dict(connection.execute("SELECT name, value FROM meta"))
    if kept["mode"] != mode:
        raise JournalRefused(f"{path} is a journal of mode {kept['mode']}, not {mode}: set journal.url to another file")
    if world is not None and kept.get("world", world) != world:
        raise JournalRefused(
            f"{path} has orders of another market: {kept['world']}, not {world}. Go on with that one, or begin another "
            "journal: --journal FILE, or journal.url"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    if _pragma(connection, "user_version") != SCHEMA_VERSION:
        Path(path).chmod(0o600)  # older programs let everybody read it
        convert(connection)
    if world is not None and "world" not in kept:
        _remember(connection, "world", world)


def _remember(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT INTO meta VALUES (?, ?)", (name, value))


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
