"""What one run of anything measured gives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Offered", "Stopwatch", "TimedRun", "stopwatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """So many signals, brought to recorded orders in that time, with so many commits."""

    signals: int
    wall_s: float
    cpu_s: float
    commits: int

    @property
    def per_s(self) -> float:
        """Signals per second."""
        return self.signals / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time for each signal."""
        return self.cpu_s / self.signals * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What came of a schedule of arrivals: latencies in nanoseconds from the moment a signal should have arrived.

    `acknowledged_at_ns` has the moments of the acknowledgements, from the beginning on. `backlog` has seconds from the
    beginning on, and how many signals had arrived then and had no recorded order yet. `told_ns` is how long it took
    until who was turned away was told so. `generator_share` is the share of the time in which the loop was busy with
    making the signals, and `watching_share` with watching what came of them.
    """

    acknowledged_ns: Sequence[int]
    ordered_ns: Sequence[int]
    acknowledged_at_ns: Sequence[int] = ()
    told_ns: Sequence[int] = ()
    backlog: Sequence[tuple[float, int]] = ()
    unfinished: int = 0
    generator_share: float = 0.0
    watching_share: float = 0.0

    @property
    def turned_away(self) -> int:
        """How many signals were turned away."""
        return len(self.told_ns)


@dataclass(slots=True)
class Stopwatch:
    """Wall and processor time, once it is stopped."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    began: tuple[float, float] = field(default_factory=lambda: (time.perf_counter(), time.process_time()))


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure what happens inside."""
    watch = Stopwatch()
    yield watch
    wall, cpu = watch.began
    watch.wall_s, watch.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
