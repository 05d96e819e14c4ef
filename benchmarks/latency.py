"""From a signal's arrival to its durable acknowledgement and to its recorded order, at offered loads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.bare_journal import Shape
from benchmarks.bare_loop import BareLoop
from benchmarks.formatting import Figures, percentiles_ms, slope
from benchmarks.load import Schedule
from benchmarks.plain_rx import PlainRx
from benchmarks.runs import Offered
from benchmarks.scale import Scale
from benchmarks.throughput import sampled_shape
from benchmarks.whole_pipeline import opened

__all__ = ["latency", "sustained"]

_PLAIN_RX_MAX_PER_S = 1_000


def latency(scale: Scale, folder: Path) -> Figures:
    """By offered load, beside the bare loop, and beside a plain RxPY chain where it keeps up."""
    shape = sampled_shape(folder)
    return {str(per_s): _at(scale, folder, shape, Schedule(per_s=per_s, for_s=for_s)) for per_s, for_s in scale.offered}


def sustained(scale: Scale, folder: Path) -> Figures:
    """20,000 signals a second: how many wait, from second to second; and what the bare loop makes of it."""
    schedule = Schedule(per_s=20_000, for_s=scale.sustained_s)
    shape = sampled_shape(folder)
    ours = _pipeline(folder, schedule)()
    bare = _bare_loop(folder, shape, Schedule(per_s=20_000, for_s=min(scale.sustained_s, 10)))()
    settled = ours.backlog[len(ours.backlog) // 5 :]
    return {
        "offered_per_s": schedule.per_s,
        "for_s": schedule.for_s,
        "backlog": [(round(at_s, 1), waiting) for at_s, waiting in ours.backlog],
        "backlog_growth_per_s": round(slope(settled), 1),
        "backlog_median": median(waiting for _, waiting in settled),
        "backlog_max": max(waiting for _, waiting in ours.backlog),
        "turned_away": ours.turned_away,
        "unfinished": ours.unfinished,
        "pipeline_to_order_ms": percentiles_ms(ours.ordered_ns),
        "pipeline_to_acknowledgement_ms": percentiles_ms(ours.acknowledged_ns),
        "bare_loop_to_order_ms": percentiles_ms(bare.ordered_ns),
        "bare_loop_backlog_median": median(waiting for _, waiting in bare.backlog),
    }


def _at(scale: Scale, folder: Path, shape: Shape, schedule: Schedule) -> Figures:
    turns = {"pipeline": _pipeline(folder, schedule), "bare_loop": _bare_loop(folder, shape, schedule)}
    if schedule.per_s <= _PLAIN_RX_MAX_PER_S:
        turns["plain_rx"] = _plain_rx(folder, schedule)
    results = alternate(scale.rounds, turns)
    figures: dict[str, Figures] = {}
    for what, durations in (("acknowledgement", _acknowledged), ("order", _ordered)):
        by_loop = {name: [percentiles_ms(durations(offered)) for offered in some] for name, some in results.items()}
        medians: dict[str, float | dict[str, float]] = {
            f"{name}_ms": {share: median_of_turns([turn[share] for turn in some]) for share in some[0]}
            for name, some in by_loop.items()
        }
        ours = by_loop.pop("pipeline")
        for other, some in by_loop.items():
            for share in some[0]:
                ratio = median_of_ratios([turn[share] for turn in ours], [turn[share] for turn in some])
                medians[f"pipeline_to_{other}_{share}_ratio"] = ratio
        figures[f"to_{what}"] = medians
    return {**figures, "turned_away": sum(offered.turned_away for offered in results["pipeline"])}


def _acknowledged(offered: Offered) -> list[int]:
    return list(offered.acknowledged_ns)


def _ordered(offered: Offered) -> list[int]:
    return list(offered.ordered_ns)


def _pipeline(folder: Path, schedule: Schedule) -> Callable[[], Offered]:
    async def run(journal: Path) -> Offered:
        async with opened(journal) as whole:
            return await whole.offered(schedule)

    def turn() -> Offered:
        with TemporaryDirectory(dir=folder) as own:
            return asyncio.run(run(Path(own) / "journal.db"))

    return turn


def _bare_loop(folder: Path, shape: Shape, schedule: Schedule) -> Callable[[], Offered]:
    def turn() -> Offered:
        with TemporaryDirectory(dir=folder) as own:
            loop = BareLoop(Path(own) / "journal.db", shape)
            try:
                return loop.offered(schedule)
            finally:
                loop.close()

    return turn


def _plain_rx(folder: Path, schedule: Schedule) -> Callable[[], Offered]:
    async def run(journal: Path) -> Offered:
        chain = PlainRx(journal)
        try:
            return await chain.offered(schedule)
        finally:
            chain.close()

    def turn() -> Offered:
        with TemporaryDirectory(dir=folder) as own:
            return asyncio.run(run(Path(own) / "journal.db"))

    return turn
