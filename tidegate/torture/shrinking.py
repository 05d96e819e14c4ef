"""The shortest script that still breaks the promise."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from tidegate.torture.campaign import Crashes, plans_of
from tidegate.torture.checker import check
from tidegate.torture.faulty.script import Script
from tidegate.torture.history import History
from tidegate.torture.plan import Plan
from tidegate.torture.run import run
from tidegate.torture.setup import Setup

__all__ = ["shrink"]


def shrink(setup: Setup, script: Script, plan: Plan, *, runs_max: int = 2000) -> tuple[Script, Plan, History]:
    """Leave out mishaps, half of them at a time, then fewer, and signals, as long as the same invariant is broken.

    Gives the script, the point at which it breaks, and the history of that run; within `runs_max` runs, after which it
    is what was found until then.
    """
    history = run(setup, script, plan.points())
    broken = _broken(history)
    left = [runs_max]
    while broken:
        for shorter in _shorter(script):
            found = _breaks(setup, shorter, plan, broken, left)
            if found is not None:
                script, (plan, history) = shorter, found
                break
        else:
            break
    return script, plan, history


def _shorter(script: Script) -> Iterator[Script]:
    mishaps, size = script.mishaps, len(script.mishaps)
    while size := size // 2 if size > 1 else 0:
        for start in range(0, len(mishaps), size):
            yield replace(script, mishaps=(*mishaps[:start], *mishaps[start + size :]))
    if len(script.signals) > 1:
        for n in range(len(script.signals)):
            yield replace(script, signals=(*script.signals[:n], *script.signals[n + 1 :]))


def _breaks(
    setup: Setup, script: Script, plan: Plan, broken: frozenset[str], left: list[int]
) -> tuple[Plan, History] | None:
    acts = {act for _, act in plan.acts}
    crashes: Crashes = "pairs" if len(plan.acts) > 1 else "every"
    for act in acts:
        for tried, history in plans_of(setup, script, act, crashes=crashes):
            if _broken(history) & broken:
                return tried, history
            left[0] -= 1
            if left[0] <= 0:
                return None
    return None


def _broken(history: History) -> frozenset[str]:
    return frozenset(violation.invariant for violation in check(history))
