"""What a pipeline has done since it started, beside what it committed."""

from __future__ import annotations

from collections.abc import Sequence

from streams.execution import ExecutionCycle
from tidegate.domain import events as e

__all__ = ["Activity"]

_ACCEPTED_OR_LOST: frozenset[type[e.Body]] = frozenset({e.Accepted, e.Expired, e.Refused})


class Activity:
    """Counts execution cycles and decisions, and remembers the last signal that was lost.

    `last_cycle_ns` is when the newest was due (steady), None before the first.
    `last_loss` is the last signal that was refused or expired, None once another one is accepted. Memory: one event.
    """

    def __init__(self) -> None:
        self.executions = self.decisions = 0
        self.last_cycle_ns: int | None = None
        self.last_loss: e.Recorded | None = None

    def cycle(self, cycle: ExecutionCycle) -> None:
        """Count an execution cycle."""
        self.executions += 1
        self.last_cycle_ns = cycle.due_ns

    def decided(self, count: int) -> None:
        """Count waiting signals that were looked at."""
        self.decisions += count

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        for event in reversed(events):
            if type(event.body) in _ACCEPTED_OR_LOST:
                self.last_loss = None if type(event.body) is e.Accepted else event
                return
