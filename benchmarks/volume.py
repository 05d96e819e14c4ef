"""What a signal costs while others wait, and how much of the journal it takes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.formatting import Figures, rounded
from benchmarks.load import FOUR, signal_lines
from benchmarks.runs import TimedRun
from benchmarks.scale import Scale
from benchmarks.whole_pipeline import opened

__all__ = ["journal_bytes", "waiting"]

_URGENT = 0.7  # the signals that are measured score higher, and those that wait lower


def waiting(scale: Scale, folder: Path) -> Figures:
    """The cost of a signal while more and more others wait for their execution; compared with the fewest."""
    few, *_ = scale.waiting
    turns = {str(count): _turn(folder, scale.symbol_signals, count) for count in scale.waiting}
    timed_runs = alternate(scale.rounds, turns)
    base = [timed.cpu_us for timed in timed_runs[str(few)]]
    return {
        count: {
            "pipeline_cpu_us": median_of_turns([timed.cpu_us for timed in some]),
            "pipeline_us": median_of_turns([timed.wall_s / timed.signals * 1e6 for timed in some]),
            f"pipeline_cpu_to_{few}_waiting_ratio": median_of_ratios([timed.cpu_us for timed in some], base),
        }
        for count, some in timed_runs.items()
    }


def journal_bytes(scale: Scale, folder: Path) -> Figures:
    """By how much the journal's file grows with each signal that is placed, flat out."""
    half = scale.flat_out_signals // 2
    sizes: list[int] = []

    async def run(journal: Path) -> None:
        for first in (0, half):
            async with opened(journal) as whole:
                await whole.flat_out(signal_lines(half, first=first))
            sizes.append(_size(journal))

    with TemporaryDirectory(dir=folder) as own:
        asyncio.run(run(Path(own) / "journal.db"))
    empty_after, full = sizes
    return {
        "placed_signals": half,
        "payload_bytes": len(signal_lines(1, first=half)[0]),
        "per_placed_signal": rounded((full - empty_after) / half),
    }


def _size(journal: Path) -> int:
    """The size of all the journal's files, once its log is written back."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in journal.parent.glob(f"{journal.name}*"))


def _turn(folder: Path, count: int, others: int) -> Callable[[], TimedRun]:
    """Flat out over a new journal, while so many others wait."""

    async def run(journal: Path) -> TimedRun:
        async with opened(journal, urgent_score=_URGENT) as whole:
            await whole.waiting([_weak(line) for line in signal_lines(others)])
            await whole.flat_out(signal_lines(len(FOUR), first=others))  # the first of a symbol costs more
            return await whole.flat_out(signal_lines(count, first=others + len(FOUR)))

    def turn() -> TimedRun:
        with TemporaryDirectory(dir=folder) as own:
            return asyncio.run(run(Path(own) / "journal.db"))

    return turn


def _weak(line: bytes) -> bytes:
    return line.replace(b'"strength":0.9,"confidence":0.8', b'"strength":0.5,"confidence":0.1')
