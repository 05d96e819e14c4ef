"""`report`: a journal in one page. `replay` prints the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing

import click

from streams.latency import Latencies
from streams.state import State
from tidegate.cli.columns import Column
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.money import as_last_ordered, money_as_json, money_in_words
from tidegate.cli.printing import flattened, print_json, print_table, print_wrapped
from tidegate.domain import events as e
from tidegate.domain.digest import digest_of
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of
from tidegate.domain.money import Results, results_of
from tidegate.journal.sqlite_journal import SqliteReader

__all__ = ["print_report", "report", "report_of", "results_in"]

_MONEY = ("money", "fees", "unvalued_fees", "prices")


@click.command()
@journal_option
@json_option
@click.pass_obj
def report(invocation: Invocation, journal: str | None, as_json: bool) -> None:
    """Sum up a journal: money, outcomes, whether they balance, reasons, rates, latencies, digest.

    Money is at the prices of the newest trades on record, or of the newest quotes where the run ended orderly.
    """
    with closing(invocation.reader(journal)) as reader:
        print_report(report_of(reader), results_in(reader), as_json=as_json)


def results_in(reader: SqliteReader) -> Results:
    """What all accounts of a journal come to, at the newest prices on record."""
    book = State.of(reader).book
    return results_of(book, book.marks, as_last_ordered)


def report_of(reader: SqliteReader) -> dict[str, object]:
    """The report on a journal, from its first event to its newest.

    `latency_ms` has p50 and p99 from receipt to intent (`waited`), from there to the acknowledgement (`sent`), and in
    all (`total`), None where there was none. Rates are over the time between the first and the last event of a signal.
    `faults` counts incidents and differences by their place, with the text of the last one; `gaps` counts how often
    each feed was silent.
    Memory: that of the digest.
    """
    state = State()
    watch = _Watch()
    digest = digest_of(_seen(reader.read(), state, watch))
    ledger = state.ledger
    seconds = (watch.last_ns - watch.first_ns) / 1e9
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
        "faults": watch.faults,
        "gaps": dict(watch.gaps),
        "first_at": iso_of(watch.first_ns) if watch.first_ns else None,
        "last_at": iso_of(watch.last_ns) if watch.last_ns else None,
        "received_per_s": round(ledger.received / seconds, 3) if seconds else None,
        "placed_per_s": round(placed / seconds, 3) if seconds else None,
        "latency_ms": {
            stage: {"p50": _quantile_ms(latencies, 0.5), "p99": _quantile_ms(latencies, 0.99)}
            for stage, latencies in watch.latencies.items()
        },
        "digest": digest,
    }


def _quantile_ms(latencies: Latencies, share: float) -> float | None:
    ms = latencies.quantile_ms(share)
    return None if ms is None else round(ms, 3)


def print_report(told: dict[str, object], results: Results, *, as_json: bool) -> None:
    """Print the money, the ledger as the sum it is, and then everything else that `report_of` gave, line by line."""
    if as_json:
        print_json(told)
        return
    for name, words in money_in_words(results):
        print_wrapped(words, first=f"{name:<10}  ", indent=" " * 12)
    click.echo()
    terms = " + ".join(f"{outcome} {told[outcome]}" for outcome in Outcome)
    received = f"received {told['received']} = "
    print_wrapped(terms, first=received, indent=" " * len(received))
    apart = {"received", "digest", *Outcome, *_MONEY}
    rest = {name: value for name, value in told.items() if name not in apart}
    click.echo()
    rows = [(path, text.strip('"')) for path, text in flattened(rest)]
    print_table((Column("what"), Column("value", folds=True)), rows)
    click.echo(f"digest  {told['digest']}")


class _Watch:
    """The times of what is told of signals, and faults. Memory: the signals that are waiting or in flight, places."""

    def __init__(self) -> None:
        self.first_ns = self.last_ns = 0
        self.faults: dict[str, dict[str, object]] = {}
        self.gaps: Counter[str] = Counter()
        self._faulted: Counter[str] = Counter()
        self.latencies = {"waited": Latencies(), "sent": Latencies(), "total": Latencies()}
        self._received: dict[int, int] = {}
        self._intended: dict[int, int] = {}

    def see_fault(self, fault: e.Incident | e.Differed) -> None:
        self._faulted[fault.where] += 1
        self.faults[fault.where] = {"count": self._faulted[fault.where], "last": fault.text}

    def see(self, event: e.Recorded) -> None:
        number, at_ns = event.number, event.at_ns
        self.first_ns = min(self.first_ns or at_ns, at_ns)
        self.last_ns = max(self.last_ns, at_ns)
        match event.body:
            case e.Accepted():
                self._received[number] = at_ns
            case e.Intent():
                self._intended[number] = at_ns
                self.latencies["waited"].add(at_ns - self._received[number])
            case e.Placed() if number in self._intended:
                self.latencies["sent"].add(at_ns - self._intended.pop(number))
                self.latencies["total"].add(at_ns - self._received.pop(number))
            case e.Refused() | e.Superseded() | e.Expired() | e.Failed():
                self._received.pop(number, None)
                self._intended.pop(number, None)


def _seen(events: Iterable[e.Recorded], state: State, watch: _Watch) -> Iterator[e.Recorded]:
    for event in events:
        state.fold((event,))
        if event.number:
            watch.see(event)
        elif isinstance(event.body, e.Incident | e.Differed):
            watch.see_fault(event.body)
        elif isinstance(event.body, e.Gap):
            watch.gaps[event.body.where] += 1
        yield event
