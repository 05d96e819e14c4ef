"""What blocks waiting signals now, in words, and what a journal shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from streams.state import State
from tidegate.domain.halt import halting
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import JournalReader, SignalHistory
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary, line_of, signal_of
from tidegate.insight.explaining import explain
from tidegate.insight.formatting import age
from tidegate.insight.preview import LOOKED_AT_MAX, Blocker

__all__ = ["NOT_RUNNING", "current", "recorded_blockers", "waiting_among", "waiting_for"]

NOT_RUNNING = Blocker(Reason.AWAITING_TICK, measured="no pipeline is running")
"""The only thing that keeps a signal from being executed is that no pipeline runs."""


def waiting_among(histories: Iterable[SignalHistory]) -> Sequence[SignalHistory]:
    """The signals that wait; of very many only the first `LOOKED_AT_MAX`."""
    return [history for history in histories if line_of(history).outcome is Outcome.WAITING][:LOOKED_AT_MAX]


def recorded_blockers(journal: JournalReader, waiting: Iterable[SignalHistory]) -> Mapping[str, Blocker]:
    """What blocks waiting signals while no pipeline runs, by id: the halt that the journal has, or `NOT_RUNNING`."""
    halted = State.of(journal).halted
    found: dict[str, Blocker] = {}
    for history in waiting:
        signal = signal_of(history)
        halt = halting(signal, halted) if signal is not None else None
        found[history.signal_id] = NOT_RUNNING if halt is None else Blocker(halt.reason, measured=halt.measured)
    return found


def current(line: SignalSummary, blockers: Mapping[str, Blocker]) -> SignalSummary:
    """The summary of a signal; of a waiting one with what blocks it now, where that is known."""
    blocker = blockers.get(line.signal_id, NOT_RUNNING)
    if blocker == NOT_RUNNING or line.outcome is not Outcome.WAITING:
        return line
    return msgspec.structs.replace(
        line, reason=blocker.reason, measured=blocker.measured, limit=blocker.limit, rule=blocker.rule
    )


def waiting_for(blocker: Blocker) -> str:
    """`the next execution, in 12 s`, or what blocks it."""
    if blocker.reason is Reason.AWAITING_TICK:
        if blocker == NOT_RUNNING:
            return "a pipeline: none is running, start one with `run`"
        return "the next execution" + ("" if blocker.in_s is None else f", in {age(round(blocker.in_s * 1e9))}")
    again = "" if blocker.in_s is None else f"; again in {age(round(blocker.in_s * 1e9))}"
    refused = "; it would be refused" if blocker.final else ""
    return explain(blocker.reason, blocker.measured, blocker.limit, blocker.rule) + again + refused
