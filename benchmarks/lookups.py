"""What it costs to find a signal by the ids of its orders, over a long past and a short one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.formatting import Figures, rounded
from benchmarks.journal_of_a_million import written
from benchmarks.scale import Scale
from tidegate.domain.events import Intent
from tidegate.journal.sqlite_journal import SqliteJournal

__all__ = ["lookups"]

_ORDERS = 200


def lookups(scale: Scale, folder: Path) -> Figures:
    """200 closed orders from all over history, as a reconciliation may list them, and 200 that were never sent."""
    short, long = (_looked_up(folder, closed, scale.rounds) for closed in (scale.closed_signals // 100, scale.lookups))
    return {
        "closed_signals": scale.lookups,
        **{f"{what}_us": took for what, took in long.items()},
        **{f"{what}_long_to_short_past_ratio": rounded(long[what] / short[what]) for what in long},
    }


def _looked_up(folder: Path, closed: int, rounds: int) -> dict[str, float]:
    """Microseconds for one order, the median of the rounds."""
    with closing(SqliteJournal(f"sqlite:///{written(folder, closed=closed, waiting=1)}", mode="paper")) as journal:
        known = list(_spread(journal))
        unknown = [f"{number:018x}" for number in range(_ORDERS)]
        times = [(_timed(journal, known, found=True), _timed(journal, unknown, found=False)) for _ in range(rounds)]
    return {"found": rounded(median(one for one, _ in times)), "not_found": rounded(median(two for _, two in times))}


def _spread(journal: SqliteJournal) -> Iterator[str]:
    intents = (event.body.client_order_id for event in journal.read() if isinstance(event.body, Intent))
    return islice(intents, 0, None, max(1, journal.head() // 3 // _ORDERS))


def _timed(journal: SqliteJournal, order_ids: Sequence[str], *, found: bool) -> float:
    began_ns = time.perf_counter_ns()
    for order_id in order_ids:
        if (journal.history_of_order(order_id) is not None) is not found:
            raise LookupError(f"{order_id} is {'not ' * found}in the journal")
    return (time.perf_counter_ns() - began_ns) / 1000 / len(order_ids)
