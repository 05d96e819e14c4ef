"""Taking turns: A B A B, so that what the machine does meanwhile hits all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

__all__ = ["alternate", "median_of_ratios", "median_of_turns"]

_T = TypeVar("_T")


def alternate(rounds: int, turns: Mapping[str, Callable[[], _T]]) -> dict[str, list[_T]]:
    """Give each its turn, again and again; the results of each, by round."""
    results: dict[str, list[_T]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            gc.collect()
            results[name].append(turn())
    return results


def median_of_ratios(ours: Sequence[float], others: Sequence[float]) -> float:
    """Ours to the other's in each round, and the median of these."""
    return float(f"{median(one / other for one, other in zip(ours, others, strict=True)):.3g}")


def median_of_turns(measured: Sequence[float]) -> float:
    """The median of all rounds, to four digits."""
    return float(f"{median(measured):.4g}")
