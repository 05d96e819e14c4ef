"""Recorded candles, from and to CSV files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain, pairwise
from operator import attrgetter
from pathlib import Path

import msgspec
from msgspec import Struct

from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle
from tidegate.domain.timeframe import parse_timeframe
from tidegate.market.recordings_csv import HEADER, candles_of, line_of

__all__ = ["CandleFile", "content_of", "merge_candles", "read_candles", "write_candles"]

_encode = msgspec.json.Encoder().encode
_NAMED = re.compile(r"([A-Za-z0-9]+)[-_]([A-Za-z0-9]+)[-_]([0-9]+[A-Za-z]+)")


class CandleFile(Struct, frozen=True):
    """A recording of one symbol: its candles, oldest first, none overlapping another, at least one."""

    path: Path
    symbol: str
    timeframe_ns: int
    candles: tuple[Candle, ...]


def read_candles(path: Path, symbol: str | None = None, timeframe: str | None = None) -> CandleFile:
    """Read a CSV file with a header naming timestamp (ms, the candle's start), open, high, low, close and volume.

    The columns may come in any order; others are ignored. `symbol` (`ETH/BTC`) and `timeframe` (`5m`) come from the
    file's name where they are not given: `ETH-BTC-5m.csv`, `ETH_BTC-5m.csv`. Gaps between candles are fine.

    Memory: the whole file's candles, about 300 bytes each.

    Raises:
        SettingsError: the file cannot be read as that; the message names file, line, field and the fix.
    """
    symbol, timeframe_ns = _identity(path, symbol, timeframe)
    candles = tuple(candles_of(path, symbol, timeframe_ns))
    if not candles:
        raise SettingsError(f"{path} has no candles: it needs at least one line below its header")
    return CandleFile(path, symbol, timeframe_ns, candles)


def merge_candles(files: Iterable[CandleFile]) -> Sequence[Candle]:
    """The candles of all files in the order in which they closed, at one moment by symbol and timeframe.

    Memory: a reference and a moment for each candle.

    Raises:
        SettingsError: two files have candles of the same symbol and timeframe for the same time.
    """
    files = sorted(files, key=lambda file: (file.symbol, file.timeframe_ns, file.candles[0].opened_at_ns))
    for one, next_one in pairwise(files):
        same = (one.symbol, one.timeframe_ns) == (next_one.symbol, next_one.timeframe_ns)
        if same and next_one.candles[0].opened_at_ns < one.candles[-1].closed_at_ns:
            raise SettingsError(f"{one.path} and {next_one.path} overlap: leave out one of them")
    together = chain.from_iterable(file.candles for file in files)
    return sorted(together, key=attrgetter("closed_at_ns"))  # ties keep the order of the files


def content_of(files: Iterable[CandleFile]) -> str:
    """16 hex characters: the same for the same candles, independent of file names and formatting.

    Memory: as `merge_candles`.
    """
    content = blake2b(digest_size=8, person=b"candles")
    for candle in merge_candles(files):
        content.update(_encode(candle))
    return content.hexdigest()


def write_candles(path: Path, candles: Iterable[Candle]) -> None:
    """Write candles of one symbol, oldest first, as a CSV file that `read_candles` reads.

    The symbol and the timeframe are for the file's name to say: `ETH-BTC-5m.csv`. What was in the file is replaced.

    Memory: one line.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(map(line_of, candles))


def _identity(path: Path, symbol: str | None, timeframe: str | None) -> tuple[str, int]:
    named = _NAMED.fullmatch(path.stem)
    if named is not None:
        base, quote, unit = named.groups()
        symbol, timeframe = symbol or f"{base}/{quote}", timeframe or unit
    if symbol is None or timeframe is None:
        raise SettingsError(f"{path} must be named like ETH-BTC-5m.csv, or be given --symbol and --timeframe")
    if "/" not in symbol[1:-1]:
        raise SettingsError(f"{path}: symbol must be a unified one such as ETH/BTC, was {symbol!r}")
    try:
        return symbol, parse_timeframe(timeframe)
    except ValueError as wrong:
        raise SettingsError(f"{path}: {wrong}") from wrong
