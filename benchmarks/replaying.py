"""Replays: a year of candles with the strategies that ship, and recorded signals that flood in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.formatting import Figures, rounded
from benchmarks.load import FOUR, symbols_named
from benchmarks.runs import Stopwatch, stopwatch
from benchmarks.scale import Scale
from benchmarks.whole_pipeline import settings_of
from tidegate.cli.replaying import ReplayPlan, play
from tidegate.clock import VirtualLoop
from tidegate.domain.market import Candle
from tidegate.market.recordings import read_candles, write_candles
from tidegate.settings import Settings

__all__ = ["A_DAY", "played", "recorded", "replaying"]

_START_NS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
_TIMEFRAME_NS = 300_000_000_000
A_DAY = 288
_YEAR = 365


_STRATEGIES: Mapping[str, object] = {
    "candles": None,  # those that ship
    "candles_quiet": [{"name": "ema_cross", "params": {"fast": 12, "slow": 26}}],
    "candles_alone": [],
}


def replaying(scale: Scale, folder: Path) -> Figures:
    """A year of candles of ten symbols, with the strategies that ship, with a quiet one, and with none: seconds and
    simulated days per second, reading the files included. Where fewer days are replayed, `a_year_s` and `a_year_cpu_s`
    are scaled up. And signals per second of a day with many recorded signals, which flood in as the candles close, or
    come one by one."""
    with TemporaryDirectory(dir=folder) as own:
        return {
            **_candles(Path(own), scale),
            "signals_flooding": _signals(Path(own), scale, moments=A_DAY - 1),
            "signals_one_by_one": _signals(Path(own), scale, moments=scale.replayed_signals),
        }


def _candles(folder: Path, scale: Scale) -> Figures:
    symbols, days = symbols_named(10), scale.replayed_days
    paths = [recorded(folder, symbol, days) for symbol in symbols]
    with stopwatch() as reading:
        candles = sum(len(read_candles(path).candles) for path in paths)
    figures: dict[str, Figures] = {"reading": {"candles": candles, "cpu_us_a_candle": _us(reading, candles)}}
    for name, strategies in _STRATEGIES.items():
        signals = {} if strategies is None else {"signals": {"strategies": strategies}}
        settings = Settings.model_validate({"symbols": symbols, "timeframe": "5m", **signals})
        report, watch = played(settings, paths, None, folder / f"{name}.db")
        figures[name] = {
            "symbols": len(symbols),
            "days": days,
            "candles": candles,
            "signals": report["received"],
            "wall_s": rounded(watch.wall_s),
            "cpu_s": rounded(watch.cpu_s),
            "cpu_us_a_candle": _us(watch, candles),
            "days_per_s": rounded(days / watch.wall_s),
            "a_year_s": rounded(watch.wall_s / days * _YEAR),
            "a_year_cpu_s": rounded(watch.cpu_s / days * _YEAR),
        }
    return figures


def _us(watch: Stopwatch, count: int) -> float:
    return rounded(watch.cpu_s / count * 1e6)


def _signals(folder: Path, scale: Scale, *, moments: int) -> Figures:
    paths = [recorded(folder, symbol, 1) for symbol in FOUR]
    lines, journal = folder / "signals.jsonl", folder / f"signals-{moments}.db"
    lines.write_bytes(b"\n".join(_lines(scale.replayed_signals, moments)))
    report, watch = played(settings_of(f"sqlite:///{journal}", FOUR), paths, lines, journal)
    return {
        "signals": report["received"],
        "placed": report["placed"],
        "wall_s": rounded(watch.wall_s),
        "signals_per_s": rounded(scale.replayed_signals / watch.wall_s),
    }


def played(
    settings: Settings, paths: list[Path], signals: Path | None, journal: Path
) -> tuple[dict[str, int], Stopwatch]:
    """What a replay reports in numbers, and how long it took."""
    loop = VirtualLoop()
    try:
        with stopwatch() as watch:
            recording = ReplayPlan(
                files=[read_candles(path) for path in paths], signals=signals, journal_url=f"sqlite:///{journal}"
            )
            report, _ = loop.run_until_complete(play(loop, settings, recording, lambda _: None))
    finally:
        loop.close()
    asyncio.set_event_loop(None)
    return {name: count for name, count in report.items() if isinstance(count, int)}, watch


def recorded(folder: Path, symbol: str, days: int) -> Path:
    """A file of so many days of a symbol's candles, of 5 minutes each; the same for the same name."""
    path = folder / f"{symbol.replace('/', '-')}-5m.csv"
    write_candles(path, _wandering(symbol, days * A_DAY))
    return path


def _wandering(symbol: str, count: int) -> Iterator[Candle]:
    step = Random(symbol).gauss  # noqa: S311 - a market, not a secret
    close = 100.0
    for number in range(count):
        opened, close = close, max(1.0, close * (1 + step(0, 0.002)))
        high, low = max(opened, close) * 1.0005, min(opened, close) * 0.9995
        yield Candle(symbol, _START_NS + number * _TIMEFRAME_NS, _TIMEFRAME_NS, opened, high, low, close, volume=1e6)


def _lines(count: int, moments: int) -> Iterator[bytes]:
    """Signals at so many moments, spread evenly over the day from the first close on."""
    first_ms, last_ms = (_START_NS + _TIMEFRAME_NS) // 1_000_000 + 1, (_START_NS + A_DAY * _TIMEFRAME_NS) // 1_000_000
    for number in range(count):
        moment = number * moments // count
        said = {
            "symbol": FOUR[number % 4],
            "side": "sell" if number // 4 % 2 else "buy",
            "strength": 0.9,
            "timestamp": first_ms + moment * (last_ms - first_ms) // moments,
            "key": f"k{number}",
            "source": "benchmark",
        }
        yield json.dumps(said).encode()
