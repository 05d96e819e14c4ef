"""The slowest signals of a long run, and what the journal's checkpoints have to do with it."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.checkpoints import checkpoints_of
from benchmarks.formatting import Figures, percentiles_ms, rounded
from benchmarks.load import Schedule
from benchmarks.runs import Offered
from benchmarks.scale import Scale
from benchmarks.whole_pipeline import opened

__all__ = ["tail"]

_PER_S = 10_000
_BEFORE_NS, _AFTER_NS = 500_000_000, 500_000_000
_LISTED = 20


def tail(scale: Scale, folder: Path) -> Figures:
    """10,000 signals a second for ten minutes: latency to the acknowledgement, by whether it was within half a second
    of a checkpoint; and the moments of the first checkpoints, each with the slowest signal within half a second."""
    schedule = Schedule(per_s=_PER_S, for_s=scale.tail_s)
    with TemporaryDirectory(dir=folder) as own:
        offered, checkpoints = asyncio.run(_run(Path(own) / "journal.db", schedule))
    near, far = _by_checkpoint(offered, checkpoints)
    return {
        "offered_per_s": schedule.per_s,
        "for_s": schedule.for_s,
        "turned_away": offered.turned_away,
        "unfinished": offered.unfinished,
        "to_acknowledgement_ms": _with_max(offered.acknowledged_ns),
        "to_order_ms": _with_max(offered.ordered_ns),
        "checkpoints": len(checkpoints),
        "near_a_checkpoint_ms": _with_max(near),
        "elsewhere_ms": _with_max(far),
        "first_checkpoints_s_and_slowest_ms": [
            (rounded(at_ns / 1e9), rounded(max(_within(offered, at_ns), default=0) / 1e6))
            for at_ns in checkpoints[:_LISTED]
        ],
        "generator_share": rounded(offered.generator_share),
        "watching_share": rounded(offered.watching_share),
    }


async def _run(journal: Path, schedule: Schedule) -> tuple[Offered, Sequence[int]]:
    async with opened(journal) as whole, checkpoints_of(journal) as moments_ns:
        began_ns = time.perf_counter_ns()
        offered = await whole.offered(schedule)
        return offered, [at_ns - began_ns for at_ns in moments_ns]


def _within(offered: Offered, at_ns: int) -> Sequence[int]:
    """The latencies of what was acknowledged within half a second of a moment."""
    acknowledged_at_ns = offered.acknowledged_at_ns
    first = bisect_left(acknowledged_at_ns, at_ns - _BEFORE_NS)
    return offered.acknowledged_ns[first : bisect_left(acknowledged_at_ns, at_ns + _AFTER_NS)]


def _by_checkpoint(offered: Offered, checkpoints: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    near: list[int] = []
    far: list[int] = []
    done = 0
    for at_ns in checkpoints:
        first = max(done, bisect_left(offered.acknowledged_at_ns, at_ns - _BEFORE_NS))
        last = max(first, bisect_left(offered.acknowledged_at_ns, at_ns + _AFTER_NS))
        far += offered.acknowledged_ns[done:first]
        near += offered.acknowledged_ns[first:last]
        done = last
    far += offered.acknowledged_ns[done:]
    return near, far


def _with_max(durations_ns: Sequence[int]) -> Figures:
    slowest = {"max": rounded(max(durations_ns) / 1e6)} if durations_ns else {}
    return {**percentiles_ms(durations_ns), **slowest}
