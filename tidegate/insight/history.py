"""One signal's full history, put together: what `why` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec
from msgspec import Struct

from tidegate.domain.events import Superseded
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary, line_of, signal_of
from tidegate.domain.text import printable
from tidegate.insight.blockers import current, waiting_for
from tidegate.insight.event_text import EventText, steps_of
from tidegate.insight.explaining import explain
from tidegate.insight.formatting import duration, rounded
from tidegate.insight.preview import Blocker

__all__ = ["HistoryText", "history_text", "when_and_what"]

_NOT_BLOCKED: Mapping[str, Blocker] = MappingProxyType({})
_NOTHING_WRONG = frozenset({Outcome.PLACED, Outcome.PLACING, Outcome.SUPERSEDED})
_MINUTE_MS = 60_000
_LABEL, _KIND = 12, 15


class HistoryText(Struct, frozen=True, kw_only=True):
    """A signal in words: its summary, a title, labelled facts, and a step for each event. As text it is all of that.

    `conflicts_with` is the signal that had its key first, `superseded_by` the one that took its place; `raw` is the
    signal as it was sent, escaped.
    """

    summary: SignalSummary
    title: str
    facts: Sequence[tuple[str, str]]
    steps: Sequence[EventText]
    conflicts_with: str | None
    superseded_by: str | None
    raw: str

    def as_json(self) -> dict[str, object]:
        """The summary's fields, the signals it refers to, `raw`, and the events."""
        return {
            **msgspec.to_builtins(self.summary),
            "conflicts_with": self.conflicts_with,
            "superseded_by": self.superseded_by,
            "raw": self.raw,
            "events": list(self.steps),
        }

    def __str__(self) -> str:
        facts = (f"{label:<{_LABEL}}{words}" for label, words in self.facts)
        steps = (f"{when_and_what(step)}{printable(step.words)}" for step in self.steps)
        return "\n".join([self.title, *facts, "", *steps])


def history_text(history: SignalHistory, blockers: Mapping[str, Blocker] = _NOT_BLOCKED) -> HistoryText:
    """Describe a signal; a waiting one with what blocks it now, where `blockers` has it, by id."""
    summary = current(line_of(history), blockers)
    conflicts_with = _conflicts_with(history)
    raw = printable(history.raw.decode(errors="backslashreplace"))
    facts = _facts(summary, blockers.get(history.signal_id), conflicts_with)
    return HistoryText(
        summary=summary,
        title=_title(summary),
        facts=[*((label, printable(words)) for label, words in facts), ("as sent", raw)],
        steps=list(steps_of(history)),
        conflicts_with=conflicts_with,
        superseded_by=next((event.body.by for event in history.events if isinstance(event.body, Superseded)), None),
        raw=raw,
    )


def when_and_what(step: EventText) -> str:
    """`+0.005 s  placed   `: how long after receipt, and the kind of event."""
    ms = step.elapsed_ms
    after = f"+{ms / 1000:.3f} s" if ms < _MINUTE_MS else f"+{duration(int(ms * 1e6))}"
    return f"{after:>10}  {step.kind:<{_KIND}}"


def _title(line: SignalSummary) -> str:
    what = f"{line.side} {line.symbol}" if line.side is not None else f"unreadable, {line.symbol or 'no symbol'}"
    explained = line.reason is not None and line.outcome not in (Outcome.WAITING, Outcome.PLACED)
    reason = f" ({explain(line.reason, rule=line.rule)})" if explained and line.reason is not None else ""
    parts = [line.outcome.value + reason]
    if line.order_status is not None:
        parts.append(f"the order is {line.order_status}")
    if line.average is not None:
        filled, quantity, average = (
            rounded(Decimal(text or "0")) for text in (line.filled, line.quantity, line.average)
        )
        parts.append(f"filled {filled} of {quantity} at {average}")
    return printable(f"{what}: {', '.join(parts)}")


def _facts(line: SignalSummary, blocker: Blocker | None, conflicts_with: str | None) -> Iterator[tuple[str, str]]:
    yield "signal", line.signal_id
    if line.source is not None or line.key is not None:
        yield "sent by", f"{line.source or 'unnamed'}" + (f", key {line.key}" if line.key is not None else "")
    yield "received", f"{line.received_at[:10]} {line.received_at[11:-1]} UTC"
    if line.outcome is Outcome.WAITING and blocker is not None:
        yield "waits for" if blocker.reason is Reason.AWAITING_TICK else "blocked by", waiting_for(blocker)
    if (remedy := _remedy(line)) is not None:
        yield "what helps", remedy
    if conflicts_with:
        yield "see", f"{conflicts_with}: the first signal with this key, whose content differs"


def _remedy(line: SignalSummary) -> str | None:
    if line.outcome in _NOTHING_WRONG or line.reason is None or line.reason is Reason.AWAITING_TICK:
        return None
    remedy = REASONS[line.reason].remedy
    return None if "`why" in remedy else remedy


def _conflicts_with(history: SignalHistory) -> str | None:
    """The signal that had the key first: the id that its key gives."""
    signal = signal_of(history)
    return signal.id if signal is not None and line_of(history).reason is Reason.CONFLICT else None
