"""The log's file: for its owner only, in rotation, and no reason to stop when the disk is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tidegate.files.disk_space import words_of
from tidegate.files.owner_only import make_folder, opener

__all__ = ["LogFile", "bytes_of"]

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}


def bytes_of(size: str) -> int:
    """`20 MB` as a number of bytes."""
    number, unit = size.split()
    return int(number) * _UNITS[unit]


class LogFile:
    """A file of at most `largest` bytes; `kept` full ones before it are numbered, `log.1.jsonl` being the newest.

    What cannot be written is dropped, and `say` reports it once until it can be written again. Memory: none.
    """

    def __init__(self, path: Path, *, largest: int, kept: int, say: Callable[[str], None]) -> None:
        """
        Raises:
            OSError: the file cannot be opened.
        """
        self._path, self._largest, self._kept, self._say = path, largest, kept, say
        self._failing = False
        self._open()

    def write(self, line: str) -> None:
        """Write a line, into a new file when this one would become too large."""
        data = line.encode(errors="backslashreplace")
        try:
            if self._size and self._size + len(data) > self._largest:
                self._rotate()
            self._size += os.write(self._file, data)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._failing = True
                self._say(f"the log {self._path} cannot be written: {words_of(error, self._path)}\n")

    def stop(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> None:
        make_folder(self._path.parent)
        self._file = opener(str(self._path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._size = os.fstat(self._file).st_size

    def _rotate(self) -> None:
        for number in range(self._kept, 0, -1):
            with suppress(FileNotFoundError):
                self._numbered(number - 1).replace(self._numbered(number))
        if not self._kept:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.{number}{self._path.suffix}") if number else self._path
