"""A whole journal summed up: what `report` and `replay` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.digest import digest_of
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of
from tidegate.domain.money import Results, results_of
from tidegate.domain.ports import JournalReader
from tidegate.insight.latency import Latencies, SignalLatencies
from tidegate.insight.money import as_last_ordered, money_as_json

__all__ = ["report_of", "results_in"]


def results_in(reader: JournalReader) -> Results:
    """The money of all accounts of a journal, at the newest prices on record."""
    book = State.of(reader).book
    return results_of(book, book.marks, as_last_ordered)


def report_of(reader: JournalReader) -> dict[str, object]:
    """The report on a journal, from its first event to its newest.

    `latency_ms` has p50 and p99 from receipt to intent (`waited`), from there to the acknowledgement (`sent`), and in
    all (`total`), None where there was none. Rates are over the time between the first and the last event of a signal.
    `faults` has how often something else failed, such as a strategy, by its place, with the newest error; `gaps` how
    often a feed was silent, which is no fault of ours.
    Memory: that of the digest.
    """
    state = State()
    summary = _Summary()
    digest = digest_of(_seen(reader.read(), state, summary))
    ledger = state.ledger
    seconds = (summary.last_ns - summary.first_ns) / 1e9
    placed = ledger.outcomes[Outcome.PLACED]
    return {
        "mode": reader.mode(),
        **money_as_json(results_of(state.book, state.book.marks, as_last_ordered)),
        "received": ledger.received,
        **{outcome.value: ledger.outcomes[outcome] for outcome in Outcome},
        "balanced": ledger.balanced,
        "redelivered": ledger.redelivered,
        "turned_away": ledger.turned_away,
        "reasons": dict(ledger.reasons.most_common()),
        "rules": dict(ledger.rules.most_common()),
        "faults": summary.faults,
        "gaps": dict(summary.gaps),
        "first_at": iso_of(summary.first_ns) if summary.first_ns else None,
        "last_at": iso_of(summary.last_ns) if summary.last_ns else None,
        "received_per_s": round(ledger.received / seconds, 3) if seconds else None,
        "placed_per_s": round(placed / seconds, 3) if seconds else None,
        "latency_ms": {
            stage: {"p50": _quantile_ms(latencies, 0.5), "p99": _quantile_ms(latencies, 0.99)}
            for stage, latencies in summary.latencies.by_stage.items()
        },
        "digest": digest,
    }


def _quantile_ms(latencies: Latencies, share: float) -> float | None:
    ms = latencies.quantile_ms(share)
    return None if ms is None else round(ms, 3)


class _Summary:
    """What is counted besides the state. Memory: the signals that are waiting or in flight, places."""

    def __init__(self) -> None:
        self.first_ns = self.last_ns = 0
        self.faults: dict[str, dict[str, object]] = {}
        self.gaps: Counter[str] = Counter()
        self.latencies = SignalLatencies()
        self._faulted: Counter[str] = Counter()

    def see(self, event: e.Recorded) -> None:
        body = event.body
        if event.number:
            self.first_ns = min(self.first_ns or event.at_ns, event.at_ns)
            self.last_ns = max(self.last_ns, event.at_ns)
            self.latencies.see(event)
        elif isinstance(body, e.Incident | e.Differed):
            self._faulted[body.where] += 1
            self.faults[body.where] = {"count": self._faulted[body.where], "last": body.text}
        elif isinstance(body, e.Gap):
            self.gaps[body.where] += 1


def _seen(events: Iterable[e.Recorded], state: State, summary: _Summary) -> Iterator[e.Recorded]:
    for event in events:
        state.fold((event,))
        summary.see(event)
        yield event
