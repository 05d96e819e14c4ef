"""A whole journal summed up: what `report` and `replay` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.digest import Digest
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of
from tidegate.domain.money import Results, results_of
from tidegate.domain.ports import JournalReader
from tidegate.insight.latency import Latencies, SignalLatencies
from tidegate.insight.money import as_last_ordered, money_as_json

__all__ = ["Report", "report_of", "results_as_of", "results_in"]

_TOGETHER = 1024


def results_as_of(state: State) -> Results:
    """The money of all accounts, at the newest prices on record."""
    return results_of(state.book, state.book.marks, as_last_ordered)


def results_in(reader: JournalReader) -> Results:
    """The money of all accounts of a journal, at the newest prices on record."""
    return results_as_of(State.of(reader))


def report_of(reader: JournalReader) -> dict[str, object]:
    """The report on a journal, from its first event to its newest. Memory: that of the digest."""
    state, report = State(), Report()
    events = iter(reader.read())
    while together := list(islice(events, _TOGETHER)):
        state.fold(together)
        report.watch(together)
    return report.on(state, reader.mode())


class Report:
    """What a report has besides the state, from events as they are committed, those of each signal in their order.

    Memory: that of the digest; the signals that are waiting or in flight, places.
    """

    def __init__(self) -> None:
        self._first_ns = self._last_ns = 0
        self._faults: dict[str, dict[str, object]] = {}
        self._faulted: Counter[str] = Counter()
        self._gaps: Counter[str] = Counter()
        self._latencies = SignalLatencies()
        self._digest = Digest()

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in events of a journal."""
        self._digest.add(events)
        first_ns, last_ns, see = self._first_ns, self._last_ns, self._latencies.see
        for event in events:
            if event.number:
                at_ns = event.at_ns
                if at_ns > last_ns:
                    last_ns = at_ns
                if at_ns < first_ns or not first_ns:
                    first_ns = at_ns
                see(event)
            else:
                self._see(event.body)
        self._first_ns, self._last_ns = first_ns, last_ns

    def on(self, state: State, mode: str) -> dict[str, object]:
        """The report, with the state after the same events.

        `latency_ms` has p50 and p99 from receipt to intent (`waited`), from there to the acknowledgement (`sent`), and
        in all (`total`), None where there was none. Rates are over the time between the first and the last event of a
        signal. `faults` has how often something else failed, such as a strategy, by its place, with the newest error;
        `gaps` how often a feed was silent, which is no fault of ours.
        """
        ledger, first_ns, last_ns = state.ledger, self._first_ns, self._last_ns
        seconds = (last_ns - first_ns) / 1e9
        placed = ledger.outcomes[Outcome.PLACED]
        return {
            "mode": mode,
            **money_as_json(results_as_of(state)),
            "received": ledger.received,
            **{outcome.value: ledger.outcomes[outcome] for outcome in Outcome},
            "balanced": ledger.balanced,
            "redelivered": ledger.redelivered,
            "turned_away": ledger.turned_away,
            "reasons": dict(ledger.reasons.most_common()),
            "rules": dict(ledger.rules.most_common()),
            "faults": self._faults,
            "gaps": dict(self._gaps),
            "first_at": iso_of(first_ns) if first_ns else None,
            "last_at": iso_of(last_ns) if last_ns else None,
            "received_per_s": round(ledger.received / seconds, 3) if seconds else None,
            "placed_per_s": round(placed / seconds, 3) if seconds else None,
            "latency_ms": {
                stage: {"p50": _quantile_ms(latencies, 0.5), "p99": _quantile_ms(latencies, 0.99)}
                for stage, latencies in self._latencies.by_stage.items()
            },
            "digest": self._digest.hex(),
        }

    def _see(self, body: e.Body) -> None:
        if isinstance(body, e.Incident | e.Differed):
            self._faulted[body.where] += 1
            self._faults[body.where] = {"count": self._faulted[body.where], "last": body.text}
        elif isinstance(body, e.Gap):
            self._gaps[body.where] += 1


def _quantile_ms(latencies: Latencies, share: float) -> float | None:
    ms = latencies.quantile_ms(share)
    return None if ms is None else round(ms, 3)
