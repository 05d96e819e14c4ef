"""How a running pipeline is doing, in numbers, read from the journal's committed events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from streams.engine import Engine
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.insight.latency import Latencies, SignalLatencies

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


class Telemetry:
    """Counts events by kind; keeps each stage's last sign of life (steady), and latencies.

    `latencies` has those of `SignalLatencies`, and `recorded`: from receipt to the commit. Memory: kinds and stages,
    and two moments for each signal that is not decided.
    """

    def __init__(self, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self.heartbeats: dict[str, int] = {}
        self._clock = clock
        self._recorded, self._signals = Latencies(), SignalLatencies()
        self.latencies: Mapping[str, Latencies] = {"recorded": self._recorded, **self._signals.by_stage}

    @classmethod
    def of(cls, engine: Engine) -> Telemetry:
        """Observe a pipeline from now on. Only on its loop."""
        telemetry = cls(engine.parts.clock)
        engine.observe("telemetry", telemetry.watch)
        return telemetry

    @property
    def faults(self) -> int:
        """How many incidents and differences were recorded."""
        return self.counts[e.KIND_OF[e.Incident]] + self.counts[e.KIND_OF[e.Differed]]

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        now_ns, now_at_ns = self._clock.now_ns(), self._clock.wall_ns()
        seen: dict[type[e.Body], int] = {}
        see, recorded = self._signals.see, self._recorded.add
        for event in events:
            kind = type(event.body)
            seen[kind] = seen.get(kind, 0) + 1
            if kind is e.Accepted:
                recorded(now_at_ns - event.at_ns)
            see(event)
        for kind, count in seen.items():
            self.counts[e.KIND_OF[kind]] += count
            if (stage := _STAGE_OF.get(kind)) is not None:
                self.heartbeats[stage] = now_ns
