"""Entries at certain hours only."""

from __future__ import annotations

from collections.abc import Sequence

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.situation import Situation
from tidegate.domain.hours import Hours, week_time
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal

__all__ = ["within_hours"]


def within_hours(windows: Sequence[Hours]) -> ExecutionCheck:
    """Wait while the wall clock, in UTC, is in none of the `windows`. Measured is the time, limit the windows."""
    limit = ", ".join(window.text for window in windows)

    def check(signal: Signal, situation: Situation) -> Wait | None:
        at_ns = situation.at_ns
        if situation.closes(signal) or any(window.cover(at_ns) for window in windows):
            return None
        return Wait(Reason.OUTSIDE_HOURS, measured=week_time(at_ns), limit=limit)

    return check
