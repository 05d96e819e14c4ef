"""The shortest script that still breaks the promise."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from tidegate.torture.campaign import Crashes, plans_of
from tidegate.torture.checker import check
from tidegate.torture.faulty.script import Script
from tidegate.torture.history import TortureHistory
from tidegate.torture.plan import CrashPlan
from tidegate.torture.run import run
from tidegate.torture.setup import Setup

__all__ = ["shrink"]


def shrink(
    setup: Setup, script: Script, plan: CrashPlan, *, runs_max: int = 2000
) -> tuple[Script, CrashPlan, TortureHistory]:
    """Leave out faults, half of them at a time, then fewer, and signals, as long as the same invariant is broken.

    Gives the script, the point at which it breaks, and the history of that run; within `runs_max` runs, after which it
    is what was found until then.
    """
    past = run(setup, script, plan.points())
    broken = _broken(past)
    left = [runs_max]
    while broken:
        for shorter in _shorter(script):
            found = _breaks(setup, shorter, plan, broken, left)
            if found is not None:
                script, (plan, past) = shorter, found
                break
        else:
            break
    return script, plan, past


def _shorter(script: Script) -> Iterator[Script]:
    venue_faults, size = script.venue_faults, len(script.venue_faults)
    while size := size // 2 if size > 1 else 0:
        for start in range(0, len(venue_faults), size):
            yield replace(script, venue_faults=(*venue_faults[:start], *venue_faults[start + size :]))
    if len(script.signals) > 1:
        for n in range(len(script.signals)):
            yield replace(script, signals=(*script.signals[:n], *script.signals[n + 1 :]))


def _breaks(
    setup: Setup, script: Script, plan: CrashPlan, broken: frozenset[str], left: list[int]
) -> tuple[CrashPlan, TortureHistory] | None:
    acts = {act for _, act in plan.acts}
    crashes: Crashes = "pairs" if len(plan.acts) > 1 else "every"
    for act in acts:
        for tried, past in plans_of(setup, script, act, crashes=crashes):
            if _broken(past) & broken:
                return tried, past
            left[0] -= 1
            if left[0] <= 0:
                return None
    return None


def _broken(past: TortureHistory) -> frozenset[str]:
    return frozenset(violation.invariant for violation in check(past))
