"""What an order costs that comes alone: its delay beside ccxt's request, counted in bare commits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.formatting import Figures

__all__ = ["lonely_order"]

_ROW = b"." * 300


async def lonely_order(orders: int, place: Callable[[], Awaitable[tuple[int, int]]], ask: Any, folder: Path) -> Figures:
    """By turns: a signal that `place` brings to a recorded order, the request alone by `ask`, and a commit of one row.

    `place` gives the moments of the signal's receipt and of the order's record, in ns. Of `commits` a signal pays one
    for its receipt, and what is given here from there to the record of its order.
    """
    bare = sqlite3.connect(folder / "lonely.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = wal")
    bare.execute("PRAGMA synchronous = full")
    bare.execute("CREATE TABLE row (what BLOB)")
    placed: list[int] = []
    asked: list[int] = []
    committed: list[int] = []
    for _ in range(orders):
        received_ns, recorded_ns = await place()
        placed.append(recorded_ns - received_ns)
        began_ns = time.perf_counter_ns()
        await ask()
        asked_ns = time.perf_counter_ns()
        bare.execute("INSERT INTO row VALUES (?)", (_ROW,))
        asked.append(asked_ns - began_ns)
        committed.append(time.perf_counter_ns() - asked_ns)
    bare.close()
    on_top = median(ours - theirs for ours, theirs in zip(placed, asked, strict=True))
    return {
        "pipeline_ms": _ms(placed),
        "ccxt_ms": _ms(asked),
        "commit_ms": _ms(committed),
        "on_top_to_commit_ratio": float(f"{on_top / median(committed):.3g}"),
    }


def _ms(some_ns: list[int]) -> float:
    return float(f"{median(some_ns) / 1e6:.4g}")
