"""Signals from files of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from domain.errors import SettingsError

__all__ = ["read_signals"]


def read_signals(path: Path) -> Iterator[bytes]:
    """The lines of a JSON lines file as they are, without their line ends; blank ones are skipped, none is decoded.

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
            for line in file:
                if not line.isspace():
                    yield line.rstrip(b"\r\n")

    return lines()
