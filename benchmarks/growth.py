"""What a signal costs as there is more of everything: symbols, past signals, signals closed meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.bare_loop import BareLoop
from benchmarks.formatting import Figures, rounded, slope
from benchmarks.fresh_process import in_fresh_process, resident_bytes
from benchmarks.journal_of_a_million import copied, written
from benchmarks.load import FOUR, signal_lines, symbols_named
from benchmarks.runs import TimedRun
from benchmarks.scale import Scale
from benchmarks.throughput import sampled_shape
from benchmarks.whole_pipeline import opened

__all__ = ["memory", "past", "symbols"]

_RUNS = 5
_BARE_GROUP, _PAST_GROUP = 256, 4_000


def symbols(scale: Scale, folder: Path) -> Figures:
    """The cost of a signal among more and more symbols, each signal of another one; compared with the fewest."""
    few, *_ = scale.symbols
    turns = {str(count): _turn(folder, scale.symbol_signals, symbols_named(count)) for count in scale.symbols}
    timed_runs = alternate(scale.rounds, turns)
    base = [_us(timed) for timed in timed_runs[str(few)]]
    return {
        count: {
            "pipeline_us": median_of_turns([_us(timed) for timed in some]),
            f"pipeline_to_{few}_symbols_ratio": median_of_ratios([_us(timed) for timed in some], base),
        }
        for count, some in timed_runs.items()
    }


def past(scale: Scale, folder: Path) -> Figures:
    """The cost of a signal over an empty journal, and over one with a long past; that of the bare loop likewise."""
    journal = written(folder, closed=scale.closed_signals, waiting=scale.open_signals)
    bare = _bare_turn(folder, scale.symbol_signals)
    with TemporaryDirectory(dir=folder) as one, TemporaryDirectory(dir=folder) as other:
        ours, bares = copied(journal, Path(one)), Path(other) / "journal.db"
        _bare_turn(folder, scale.closed_signals, group=_PAST_GROUP)(bares)
        turns = {
            "pipeline_empty": _turn(folder, scale.symbol_signals, FOUR),
            "pipeline_long_past": _turn(folder, scale.symbol_signals, FOUR, past=ours),
            "bare_loop_empty": lambda: bare(None),
            "bare_loop_long_past": lambda: bare(bares),
        }
        timed_runs = alternate(scale.rounds, turns)
    costs = {name: [_us(timed) for timed in some] for name, some in timed_runs.items()}
    return {
        "closed_signals": scale.closed_signals,
        "waiting_signals": scale.open_signals,
        "journal_mb": round(journal.stat().st_size / 1e6),
        **{f"{name}_us": median_of_turns(some) for name, some in costs.items()},
        "long_past_to_empty_ratio": median_of_ratios(costs["pipeline_long_past"], costs["pipeline_empty"]),
        "bare_loop_long_past_to_empty_ratio": median_of_ratios(costs["bare_loop_long_past"], costs["bare_loop_empty"]),
    }


def memory(scale: Scale, folder: Path) -> Figures:
    """By how many bytes the program grows with each signal that is closed: what Python holds, and what the system
    gave it. Both are zero, if all that is kept of a closed signal is in the journal."""
    with TemporaryDirectory(dir=folder) as own:
        held, resident = in_fresh_process(_grown, Path(own) / "journal.db", scale.memory_signals)
    return {
        "closed_signals": scale.memory_signals * _RUNS,
        "python_bytes_per_closed_signal": rounded(slope(held)),
        "resident_bytes_per_closed_signal": rounded(slope(resident)),
        "resident_mb": round(resident[-1][1] / 1e6, 1),
    }


def _grown(journal: Path, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """What is held after so many signals, in Python's allocations, and resident."""

    async def run() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        held: list[tuple[float, float]] = []
        resident: list[tuple[float, float]] = []
        async with opened(journal) as whole:
            await whole.flat_out(signal_lines(count))
            for timed in range(_RUNS):
                await whole.flat_out(signal_lines(count, first=(timed + 1) * count))
                resident.append(((timed + 1) * count, resident_bytes()))
            tracemalloc.start()
            for timed in range(_RUNS):
                await whole.flat_out(signal_lines(count, first=(_RUNS + timed + 1) * count))
                resident_bytes()
                held.append(((timed + 1) * count, tracemalloc.get_traced_memory()[0]))
            tracemalloc.stop()
        return held, resident

    return asyncio.run(run())


def _turn(folder: Path, count: int, among: Sequence[str], *, past: Path | None = None) -> Callable[[], TimedRun]:
    """Flat out over a new journal each time, or over the one given, which has a longer past each time."""
    firsts = itertools.count(0, 2 * len(among) + count)

    async def run(journal: Path) -> TimedRun:
        first = next(firsts)
        async with opened(journal, among) as whole:
            await whole.flat_out(signal_lines(len(among), among, first=first))  # the first of a symbol costs more
            return await whole.flat_out(signal_lines(count, among, first=first + len(among)))

    def turn() -> TimedRun:
        with TemporaryDirectory(dir=folder) as own:
            return asyncio.run(run(past or Path(own) / "journal.db"))

    return turn


def _bare_turn(folder: Path, count: int, *, group: int = _BARE_GROUP) -> Callable[[Path | None], TimedRun]:
    """The same rows written by the bare loop."""
    shape, lines = sampled_shape(folder), signal_lines(count)

    def turn(past: Path | None) -> TimedRun:
        with TemporaryDirectory(dir=folder) as own:
            loop = BareLoop(past or Path(own) / "journal.db", shape)
            try:
                return loop.flat_out(lines, group)
            finally:
                loop.close()

    return turn


def _us(timed: TimedRun) -> float:
    return timed.wall_s / timed.signals * 1e6
