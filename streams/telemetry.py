"""Numbers for whoever watches, read from the journal's committed events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reactivex import Subject

from streams.execution import ExecutionCycle
from streams.latency import Latencies
from tidegate.clock import Clock
from tidegate.domain import events as e

__all__ = ["Telemetry"]

_STAGE_OF: dict[type[e.Body], str] = {
    e.Accepted: "intake",
    e.Refused: "intake",
    e.Redelivered: "intake",
    e.Intent: "execution",
    e.Superseded: "waiting",
    e.Expired: "waiting",
    e.Placed: "placement",
    e.Deferred: "placement",
    e.Failed: "placement",
    e.Unknown: "placement",
    e.Parked: "resolution",
    e.Reopened: "resolution",
    e.Adopted: "resolution",
    e.Filled: "orders",
    e.OrderChanged: "orders",
}
_ENDS: frozenset[type[e.Body]] = frozenset({e.Expired, e.Superseded, e.Failed, e.Refused})
_LOSSES: frozenset[type[e.Body]] = frozenset({e.Expired, e.Refused})


class Telemetry:
    """Counts executions, decisions, and events by kind; keeps each stage's last sign of life (steady), and latencies.

    `waited` is from receipt to the intent, `sent` from there to the acknowledgement, `total` from receipt to the
    acknowledgement. `last_loss` is the last signal that was refused or expired, until another one is accepted. Memory:
    kinds and stages, and one moment for each signal that is not decided.
    """

    def __init__(self, clock: Clock) -> None:
        self.executions = self.decisions = 0
        self.counts: Counter[str] = Counter()
        self.heartbeats: dict[str, int] = {}
        self.last_loss: e.Recorded | None = None
        self.latencies = {"recorded": Latencies(), "waited": Latencies(), "sent": Latencies(), "total": Latencies()}
        self.cycles: Subject[ExecutionCycle] = Subject()
        self._clock = clock
        self._received: dict[int, int] = {}
        self._intended: dict[int, int] = {}

    def cycle(self, cycle: ExecutionCycle) -> None:
        """Take in an execution; `cycles` passes it on to whoever shows it."""
        self.executions += 1
        self.heartbeats["tick"] = cycle.due_ns
        self.cycles.on_next(cycle)

    def decided(self, count: int) -> None:
        """Take in that so many waiting signals were looked at."""
        self.decisions += count

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        now_ns, now_at_ns = self._clock.now_ns(), self._clock.wall_ns()
        seen: dict[type[e.Body], int] = {}
        for event in events:
            number, at_ns, kind = event.number, event.at_ns, type(event.body)
            seen[kind] = seen.get(kind, 0) + 1
            if kind is e.Accepted:
                self.last_loss = None
                self._received[number] = at_ns
                self.latencies["recorded"].add(now_at_ns - at_ns)
            elif kind is e.Intent:
                self._intended[number] = at_ns
                if (received_ns := self._received.get(number)) is not None:
                    self.latencies["waited"].add(at_ns - received_ns)
            elif kind is e.Placed:
                self._placed(number, at_ns)
            elif kind in _ENDS:
                if kind in _LOSSES:
                    self.last_loss = event
                self._received.pop(number, None)
                self._intended.pop(number, None)
        for kind, count in seen.items():
            self.counts[e.KIND_OF[kind]] += count
            if (stage := _STAGE_OF.get(kind)) is not None:
                self.heartbeats[stage] = now_ns

    @property
    def faults(self) -> int:
        """How many incidents and differences were recorded."""
        return self.counts[e.KIND_OF[e.Incident]] + self.counts[e.KIND_OF[e.Differed]]

    def _placed(self, number: int, at_ns: int) -> None:
        intended_ns = self._intended.pop(number, None)
        received_ns = self._received.pop(number, None)
        if intended_ns is not None:
            self.latencies["sent"].add(at_ns - intended_ns)
        if received_ns is not None:
            self.latencies["total"].add(at_ns - received_ns)
