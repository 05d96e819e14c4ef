"""What blocks waiting signals now: the running pipeline is asked, and where none runs, the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from tidegate.domain.errors import TidegateError
from tidegate.domain.ports import JournalReader, SignalHistory
from tidegate.insight.blockers import recorded_blockers, waiting_among
from tidegate.insight.preview import Blocker
from tidegate.sources import control

__all__ = ["blockers_of"]


def blockers_of(reader: JournalReader, journal_url: str, histories: Iterable[SignalHistory]) -> Mapping[str, Blocker]:
    """What blocks each of those signals that wait, by id."""
    waiting = waiting_among(histories)
    if not waiting:
        return {}
    ids: list[control.Json] = [history.signal_id for history in waiting]
    try:
        answer = asyncio.run(control.ask(journal_url, {"do": "blockers", "signals": ids}))
    except TidegateError:
        return recorded_blockers(reader, waiting)
    return msgspec.convert(answer["blockers"], dict[str, Blocker])
