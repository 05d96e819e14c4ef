"""Numbers for whoever watches, read from the journal's committed events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from reactivex import Subject

from domain import events as e
from streams.execution import Tick
from streams.latency import Latencies

__all__ = ["Telemetry"]

_STAGE_OF: dict[type[e.Body], str] = {
    e.Accepted: "intake",
    e.Refused: "intake",
    e.Redelivered: "intake",
    e.Intended: "execution",
    e.Superseded: "waiting",
    e.Expired: "waiting",
    e.Placed: "placement",
    e.Deferred: "placement",
    e.Failed: "placement",
    e.Unresolved: "placement",
    e.Parked: "resolution",
    e.Reopened: "resolution",
    e.Filled: "orders",
    e.OrderChanged: "orders",
}


class Telemetry:
    """Counts executions, and events by kind, keeps the last sign of life of every stage, and latencies from receipt on.

    `waited` is from receipt to the intent, `sent` from there to the acknowledgement, `total` from receipt to the
    acknowledgement. `last_loss` is the last signal that was refused or expired, until another one is accepted. Memory:
    kinds and stages, and one moment for each signal that is not decided.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.executions = 0
        self.counts: Counter[str] = Counter()
        self.heartbeats: dict[str, int] = {}
        self.last_loss: e.Recorded | None = None
        self.latencies = {"recorded": Latencies(), "waited": Latencies(), "sent": Latencies(), "total": Latencies()}
        self.ticks: Subject[Tick] = Subject()
        self._now_ns = now_ns
        self._received: dict[int, int] = {}
        self._intended: dict[int, int] = {}

    def tick(self, tick: Tick) -> None:
        """Take in an execution; `ticks` passes it on to whoever shows it."""
        self.executions += 1
        self.heartbeats["tick"] = tick.at_ns
        self.ticks.on_next(tick)

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        now_ns = self._now_ns()
        for event in events:
            body = event.body
            kind = type(body)
            self.counts[e.kind_of(body)] += 1
            stage = _STAGE_OF.get(kind)
            if stage is not None:
                self.heartbeats[stage] = event.at_ns
            number = event.number
            if kind is e.Accepted:
                self.last_loss = None
                self._received[number] = event.at_ns
                self.latencies["recorded"].add(now_ns - event.at_ns)
            elif kind is e.Intended:
                self._intended[number] = event.at_ns
                if (received_ns := self._received.get(number)) is not None:
                    self.latencies["waited"].add(event.at_ns - received_ns)
            elif kind is e.Placed:
                self._placed(event)
            elif kind in (e.Expired, e.Superseded, e.Failed, e.Refused):
                if isinstance(body, e.Refused | e.Expired):
                    self.last_loss = event
                self._received.pop(number, None)
                self._intended.pop(number, None)

    def _placed(self, event: e.Recorded) -> None:
        intended_ns = self._intended.pop(event.number, None)
        received_ns = self._received.pop(event.number, None)
        if intended_ns is not None:
            self.latencies["sent"].add(event.at_ns - intended_ns)
        if received_ns is not None:
            self.latencies["total"].add(event.at_ns - received_ns)
