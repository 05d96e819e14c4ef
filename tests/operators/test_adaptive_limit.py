"""Admission by delay: what is admitted is committed in time, the rest is told so, and nothing is shed without need."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from operators import WhenFull, admit
from operators.adaptive_limit import AdaptiveLimit
from operators.chunks import ChunkSubject, subscribe_chunks
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt

S = 10**9
MS = 10**6


class Intake:
    """An intake before a journal that commits in groups: a group of n takes `fixed_ms + n * each_ms` from its start."""

    def __init__(
        self,
        *,
        fixed_ms: float = 1.0,
        each_ms: float = 0.0,
        max_delay_ms: float | None = 1000,
        when_full: WhenFull = WhenFull.TURN_AWAY,
        failing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.loop = VirtualLoop()
        self.busy_s = 0.0  # time that passed while the loop could do nothing else
        self.clock = Clock(self.loop, epoch_ns=0, steady_ns=self._now_ns, wall_ns=self._now_ns)
        self.fixed_ms, self.each_ms = fixed_ms, each_ms
        self.changes: Iterator[float] = itertools.repeat(each_ms)
        self.delays_ms: dict[int, float] = {}  # by the number of a signal, from arrival to commit
        self.told_ms: dict[int, float] = {}  # from arrival to being turned away
        self.reasons: set[Reason | None] = set()
        self.arrived_ns: list[int] = []
        self.limit = AdaptiveLimit(max_delay_ms, clock=self.clock, failing=failing)
        self._source: ChunkSubject[Raw] = ChunkSubject()
        self._queued: deque[int] = deque()
        self._group: list[int] = []
        admitted = self._source.pipe(
            admit(
                capacity=20_000,
                depth=lambda: len(self._queued) + len(self._group),
                clock=self.clock,
                when_full=when_full,
                limit=self.limit,
                turned_away=lambda raw, reason: self.reasons.add(reason),
            )
        )
        subscribe_chunks(admitted, self._take, lambda _: None, lambda: None)

    def send(self, count: int = 1) -> None:
        """So many signals, at once."""
        first = len(self.arrived_ns)
        self.arrived_ns += [self.clock.now_ns()] * count
        self.hand_in(range(first, first + count))

    def hand_in(self, numbers: range) -> None:
        self._source.on_chunk([self._raw(number) for number in numbers])

    def offer(self, per_s: int, for_s: float, *, every_ms: int = 2) -> Intake:
        """So many signals a second, evenly, so many at each step."""
        for _ in range(int(for_s * 1000 / every_ms)):
            self.send(per_s * every_ms // 1000)
            self.loop.advance(every_ms / 1000)
        return self

    def end(self) -> Intake:
        """Let everything come to its end."""
        self.loop.advance(60)
        assert sorted([*self.delays_ms, *self.told_ms]) == list(range(len(self.arrived_ns)))
        return self

    def since(self, number: int) -> float:
        return (self.clock.now_ns() - self.arrived_ns[number]) / MS

    def _now_ns(self) -> int:
        return self.loop.time_ns() + int(self.busy_s * S)

    def _raw(self, number: int) -> Raw:
        def told(_: Receipt) -> None:
            self.told_ms[number] = self.since(number)

        return Raw(str(number).encode(), reply=told)

    def _take(self, chunk) -> None:
        self._queued.extend(int(raw.payload) for raw in chunk)
        if not self._group:
            self.loop.call_soon(self._begin)

    def _begin(self) -> None:
        if not self._group and self._queued:
            self.each_ms = next(self.changes)
            self._group = [self._queued.popleft() for _ in range(min(len(self._queued), 2048))]
            self.loop.call_later((self.fixed_ms + len(self._group) * self.each_ms) / 1000, self._end)

    def _end(self) -> None:
        count = len(self._group)
        self.delays_ms |= {number: self.since(number) for number in self._group}
        self._group = []
        self.limit.committed(count, more=bool(self._queued))
        self._begin()


@pytest.mark.parametrize("before_per_s", [0, 500, 5_000])
def test_a_burst_is_not_shed_that_can_be_committed_within_the_delay(before_per_s):
    it = Intake(fixed_ms=2, each_ms=0.06).offer(before_per_s, 1)
    it.send(10_000)
    it.end()
    assert it.told_ms == {}
    assert 600 < max(it.delays_ms.values()) <= 1000


def test_of_a_burst_that_is_too_large_the_first_are_committed_in_time_and_the_others_shed():
    it = Intake(fixed_ms=2, each_ms=0.2).offer(500, 1)
    it.send(10_000)
    it.end()
    assert max(it.delays_ms.values()) <= 1000
    assert 3_000 <= len(it.delays_ms) - 500 <= 5_000
    assert it.reasons == {Reason.DOOR_FULL}


@pytest.mark.parametrize("per_s", [2_000, 5_000, 20_000])
def test_however_much_is_offered_what_is_admitted_is_committed_in_time(per_s):
    it = Intake(fixed_ms=2, each_ms=1).offer(per_s, 10).end()
    assert max(it.delays_ms.values()) <= 1000
    assert len(it.delays_ms) >= 9_000  # of 10,000 that could be, and one delay more


def test_in_an_overload_the_others_are_told_at_once():
    it = Intake(fixed_ms=2, each_ms=1).offer(5_000, 10).end()
    later = [told_ms for number, told_ms in it.told_ms.items() if it.arrived_ns[number] > 2 * S]
    assert sum(told_ms == 0 for told_ms in later) > 0.9 * len(later)
    assert max(it.told_ms.values()) <= 1000


def test_after_an_overload_everything_is_admitted_again_and_soon_committed():
    it = Intake(fixed_ms=2, each_ms=0.5).offer(5_000, 3)
    it.loop.advance(1)
    before = len(it.arrived_ns)
    it.offer(1_000, 2).end()
    assert max(it.told_ms) < before
    assert max(delay_ms for number, delay_ms in it.delays_ms.items() if number >= before) <= 10


def test_after_an_overload_it_does_not_need_a_pause():
    it = Intake(fixed_ms=2, each_ms=0.5).offer(5_000, 3)
    before = len(it.arrived_ns)
    it.offer(1_000, 4).end()
    last = len(it.arrived_ns) - 1_000
    assert max(it.told_ms) < before + 1_000
    assert max(delay_ms for number, delay_ms in it.delays_ms.items() if number >= last) <= 10


@pytest.mark.parametrize("per_s", [500, 1_000, 5_000, 20_000])
@pytest.mark.parametrize("slow_ms", [300, 850])
def test_one_slow_commit_that_is_shorter_than_the_delay_sheds_nothing(per_s, slow_ms):
    it = Intake(fixed_ms=1, each_ms=0.001).offer(per_s, 1)
    it.fixed_ms = slow_ms
    it.offer(per_s, 0.01)
    it.fixed_ms = 1
    it.offer(per_s, 3).end()
    assert it.told_ms == {}
    assert max(it.delays_ms.values()) > slow_ms - 5


@pytest.mark.parametrize("fixed_ms", [20, 100])
def test_a_slow_disk_is_no_reason_to_shed(fixed_ms):
    it = Intake(fixed_ms=1, each_ms=0.01).offer(1_000, 1)
    it.fixed_ms = fixed_ms
    it.offer(1_000, 5).end()
    assert it.told_ms == {}
    assert max(it.delays_ms.values()) <= 1000


def test_while_commits_take_long_only_those_are_admitted_that_come_late_enough():
    it = Intake(fixed_ms=1, each_ms=0.01).offer(1_000, 1)
    it.fixed_ms = 700
    it.offer(1_000, 10).end()
    settled = [delay_ms for number, delay_ms in it.delays_ms.items() if it.arrived_ns[number] > 4 * S]
    assert max(settled) <= 1000
    assert len(settled) > 1_000
    assert len(it.told_ms) > 1_000


def test_commits_that_take_longer_than_the_delay_are_tried_again():
    it = Intake(fixed_ms=1, each_ms=0.01).offer(1_000, 1)
    it.fixed_ms = 1_500
    it.offer(1_000, 10)
    it.fixed_ms = 1
    it.offer(1_000, 5)
    before = len(it.arrived_ns)
    it.offer(1_000, 1).end()
    assert max(it.told_ms) < before
    assert max(delay_ms for number, delay_ms in it.delays_ms.items() if number >= before) <= 10


@pytest.mark.parametrize("per_s", [1_000, 10_000])
def test_when_the_disk_hangs_few_are_late_and_the_others_are_told_within_the_delay(per_s):
    it = Intake(fixed_ms=1, each_ms=0.01).offer(per_s, 1)
    it.fixed_ms = 5_000
    it.offer(per_s, 0.01)
    it.fixed_ms = 1
    it.offer(per_s, 8).end()
    late = sum(delay_ms > 1000 for delay_ms in it.delays_ms.values())
    assert late <= 0.52 * per_s  # those of the first half of the delay
    assert max(it.told_ms.values()) <= 1000
    assert max(it.told_ms) < 7 * per_s  # and soon after it came back, nothing is shed


def test_in_an_overload_the_slower_of_two_commits_counts():
    it = Intake(fixed_ms=2, each_ms=0.05)
    it.changes = itertools.cycle((0.05, 0.15))
    it.offer(20_000, 10).end()
    settled = [delay_ms for number, delay_ms in it.delays_ms.items() if it.arrived_ns[number] > 2 * S]
    assert max(settled) <= 1000
    assert len(settled) > 60_000


def test_where_commits_take_no_time_nothing_is_limited():
    it = Intake(fixed_ms=0).offer(1_000, 1)
    it.send(15_000)
    assert it.limit.waiting == 0
    assert it.end().told_ms == {}


def test_what_came_while_the_loop_was_busy_counts_as_that_much_older():
    it = Intake().offer(1_000, 1)
    it.fixed_ms = 5_000
    it.send(2_000)
    it.busy_s += 0.2
    it.arrived_ns += [it.clock.now_ns() - S // 5] * 100
    it.hand_in(range(3_000, 3_100))
    it.loop.advance(2)
    assert it.told_ms.keys() >= set(range(3_000, 3_100))
    assert 700 <= max(it.told_ms.values()) <= 800  # and not 200 later


def test_where_the_oldest_are_shed_the_newest_are_committed():
    it = Intake(fixed_ms=2, each_ms=1, when_full=WhenFull.EVICT_OLDEST).offer(5_000, 10).end()
    assert max(it.delays_ms.values()) <= 1000
    assert len(it.delays_ms) >= 9_000
    assert max(it.delays_ms) > len(it.arrived_ns) - 500  # of the last 100 ms
    assert min(it.told_ms.values()) > 0
    assert max(it.told_ms.values()) <= 1000


def test_without_a_limit_of_the_delay_only_the_counts_limit():
    it = Intake(fixed_ms=2, each_ms=1, max_delay_ms=None).offer(5_000, 3).end()
    assert it.told_ms == {}
    assert max(it.delays_ms.values()) > 10_000


def test_while_the_journal_fails_signals_are_admitted_and_get_its_answer():
    failing = Intake(failing=lambda: True).offer(1_000, 1)
    failing.fixed_ms = 5_000
    failing.offer(1_000, 3)
    assert len(failing._queued) + len(failing._group) > 2_500
    assert failing.limit.waiting == 0


@pytest.mark.parametrize("max_delay_ms", [0, -1])
def test_a_delay_that_makes_no_sense_is_not_taken(max_delay_ms):
    with pytest.raises(ValueError, match=f"max_delay_ms must be above 0, was {max_delay_ms}"):
        AdaptiveLimit(max_delay_ms, clock=Clock.simulated(VirtualLoop(), 0))
