"""When the journal's file wrote its log back: SQLite counts that in the header of the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

__all__ = ["checkpoints_of"]

_LOOK_S = 0.02
_COUNT = slice(12, 16)


@asynccontextmanager
async def checkpoints_of(journal: Path) -> AsyncIterator[Sequence[int]]:
    """The moments of checkpoints, as far as they have come, in nanoseconds of `time.perf_counter_ns`; none where the
    journal has no log. Each is seen with the first commit after it, within 20 ms."""
    seen: list[int] = []
    watching = asyncio.ensure_future(_watch(Path(f"{journal}-wal"), seen))
    try:
        yield seen
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(log: Path, seen: list[int]) -> None:
    last = _count(log)
    while True:
        await asyncio.sleep(_LOOK_S)
        count = _count(log)
        if count != last and last:
            seen.append(time.perf_counter_ns())
        last = count


def _count(log: Path) -> bytes:
    with suppress(FileNotFoundError), log.open("rb") as file:
        return file.read(32)[_COUNT]
    return b""
