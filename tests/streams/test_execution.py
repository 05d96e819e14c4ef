"""Executions: when they come, and which signals get their turn."""

import pytest
import reactivex
from reactivex import never
from reactivex import operators as ops

from operators.group_commit import GroupCommit
from streams.blocked import BlockedSignals
from streams.execution import Cause, ExecutionCycle, Schedule, at_once, cycles, dequeue, next_execution_ns
from streams.in_flight import InFlight
from streams.pending import PendingQueue, PendingSignal
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.marbles import Marbles

START_NS = 1_735_689_600_000_000_000
FRAME_NS = 1_000_000_000


class Hall:
    """A waiting room and the places in flight, on the time of marbles. The letter of a signal is its id."""

    def __init__(self, places: int = 10, **scores: float) -> None:
        self.m = Marbles(start_ns=START_NS)
        journal = SqliteJournal("sqlite:///:memory:", mode="paper")
        commits = GroupCommit(journal, clock=self.m.clock, group_max=10, images=dict, outcome_of=lambda _: None)
        self.pending = PendingQueue(self.m.clock, commits, BlockedSignals(self.m.clock, never()), supersede=True)
        self.in_flight = InFlight(places, clock=self.m.clock)
        for letter, score in scores.items():
            self.enter(letter, score)

    def enter(self, letter: str, score: float = 0.5) -> PendingSignal:
        signal = Signal(id=letter, content=b"", raw=b"")
        entry = PendingSignal(
            ord(letter), signal, START_NS, START_NS + 100 * FRAME_NS, START_NS + 100 * FRAME_NS, score
        )
        self.pending.add(entry)
        return entry

    def entry(self, letter: str) -> PendingSignal:
        return self.pending.entries[ord(letter)]

    def at(self, frame: float, do, *args) -> None:
        self.m.clock.call_at(START_NS + int(frame * FRAME_NS), do, *args)

    def released(self, given: str):
        """What a tick at each `t` lets go, and at other letters one for that signal alone; all of it is sent."""

        def cycle(letter: str) -> ExecutionCycle:
            return ExecutionCycle(self.m.clock.now_ns(), Cause.TRIGGER, () if letter == "t" else (ord(letter),))

        def send(turn) -> None:
            for entry in turn.entries:
                self.pending.remove(entry.number)
                self.in_flight.take()

        return self.m.hot(given).pipe(
            ops.map(cycle),
            dequeue(self.pending, self.in_flight, clock=self.m.clock),
            ops.do_action(send),
            ops.flat_map(lambda turn: reactivex.from_iterable([entry.signal.id for entry in turn.entries])),
        )


def test_the_best_score_goes_first_and_the_older_of_equals():
    hall = Hall(a=0.5, b=0.9, c=0.7, d=0.9)
    hall.m.expect(hall.released("-t---"), "-(bdca)")


def test_a_tick_for_some_leaves_the_others_waiting():
    hall = Hall(a=0.5, b=0.9)
    hall.m.expect(hall.released("-a-t-"), "-a-b-")


def test_a_tick_for_one_that_has_gone_does_nothing():
    hall = Hall()
    hall.m.expect(hall.released("-a---"), "-----")


def test_as_many_go_as_there_are_places_and_the_rest_as_they_come_free():
    hall = Hall(places=2, a=0.9, b=0.8, c=0.7, d=0.6)
    for frame in (3, 5):
        hall.at(frame, hall.in_flight.give_back)
    hall.m.expect(hall.released("-t------"), "-(ab)-c-d--")


def test_places_that_come_free_in_one_turn_are_filled_together():
    hall = Hall(places=2, a=0.9, b=0.8, c=0.7, d=0.6)
    freed = []
    hall.in_flight.freed.subscribe(lambda _: freed.append(hall.m.clock.now_ns()))
    hall.at(3, hall.in_flight.give_back)
    hall.at(3, hall.in_flight.give_back)
    seen = hall.m.record(hall.released("-t"))
    hall.m.run(5)
    assert seen.values == ["a", "b", "c", "d"]
    assert freed == [START_NS + 3 * FRAME_NS]


def test_a_place_that_comes_free_goes_to_the_best_of_all_ticks():
    hall = Hall(places=1, a=0.9, b=0.3)
    hall.at(2, hall.enter, "c", 0.6)
    for frame in (4, 5):
        hall.at(frame, hall.in_flight.give_back)
    hall.m.expect(hall.released("-t-c----"), "-a--cb---")


def test_those_without_a_place_carry_that_as_their_obstacle():
    hall = Hall(places=1, a=0.9, b=0.8, c=0.7)
    hall.entry("c").due_ns = START_NS + 50 * FRAME_NS
    hall.m.record(hall.released("-t"))
    hall.m.run(2)
    assert hall.entry("b").obstacle.reason is Reason.IN_FLIGHT_FULL
    assert hall.entry("c").obstacle.reason is Reason.AWAITING_TICK


def test_one_that_left_the_room_before_a_place_came_free_gets_no_turn():
    hall = Hall(places=1, a=0.9, b=0.8, c=0.7)
    hall.at(2, hall.pending.remove, ord("b"))
    hall.at(3, hall.in_flight.give_back)
    hall.m.expect(hall.released("-t"), "-a-c-")


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param("-t------", "-b------", id="one in backoff is left out"),
        pytest.param("-t---t--", "-b---a--", id="and has its turn when that is over"),
    ],
)
def test_backoff(given, then):
    hall = Hall(a=0.9, b=0.8)
    hall.entry("a").due_ns = START_NS + 5 * FRAME_NS
    hall.m.expect(hall.released(given), then)


def test_one_whose_time_is_over_gets_no_turn():
    hall = Hall(a=0.9)
    hall.entry("a").deadline_ns = START_NS + 3 * FRAME_NS
    hall.m.expect(hall.released("---t"), "----")


@pytest.mark.parametrize("given", ["-t|", "-t#"])
def test_the_end_and_errors_pass(given):
    hall = Hall()
    hall.m.expect(hall.released(given), given.replace("t", "-"))


def test_all_executions_are_one_stream():
    hall = Hall(a=0.5)
    asked = hall.m.hot("-u--u--").pipe(ops.map(lambda letter: ExecutionCycle(hall.m.clock.now_ns(), Cause.URGENT)))
    merged = cycles(Schedule(interval_s=3, first_after_s=2), clock=hall.m.clock, asked=asked, pending=hall.pending)
    seen = hall.m.record(merged)
    hall.m.expect(seen, "-ui-ui--i-", show=lambda cycle: cycle.cause[0])
    assert all(entry.value.due_ns == entry.at_ns for entry in seen)


def test_points_at_which_nothing_waits_are_left_out_under_simulated_time():
    hall = Hall()
    hall.at(4, hall.enter, "a")
    hall.at(9, hall.pending.remove, ord("a"))
    merged = cycles(
        Schedule(interval_s=3, first_after_s=2), clock=hall.m.clock, asked=hall.m.hot("-"), pending=hall.pending
    ).pipe(ops.map(lambda _: "t"))
    hall.m.expect(merged, "-----t--t-----")


def test_an_error_of_what_is_asked_for_passes():
    hall = Hall()
    hall.m.expect(
        cycles(
            Schedule(interval_s=3, first_after_s=2), clock=hall.m.clock, asked=hall.m.hot("-#"), pending=hall.pending
        ),
        "-#",
    )


def test_live_every_point_of_the_interval_is_an_execution():
    loop = VirtualLoop()
    clock = Clock(loop, epoch_ns=0, wall_ns=loop.time_ns)  # with a wall clock time is not simulated
    journal = SqliteJournal("sqlite:///:memory:", mode="paper")
    commits = GroupCommit(journal, clock=clock, group_max=1, images=dict, outcome_of=lambda _: None)
    pending = PendingQueue(clock, commits, BlockedSignals(clock, never()), supersede=True)
    seen: list[int] = []
    schedule = Schedule(interval_s=30, first_after_s=10)
    asked = Marbles().hot("-")
    cycles(schedule, clock=clock, asked=asked, pending=pending).subscribe(
        lambda cycle: seen.append(cycle.due_ns // FRAME_NS)
    )
    loop.advance(75)
    assert seen == [10, 40, 70]


def test_signals_that_come_together_and_cannot_wait_are_executed_together():
    hall = Hall(a=0.5, b=0.5, c=0.5)
    urgent = hall.m.hot("-x---c--|").pipe(
        ops.map(lambda letter: [hall.entry(each) for each in {"x": "ab"}.get(letter, letter)]),
        at_once(hall.m.clock),
        ops.map(lambda cycle: "".join(map(chr, cycle.numbers)) + cycle.cause[0]),
    )
    seen = hall.m.record(urgent)
    hall.m.run()
    assert seen.values == ["abu", "cu"]


@pytest.mark.parametrize(
    ("now_s", "next_s"), [(0, 10), (10, 10), (10.5, 40), (40, 40), (41, 70)], ids=lambda seconds: f"{seconds} s"
)
def test_the_next_execution(now_s, next_s):
    schedule = Schedule(interval_s=30, first_after_s=10)
    assert next_execution_ns(schedule, START_NS, START_NS + int(now_s * 1e9)) == START_NS + next_s * FRAME_NS


def test_places_in_flight_are_bounded_by_at_least_one():
    with pytest.raises(ValueError, match="limit must be at least 1, was 0"):
        InFlight(0, clock=Marbles().clock)
