"""Signals to recorded paper orders, as many a second as can be: beside bare loops and a plain RxPY chain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.bare_journal import Shape, shape_of
from benchmarks.bare_loop import BareLoop
from benchmarks.formatting import Figures
from benchmarks.load import signal_lines
from benchmarks.plain_rx import PlainRx
from benchmarks.runs import TimedRun
from benchmarks.scale import Scale
from benchmarks.whole_pipeline import opened

__all__ = ["sampled_shape", "throughput"]


def throughput(scale: Scale, folder: Path) -> Figures:
    """By signals per commit, and flat out, with the groups that come about by themselves."""
    shape = sampled_shape(folder)
    groups = {str(group): _by_group(scale, folder, shape, group, count) for group, count in scale.group_signals}
    return {"groups": groups, "flat_out": _flat_out(scale, folder, shape)}


def sampled_shape(folder: Path) -> Shape:
    """What one signal looks like in the journal."""
    with TemporaryDirectory(dir=folder) as own:

        async def one() -> None:
            async with opened(Path(own) / "sample.db") as pipeline:
                await pipeline.in_groups(signal_lines(1), 1)

        asyncio.run(one())
        return shape_of(Path(own) / "sample.db")


def _by_group(scale: Scale, folder: Path, shape: Shape, group: int, count: int) -> Figures:
    lines = signal_lines(count - count % group)

    async def pipeline(journal: Path) -> TimedRun:
        async with opened(journal, group=group) as whole:
            return await whole.in_groups(lines, group)

    async def plain_rx(journal: Path) -> TimedRun:
        chain = PlainRx(journal, group=group)
        try:
            return await chain.in_groups(lines, group)
        finally:
            chain.close()

    turns = {
        "pipeline": _over_a_new_journal(folder, lambda journal: asyncio.run(pipeline(journal))),
        **_bare_turns(folder, shape, lines, lambda: group),
        "plain_rx": _over_a_new_journal(folder, lambda journal: asyncio.run(plain_rx(journal))),
    }
    return _compared(alternate(scale.rounds, turns))


def _flat_out(scale: Scale, folder: Path, shape: Shape) -> Figures:
    lines = signal_lines(scale.flat_out_signals)
    last: list[TimedRun] = []

    async def pipeline(journal: Path) -> TimedRun:
        async with opened(journal) as whole:
            last[:] = [await whole.flat_out(lines)]
            return last[0]

    turns = {
        "pipeline": _over_a_new_journal(folder, lambda journal: asyncio.run(pipeline(journal))),
        **_bare_turns(folder, shape, lines, lambda: -(-len(lines) // last[0].commits)),
    }
    return _compared(alternate(scale.rounds, turns))


def _bare_turns(
    folder: Path, shape: Shape, lines: Sequence[bytes], group: Callable[[], int]
) -> Mapping[str, Callable[[], TimedRun]]:
    """The bare loop that writes rows, and the one that writes a record for each commit."""

    def bare(journal: Path, *, groups: bool) -> TimedRun:
        loop = BareLoop(journal, shape, groups=groups)
        try:
            return loop.flat_out(lines, group())
        finally:
            loop.close()

    return {
        "bare_loop": _over_a_new_journal(folder, partial(bare, groups=False)),
        "bare_groups": _over_a_new_journal(folder, partial(bare, groups=True)),
    }


def _over_a_new_journal(folder: Path, turn: Callable[[Path], TimedRun]) -> Callable[[], TimedRun]:
    def over() -> TimedRun:
        with TemporaryDirectory(dir=folder) as own:
            return turn(Path(own) / "journal.db")

    return over


def _compared(timed_runs: Mapping[str, Sequence[TimedRun]]) -> Figures:
    rates = {name: [timed.per_s for timed in some] for name, some in timed_runs.items()}
    figures: dict[str, float] = {f"{name}_per_s": median_of_turns(some) for name, some in rates.items()}
    for name, some in timed_runs.items():
        figures[f"{name}_cpu_us"] = median_of_turns([timed.cpu_us for timed in some])
        figures[f"{name}_signals_per_commit"] = median_of_turns([timed.signals / timed.commits for timed in some])
    for name in rates.keys() - {"pipeline"}:
        figures[f"pipeline_to_{name}_ratio"] = median_of_ratios(rates["pipeline"], rates[name])
    return figures
