"""The bare loop: the rows and bytes of every signal, as many commits, and nothing else. It writes rows, or records.

One commit carries the intake of a group, the intents of the group before it, and the outcomes of the one before that.
Nothing is parsed, nothing decided; identities and bodies are at hand before the time begins.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bare_groups import BareGroups
from benchmarks.bare_journal import BareJournal, Shape, keys
from benchmarks.load import Offer, signal_lines
from benchmarks.runs import Offered, TimedRun, stopwatch

__all__ = ["BareLoop"]


class BareLoop:
    """Writes signals of a shape into a journal, new or not, that has no other writer."""

    def __init__(self, path: Path, shape: Shape, *, groups: bool = False) -> None:
        """With `groups` it writes a record for each commit; otherwise rows."""
        self._journal: Any = BareGroups(path) if groups else BareJournal(path)
        self._shape = [self._journal.at_hand(body) for body in shape]
        self._under_way: deque[Sequence[int]] = deque()

    def flat_out(self, lines: Sequence[bytes], group: int) -> TimedRun:
        """All signals, `group` of them with each commit."""
        rows = iter(list(zip(keys(len(lines)), lines, strict=True)))
        with stopwatch() as watch:
            while some := list(islice(rows, group)):
                self._turn(some)
            while self._busy:
                self._turn(())
        return TimedRun(signals=len(lines), wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=self._journal.commits)

    def offered(self, schedule: Offer) -> Offered:
        """Signals as they arrive: what came during a commit goes into the next one."""
        rows = list(zip(keys(schedule.count), signal_lines(schedule.count), strict=True))
        acknowledged: list[int] = []
        ordered: list[int] = []
        backlog: list[tuple[float, int]] = []
        began_ns = time.perf_counter_ns()
        taken = 0
        while taken < schedule.count or self._busy:
            since_ns = time.perf_counter_ns() - began_ns
            arrived = schedule.arrived(since_ns)
            if arrived > taken or self._busy:
                placed = self._turn(rows[taken:arrived])
                since_ns = time.perf_counter_ns() - began_ns
                acknowledged += [since_ns - schedule.at_ns(number) for number in range(taken, arrived)]
                ordered += [since_ns - schedule.at_ns(n) for n in range(len(ordered), len(ordered) + placed)]
                taken = arrived
                if since_ns > len(backlog) * 1e9:
                    backlog.append((since_ns / 1e9, schedule.arrived(since_ns) - len(ordered)))
            else:
                time.sleep(max(schedule.at_ns(taken) - since_ns, 0) / 1e9)
        return Offered(acknowledged_ns=acknowledged, ordered_ns=ordered, backlog=backlog)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    @property
    def _busy(self) -> bool:
        return any(self._under_way)

    def _turn(self, arrived: Sequence[tuple[bytes, bytes]]) -> int:
        """One commit: what arrived, and the next event of every group under way; how many signals it brought to an
        end."""
        groups, last = self._under_way, len(self._shape)
        groups.appendleft(self._journal.numbers(len(arrived)))
        new = [(number, key, raw) for number, (key, raw) in zip(groups[0], arrived, strict=True)]
        done = groups.pop() if len(groups) == last else ()
        self._journal.commit(new, self._events([*groups, done]), done)
        return len(done)

    def _events(self, groups: Sequence[Iterable[int]]) -> Iterable[tuple[int, Any, Any]]:
        for numbers, (kind, body) in zip(groups, self._shape, strict=False):
            for number in numbers:
                yield number, kind, body
