"""A recording that grows: continued after its last candle, and what is missing in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle
from tidegate.market.recordings_csv import HEADER, candles_of, line_of

__all__ = ["RecordingGap", "append_candles", "continues_ns", "gaps_in"]


class RecordingGap(Struct, frozen=True):
    """Where `missing` candles are not there: the first would have opened at `from_ns`, in nanoseconds UTC."""

    from_ns: int
    until_ns: int
    missing: int


def continues_ns(path: Path, symbol: str, timeframe_ns: int) -> int | None:
    """Where a recording continues: at the close of its last candle, in nanoseconds UTC; None where it has none yet.

    A last line that was cut short, as a kill or a power cut leaves it, is removed. Memory: the file's text.

    Raises:
        SettingsError: it is no recording of such candles.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
    if not path.stat().st_size:
        return None
    first = last = None
    for last in candles_of(path, symbol, timeframe_ns):
        first = first or last
        if (last.opened_at_ns - first.opened_at_ns) % timeframe_ns:
            raise SettingsError(f"{path} has candles of another timeframe: name another file")
    return last.closed_at_ns if last is not None else None


def append_candles(path: Path, candles: Sequence[Candle]) -> None:
    """Append candles in one write, on the disk when this returns; a new file gets its header first.

    Raises:
        SettingsError: the file cannot be written; the message says why.
    """
    begins = not path.exists() or not path.stat().st_size
    text = "".join([HEADER if begins else "", *map(line_of, candles)])
    try:
        with path.open("ab", buffering=0) as file:
            file.write(text.encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


def gaps_in(candles: Iterator[Candle]) -> Iterator[RecordingGap]:
    """Where candles are missing between those that are there. Memory: one candle."""
    before = next(candles, None)
    for candle in candles:
        if before is not None and candle.opened_at_ns > before.closed_at_ns:
            missing = (candle.opened_at_ns - before.closed_at_ns) // candle.timeframe_ns
            yield RecordingGap(before.closed_at_ns, candle.opened_at_ns, missing)
        before = candle
