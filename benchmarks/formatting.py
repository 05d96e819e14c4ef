"""Figures: percentiles, and the file they are kept in."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import TypeAlias

import orjson

__all__ = ["LATEST", "Figures", "flattened", "percentiles_ms", "read", "rounded", "slope", "stamped", "write"]

Figures: TypeAlias = Mapping[str, "Figure"]
Figure: TypeAlias = float | int | bool | str | Sequence["Figure"] | Figures | None

LATEST = Path(__file__).parent / "latest.json"

_SHARES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999}


def percentiles_ms(durations_ns: Sequence[int]) -> dict[str, float]:
    """The least durations in milliseconds that 50, 99 and 99.9 % of all are not above; none of an empty sequence."""
    ordered = sorted(durations_ns)
    return {name: rounded(ordered[ceil(share * len(ordered)) - 1] / 1e6) for name, share in _SHARES.items() if ordered}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much y grows with x: the median over all pairs of points, which one outlier does not move."""
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) for n, a in enumerate(points) for b in points[n + 1 :] if b[0] > a[0]]
    return median(pairs) if pairs else 0.0


def rounded(number: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{number:.4g}")


def stamped(figures: Figures, *, quick: bool, load_before: Sequence[float] = ()) -> Figures:
    """The figures of one benchmark, with when, where and how thoroughly they were measured, and how busy the machine
    was before: its load averages of 1, 5 and 15 minutes."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "cpus": os.cpu_count(),
        "load_before": [round(load, 2) for load in load_before],
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "figures": figures,
    }


def flattened(figures: Figures, prefix: str = "") -> Iterator[tuple[str, Figure]]:
    """Every figure under its path, such as `groups.100.throughput_ratio`."""
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            yield from flattened(figure, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", figure


def read(path: Path) -> dict[str, Figures]:
    """What was measured so far, by benchmark; nothing where there is no file."""
    if not path.exists():
        return {}
    kept: dict[str, Figures] = orjson.loads(path.read_bytes())
    return kept


def write(path: Path, benches: Mapping[str, Figures]) -> None:
    """Keep figures by benchmark, beside those of benchmarks that were not run this time."""
    kept = {**read(path), **benches}
    path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
