"""Asking real exchanges whether they could be traded on now, without starting anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

from streams.state import State
from tidegate.clock import Clock
from tidegate.domain.check_result import CheckResult
from tidegate.domain.errors import JournalRefused
from tidegate.journal import open_journal
from tidegate.settings import Settings

__all__ = ["examine_venues"]


async def examine_venues(settings: Settings) -> Sequence[CheckResult]:
    """What each trader's exchange answers: whether it can be reached, how far its clock is off, what the key may do.

    Addresses that are to be left alone, by the journal, are not asked. Nothing is changed anywhere.
    """
    from tidegate.assembly.real import RealVenues  # ccxt takes half a second to import, and is an extra

    real = RealVenues(settings, Clock.live(asyncio.get_running_loop()), environ=os.environ)
    try:
        return await real.examine(_banned(settings.journal.url))
    finally:
        await real.close()


def _banned(journal_url: str) -> Mapping[str, int]:
    with suppress(JournalRefused), closing(open_journal(journal_url)) as reader:
        return State.of(reader).banned
    return {}
