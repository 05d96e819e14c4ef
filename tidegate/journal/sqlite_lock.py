"""The right to write a journal."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from tidegate.domain.errors import JournalRefused
from tidegate.files.disk_space import words_of
from tidegate.files.owner_only import make_folder, opener

__all__ = ["Lock", "lock_path", "writer_of"]


def lock_path(path: str) -> Path:
    """The file whose lock guards the journal at `path`: one for every name that leads to the same file."""
    return Path(f"{os.path.realpath(path)}.lock")


class Lock:
    """One process at a time may write a journal; the kernel takes the right back when the process dies."""

    def __init__(self, path: str) -> None:
        """
        Raises:
            JournalRefused: another process has it, or its file cannot be written.
        """
        self._file: IO[str] | None = None
        if path == ":memory:":
            return
        own = lock_path(path)
        try:
            make_folder(own.parent)
            file = open(own, "a+", encoding="utf-8", opener=opener)  # noqa: SIM115 - held as long as we write
        except OSError as error:
            raise JournalRefused(_unwritable(path, error)) from error
        try:
            _take(file, path)
        except BaseException:
            with suppress(OSError):  # what could not be written cannot be written at the end either
                file.close()
            raise
        self._file = file

    def give_up(self) -> None:
        """Let others write."""
        if self._file is not None:
            self._file.close()
            self._file = None


def writer_of(path: str) -> str | None:
    """The id of the process that writes the journal at `path`; None when there is none."""
    own = lock_path(path)
    if not own.exists():
        return None
    with own.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return file.read().strip() or "unknown"
    return None


def _take(file: IO[str], path: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        raise JournalRefused(
            f"{path} is being written by process {owner}: stop it, or set journal.url to another file"
        ) from None
    try:
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
    except OSError as error:
        raise JournalRefused(_unwritable(path, error)) from error


def _unwritable(path: str, error: OSError) -> str:
    return f"{path} cannot be written: {words_of(error, path)}. Or set journal.url to another file"
