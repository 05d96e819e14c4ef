"""Signals from files of JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tidegate.domain.errors import SettingsError

__all__ = ["read_signals"]


def read_signals(path: Path, *, numbered: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The lines of a JSON lines file as they are, without their line ends; blank ones are skipped, none is decoded.

    `numbered` is called with the number of each line before it is emitted; the first is 1, and blank ones count.

    Memory: one line.

    Raises:
        SettingsError: the file cannot be opened; raised by this call, not by the first line.
    """
    try:
        file = path.open("rb")
    except OSError as wrong:
        raise SettingsError(f"{path} cannot be read: {wrong.strerror}") from wrong

    def lines() -> Iterator[bytes]:
        with file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    numbered(number)
                    yield line.rstrip(b"\r\n")

    return lines()
