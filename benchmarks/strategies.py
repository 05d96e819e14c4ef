"""Several symbols with several strategies each: what a look of one strategy at one candle costs, signals included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.alternate import alternate, median_of_ratios, median_of_turns
from benchmarks.formatting import Figures, rounded
from benchmarks.load import symbols_named
from benchmarks.replaying import A_DAY, played, recorded
from benchmarks.runs import TimedRun
from benchmarks.scale import Scale
from tidegate.settings import Settings

__all__ = ["strategies"]

_KINDS: tuple[tuple[str, Callable[[int], Mapping[str, float]]], ...] = (
    ("ema_cross", lambda step: {"fast": 2 + step, "slow": 6 + 2 * step}),
    ("rsi_reversion", lambda step: {"period": 5 + step, "low": 20, "high": 80}),
    ("breakout", lambda step: {"period": 10 + step}),
)


def strategies(scale: Scale, folder: Path) -> Figures:
    """Replays with more and more symbols and strategies: microseconds of processor time for each candle and strategy;
    compared with the fewest of both."""
    names = {f"{symbols}x{each}": (symbols, each) for symbols, each in scale.strategies}
    first, *_ = names
    with TemporaryDirectory(dir=folder) as own:
        turns = {name: _turn(Path(own), scale, *counts) for name, counts in names.items()}
        timed_runs = alternate(scale.rounds, turns)
    looks = {name: symbols * each * scale.strategy_days * A_DAY for name, (symbols, each) in names.items()}
    costs = {name: [timed.cpu_s / looks[name] * 1e6 for timed in some] for name, some in timed_runs.items()}
    return {
        name: {
            "symbols": names[name][0],
            "strategies_each": names[name][1],
            "signals": some[0].signals,
            "signals_per_s": rounded(max(timed.per_s for timed in some)),
            "cpu_us_per_look": median_of_turns(costs[name]),
            f"look_to_{first}_ratio": median_of_ratios(costs[name], costs[first]),
        }
        for name, some in timed_runs.items()
    }


def _turn(folder: Path, scale: Scale, symbols: int, each: int) -> Callable[[], TimedRun]:
    names = symbols_named(symbols)
    steps = enumerate(islice(cycle(_KINDS), each))
    chosen = [{"name": name, "params": params(number // len(_KINDS))} for number, (name, params) in steps]
    settings = Settings.model_validate({"symbols": names, "timeframe": "5m", "signals": {"strategies": chosen}})

    def turn() -> TimedRun:
        with TemporaryDirectory(dir=folder) as own:
            paths = [recorded(Path(own), symbol, scale.strategy_days) for symbol in names]
            report, watch = played(settings, paths, None, Path(own) / "journal.db")
        return TimedRun(signals=report["received"], wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=0)

    return turn
