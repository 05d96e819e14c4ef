"""More signals than can be placed: all the time, and all at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare_loop import BareLoop
from benchmarks.formatting import Figures, percentiles_ms, rounded
from benchmarks.load import Bursts, Offer, Schedule
from benchmarks.runs import Offered
from benchmarks.scale import Scale
from benchmarks.throughput import sampled_shape
from benchmarks.whole_pipeline import opened
from tidegate.settings import Settings

__all__ = ["bursts", "overload"]

_OFFERED_PER_S = 60_000


def overload(scale: Scale, folder: Path) -> Figures:
    """60,000 signals a second: how many are admitted, how long it takes until they are acknowledged, beside the limit,
    and how soon the others are told."""
    schedule = Schedule(per_s=_OFFERED_PER_S, for_s=scale.overload_s)
    offered = _offered(folder, schedule)
    max_delay_ms = Settings().intake.max_delay_ms
    slowest_ms = max(offered.acknowledged_ns, default=0) / 1e6
    return {
        "offered_per_s": schedule.per_s,
        "for_s": schedule.for_s,
        "admitted_share": rounded(len(offered.acknowledged_ns) / schedule.count),
        "admitted_per_s": rounded(len(offered.acknowledged_ns) / schedule.for_s),
        "unfinished": offered.unfinished,
        "max_delay_ms": max_delay_ms,
        "to_acknowledgement_ms": {**percentiles_ms(offered.acknowledged_ns), "max": rounded(slowest_ms)},
        "to_order_ms": percentiles_ms(offered.ordered_ns),
        "turned_away_told_ms": percentiles_ms(offered.told_ns),
        "slowest_to_max_delay_ratio": rounded(slowest_ms / max_delay_ms) if max_delay_ms else None,
        **_shares(offered),
    }


def bursts(scale: Scale, folder: Path) -> Figures:
    """Many signals at once, then silence, and again; and what the bare loop makes of it."""
    schedule = Bursts(size=scale.burst_signals, times=scale.burst_times, every_s=scale.silence_s)
    ours, shape = _offered(folder, schedule), sampled_shape(folder)
    with TemporaryDirectory(dir=folder) as own:
        loop = BareLoop(Path(own) / "journal.db", shape)
        try:
            bare = loop.offered(Bursts(size=schedule.size, times=schedule.times, every_s=min(scale.silence_s, 5)))
        finally:
            loop.close()
    return {
        "signals_at_once": schedule.size,
        "times": schedule.times,
        "every_s": schedule.every_s,
        "turned_away": ours.turned_away,
        "unfinished": ours.unfinished,
        "pipeline_to_acknowledgement_ms": percentiles_ms(ours.acknowledged_ns),
        "pipeline_to_order_ms": percentiles_ms(ours.ordered_ns),
        "bare_loop_to_acknowledgement_ms": percentiles_ms(bare.acknowledged_ns),
        "bare_loop_to_order_ms": percentiles_ms(bare.ordered_ns),
        "pipeline_to_bare_loop_p99_ratio": rounded(_p99(ours) / _p99(bare)),
        **_shares(ours),
    }


def _offered(folder: Path, schedule: Offer) -> Offered:
    async def run(journal: Path) -> Offered:
        async with opened(journal) as whole:
            return await whole.offered(schedule)

    with TemporaryDirectory(dir=folder) as own:
        return asyncio.run(run(Path(own) / "journal.db"))


def _p99(offered: Offered) -> float:
    return percentiles_ms(offered.ordered_ns)["p99"]


def _shares(offered: Offered) -> Figures:
    return {
        "generator_share": rounded(offered.generator_share),
        "watching_share": rounded(offered.watching_share),
    }
