"""Measures when each signal is acknowledged and ordered, from its arrival on."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.load import Offer, signal_lines
from streams.engine import Engine
from tidegate.domain.events import Accepted, Placed, Recorded
from tidegate.domain.signal import Raw, Receipt

__all__ = ["LatencyProbe"]


class LatencyProbe:
    """Submits signals and records their receipts and orders; signals are accepted in the order of submission.

    The signals are made on the loop, as they arrive: `generating_ns` is how long that took, and `watching_ns` how long
    it took to look at the events.
    """

    def __init__(self, engine: Engine, schedule: Offer) -> None:
        self.acknowledged_ns, self.acknowledged_at_ns = array("q"), array("q")
        self.ordered_ns, self.told_ns = array("q"), array("q")
        self.generating_ns = self.watching_ns = 0
        self.all_ended = asyncio.get_running_loop().create_future()
        self._give = engine.inbox.give
        self._schedule = schedule
        self._unaccepted: deque[int] = deque()
        self._shed: set[int] = set()
        self._arrived_ns: dict[int, int] = {}
        engine.observe("benchmark", self._watch)
        self._began_ns = time.perf_counter_ns()

    @property
    def ended(self) -> int:
        """How many signals have a recorded order, or were turned away."""
        return len(self.ordered_ns) + len(self.told_ns)

    def hand_over(self, numbers: range) -> None:
        """Let the next signals in."""
        now_ns = time.perf_counter_ns()
        if not numbers.start:
            self._began_ns = now_ns
        lines = signal_lines(len(numbers), first=numbers.start)
        raws = [Raw(line, reply=_Reply(self, number)) for number, line in zip(numbers, lines, strict=True)]
        self._unaccepted.extend(numbers)
        self.generating_ns += time.perf_counter_ns() - now_ns
        self._give(raws)

    def on_receipt(self, number: int, receipt: Receipt) -> None:
        """A signal was acknowledged, or turned away."""
        at_ns = time.perf_counter_ns() - self._began_ns
        after_ns = at_ns - self._schedule.at_ns(number)
        if receipt.signal_id is None:
            self.told_ns.append(after_ns)
            self._shed.add(number)
            self._look_whether_over()
        else:
            self.acknowledged_ns.append(after_ns)
            self.acknowledged_at_ns.append(at_ns)

    def _watch(self, events: Sequence[Recorded]) -> None:
        now_ns = time.perf_counter_ns()
        unaccepted, shed, arrived_ns, at_ns = self._unaccepted, self._shed, self._arrived_ns, self._schedule.at_ns
        for event in events:
            kind = type(event.body)
            if kind is Accepted:
                while (number := unaccepted.popleft()) in shed:
                    shed.remove(number)
                arrived_ns[event.number] = self._began_ns + at_ns(number)
            elif kind is Placed:
                self.ordered_ns.append(now_ns - arrived_ns.pop(event.number))
        self.watching_ns += time.perf_counter_ns() - now_ns
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self.ended == self._schedule.count and not self.all_ended.done():
            self.all_ended.set_result(None)


class _Reply(Struct, gc=False):
    """Who asks for the receipt of one signal."""

    probe: LatencyProbe
    number: int

    def __call__(self, receipt: Receipt) -> None:
        self.probe.on_receipt(self.number, receipt)
