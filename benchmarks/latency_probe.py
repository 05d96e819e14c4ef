"""Measures when each signal is acknowledged and ordered, from its arrival on."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from benchmarks.load import Schedule, signal_lines
from streams.engine import Engine
from tidegate.domain.events import Accepted, Placed, Recorded
from tidegate.domain.signal import Raw, Receipt

__all__ = ["LatencyProbe"]


class LatencyProbe:
    """Submits signals and records their receipts and orders; signals are accepted in the order of submission."""

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self.acknowledged_ns: list[int] = []
        self.ordered_ns: list[int] = []
        self.turned_away = 0
        self.all_ended = asyncio.get_running_loop().create_future()
        self._give = engine.inbox.give
        self._schedule = schedule
        self._lines = signal_lines(schedule.count)
        self._unanswered: deque[int] = deque()
        self._unaccepted: deque[int] = deque()
        self._arrived_ns: dict[int, int] = {}
        engine.observe("benchmark", self._watch)
        self._began_ns = time.perf_counter_ns()

    @property
    def ended(self) -> int:
        """How many signals have a recorded order, or were turned away."""
        return len(self.ordered_ns) + self.turned_away

    def hand_over(self, number: int) -> None:
        """Let the next signal in."""
        if not number:
            self._began_ns = time.perf_counter_ns()
        arrived_ns = self._began_ns + self._schedule.at_ns(number)
        self._unanswered.append(arrived_ns)
        self._unaccepted.append(arrived_ns)
        self._give((Raw(self._lines[number], reply=self._on_receipt),))

    def _on_receipt(self, receipt: Receipt) -> None:
        if receipt.signal_id is None:  # a full door turns the newest away, at once
            self.turned_away += 1
            self._unanswered.pop()
            self._unaccepted.pop()
            self._look_whether_over()
        else:
            self.acknowledged_ns.append(time.perf_counter_ns() - self._unanswered.popleft())

    def _watch(self, events: Sequence[Recorded]) -> None:
        now_ns = time.perf_counter_ns()
        for event in events:
            kind = type(event.body)
            if kind is Accepted:
                self._arrived_ns[event.number] = self._unaccepted.popleft()
            elif kind is Placed:
                self.ordered_ns.append(now_ns - self._arrived_ns.pop(event.number))
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self.ended == self._schedule.count and not self.all_ended.done():
            self.all_ended.set_result(None)
