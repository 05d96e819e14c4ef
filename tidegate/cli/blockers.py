"""What blocks waiting signals now, as the running pipeline says, or as far as the journal shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from streams.preview import LOOKED_AT_MAX, Blocker
from streams.readiness import halting
from streams.state import State
from tidegate.cli.explaining import explain
from tidegate.cli.formatting import age
from tidegate.domain.errors import TidegateError
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary, line_of, signal_of
from tidegate.journal.sqlite_journal import SqliteReader
from tidegate.sources import control

__all__ = ["NOT_RUNNING", "blockers_of", "current", "waiting_for"]

NOT_RUNNING = Blocker(Reason.AWAITING_TICK, measured="no pipeline is running")
"""Nothing but that keeps a signal from being executed."""


def blockers_of(reader: SqliteReader, journal_url: str, histories: Iterable[SignalHistory]) -> Mapping[str, Blocker]:
    """What blocks each of those signals that wait, by id; of very many only the first `LOOKED_AT_MAX`.

    Where no pipeline answers, it is the halt that the journal has, or that nothing is running.
    """
    waiting = [history for history in histories if line_of(history).outcome is Outcome.WAITING][:LOOKED_AT_MAX]
    if not waiting:
        return {}
    ids: list[control.Json] = [history.signal_id for history in waiting]
    try:
        told = asyncio.run(control.ask(journal_url, {"do": "blockers", "signals": ids}))
        return msgspec.convert(told["blockers"], dict[str, Blocker])
    except TidegateError:
        halted = State.of(reader).halted
    found: dict[str, Blocker] = {}
    for history in waiting:
        signal = signal_of(history)
        halt = halting(signal, halted) if signal is not None else None
        found[history.signal_id] = NOT_RUNNING if halt is None else Blocker(halt.reason, measured=halt.measured)
    return found


def current(line: SignalSummary, blockers: Mapping[str, Blocker]) -> SignalSummary:
    """The line of a signal with what blocks it now, where it waits and that is known, in place of what it met last."""
    blocker = blockers.get(line.signal_id, NOT_RUNNING)
    if blocker == NOT_RUNNING or line.outcome is not Outcome.WAITING:
        return line
    return msgspec.structs.replace(
        line, reason=blocker.reason, measured=blocker.measured, limit=blocker.limit, rule=blocker.rule
    )


def waiting_for(blocker: Blocker) -> str:
    """`the next execution, in 12 s`, or what stands in its way."""
    if blocker.reason is Reason.AWAITING_TICK:
        if blocker == NOT_RUNNING:
            return "a pipeline: none is running, start one with `run`"
        return "the next execution" + ("" if blocker.in_s is None else f", in {age(round(blocker.in_s * 1e9))}")
    again = "" if blocker.in_s is None else f"; again in {age(round(blocker.in_s * 1e9))}"
    refused = "; it would be refused" if blocker.final else ""
    return explain(blocker.reason, blocker.measured, blocker.limit, blocker.rule) + again + refused
