"""How much is measured: enough to trust, or just enough to see that it works."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Counts and durations of all benchmarks. `rounds` is how often what is compared takes turns."""

    rounds: int
    group_signals: tuple[tuple[int, int], ...]
    """Group sizes, and how many signals are measured in groups of that size."""
    flat_out_signals: int
    offered: tuple[tuple[int, float], ...]
    """Offered loads: signals per second, and for how many seconds."""
    sustained_s: float
    overload_s: float
    burst_signals: int
    burst_times: int
    silence_s: float
    """How long it is from one burst to the next one."""
    tail_s: float
    waiting: tuple[int, ...]
    """How many signals wait while others are executed."""
    strategies: tuple[tuple[int, int], ...]
    """Symbols, and strategies of each."""
    strategy_days: int
    symbols: tuple[int, ...]
    symbol_signals: int
    closed_signals: int
    open_signals: int
    lookups: int
    """Closed signals of the journal in which orders are looked up."""
    memory_signals: int
    replayed_days: int
    replayed_signals: int
    starts: int
    venue_orders: int


FULL = Scale(
    rounds=4,
    group_signals=((1, 1_000), (10, 8_000), (100, 20_000), (256, 20_000), (1000, 20_000)),
    flat_out_signals=30_000,
    offered=((100, 4), (1_000, 4), (5_000, 2)),
    sustained_s=60,
    overload_s=20,
    burst_signals=10_000,
    burst_times=3,
    silence_s=60,
    tail_s=600,
    waiting=(10, 1_000, 10_000),
    strategies=((5, 1), (5, 10), (50, 1), (50, 10)),
    strategy_days=3,
    symbols=(10, 100, 1_000),
    symbol_signals=10_000,
    closed_signals=1_000_000,
    open_signals=10_000,
    lookups=100_000,
    memory_signals=10_000,
    replayed_days=365,
    replayed_signals=30_000,
    starts=7,
    venue_orders=3_000,
)

QUICK = Scale(
    rounds=2,
    group_signals=((1, 200), (10, 1_000), (100, 3_000), (256, 3_000), (1000, 4_000)),
    flat_out_signals=6_000,
    offered=((100, 0.5), (1_000, 0.7), (5_000, 0.5)),
    sustained_s=3,
    overload_s=2,
    burst_signals=2_000,
    burst_times=2,
    silence_s=1,
    tail_s=4,
    waiting=(10, 1_000, 10_000),
    strategies=((2, 1), (2, 5), (10, 1), (10, 5)),
    strategy_days=1,
    symbols=(10, 100, 1_000),
    symbol_signals=2_000,
    closed_signals=50_000,
    open_signals=1_000,
    lookups=20_000,
    memory_signals=1_000,
    replayed_days=4,
    replayed_signals=4_000,
    starts=3,
    venue_orders=400,
)
