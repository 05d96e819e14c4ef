"""`why`: one signal's whole life."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal

import click
import msgspec

from streams.preview import Blocker
from tidegate.cli.blockers import blockers_of, current, waiting_for
from tidegate.cli.event_text import EventText, steps_of
from tidegate.cli.explaining import explain
from tidegate.cli.formatting import duration, rounded
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.printing import emphasised, faint, print_json, print_wrapped, printable
from tidegate.cli.search import find_histories
from tidegate.domain.events import Superseded
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary, line_of, signal_of

__all__ = ["why"]

_INDENT, _KIND = 12, 15
_MINUTE_MS = 60_000
_NOTHING_WRONG = frozenset({Outcome.PLACED, Outcome.PLACING, Outcome.SUPERSEDED})


@click.command()
@click.argument("id")
@journal_option
@json_option
@click.pass_obj
def why(invocation: Invocation, id: str, journal: str | None, as_json: bool) -> None:
    """Tell a signal's whole life: every event, what was measured, and what the venue answered.

    ID is a signal's id or the beginning of it, its key, or one of its orders' ids: ours or the venue's.
    """
    with closing(invocation.reader(journal)) as reader:
        histories = find_histories(reader, id)
        blockers = blockers_of(reader, invocation.journal_url(journal), histories)
    if as_json:
        print_json([_told(history, blockers) for history in histories])
        return
    for index, history in enumerate(histories):
        if index:
            click.echo()
        _tell(history, blockers)


def _told(history: SignalHistory, blockers: Mapping[str, Blocker]) -> dict[str, object]:
    return {
        **msgspec.to_builtins(current(line_of(history), blockers)),
        "conflicts_with": _conflicts_with(history),
        "superseded_by": _superseded_by(history),
        "raw": _raw(history),
        "events": list(steps_of(history)),
    }


def _tell(history: SignalHistory, blockers: Mapping[str, Blocker]) -> None:
    line = current(line_of(history), blockers)
    click.echo(emphasised(_title(line)))
    _say("signal", history.signal_id)
    if line.source is not None or line.key is not None:
        _say("sent by", f"{line.source or 'unnamed'}" + (f", key {line.key}" if line.key is not None else ""))
    _say("received", f"{line.received_at[:10]} {line.received_at[11:-1]} UTC")
    if line.outcome is Outcome.WAITING and (blocker := blockers.get(history.signal_id)) is not None:
        _say("waits for" if blocker.reason is Reason.AWAITING_TICK else "blocked by", waiting_for(blocker))
    if (remedy := _remedy(line)) is not None:
        _say("what helps", remedy)
    if other := _conflicts_with(history):
        _say("see", f"{other}: its key came before with other content")
    _say("as sent", _raw(history), after=" ,")
    click.echo()
    steps = list(steps_of(history))
    indent = max(len(_lead(step)) for step in steps)
    for step in steps:
        lead = _lead(step)
        print_wrapped(printable(step.words), first=f"{faint(lead)}{' ' * (indent - len(lead))}", indent=" " * indent)


def _title(line: SignalSummary) -> str:
    what = f"{line.side} {line.symbol}" if line.side is not None else f"unreadable, {line.symbol or 'no symbol'}"
    because = line.outcome is not Outcome.WAITING and line.reason is not None and line.outcome is not Outcome.PLACED
    told = explain(line.reason, rule=line.rule) if because and line.reason is not None else ""
    parts = [line.outcome.value + (f" ({told})" if told else "")]
    if line.order_status is not None:
        parts.append(f"the order is {line.order_status}")
    if line.average is not None:
        filled, quantity, average = (
            rounded(Decimal(text or "0")) for text in (line.filled, line.quantity, line.average)
        )
        parts.append(f"filled {filled} of {quantity} at {average}")
    return printable(f"{what}: {', '.join(parts)}")


def _remedy(line: SignalSummary) -> str | None:
    if line.outcome in _NOTHING_WRONG or line.reason is None or line.reason is Reason.AWAITING_TICK:
        return None
    remedy = REASONS[line.reason].remedy
    return None if "`why" in remedy else remedy


def _say(label: str, words: str, after: str = " ") -> None:
    lead = f"{faint(label)}{' ' * (_INDENT - len(label))}"
    print_wrapped(printable(words), first=lead, indent=" " * _INDENT, after=after)


def _lead(step: EventText) -> str:
    """`+0.005 s  placed   `: when, after receipt, and what."""
    ms = step.elapsed_ms
    after = f"+{ms / 1000:.3f} s" if ms < _MINUTE_MS else f"+{duration(int(ms * 1e6))}"
    return f"{after:>10}  {step.kind:<{_KIND}}"


def _raw(history: SignalHistory) -> str:
    return printable(history.raw.decode(errors="backslashreplace"))


def _conflicts_with(history: SignalHistory) -> str | None:
    """The signal that had the key first: the id that its key gives."""
    signal = signal_of(history)
    return signal.id if signal is not None and line_of(history).reason is Reason.CONFLICT else None


def _superseded_by(history: SignalHistory) -> str | None:
    return next((event.body.by for event in history.events if isinstance(event.body, Superseded)), None)
