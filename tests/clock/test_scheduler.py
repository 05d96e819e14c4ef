import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import reactivex
from reactivex import operators as ops

from tidegate.clock import Clock, VirtualLoop

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000


class SlowLoop(VirtualLoop):
    """A loop whose callbacks can take time."""

    def take(self, seconds):
        self._now_ns += round(seconds * SECOND_NS)


class Wall:
    """A wall clock that somebody sets."""

    def __init__(self, loop):
        self.loop, self.off_ns = loop, START_NS

    def __call__(self):
        return self.loop.time_ns() + self.off_ns


@pytest.fixture
def loop():
    loop = SlowLoop()
    yield loop
    assert loop.unhandled == []


@pytest.fixture
def clock(loop):
    return Clock.simulated(loop, START_NS)


@pytest.fixture
def wall(loop):
    return Wall(loop)


@pytest.fixture
def walled(loop, wall):
    return Clock(loop, epoch_ns=START_NS, wall_ns=wall)


def seconds(clock, observable):
    """What is emitted, in seconds since the start, and when, on the clock."""
    seen = []
    observable.subscribe(lambda at_ns: seen.append(((at_ns - START_NS) / 1e9, (clock.now_ns() - START_NS) / 1e9)))
    return seen


def test_simulated_time_is_the_start_and_what_passed_on_the_loop(loop, clock):
    loop.advance(1.5)
    assert clock.now_ns() == clock.wall_ns() == START_NS + 1_500_000_000
    assert clock.now == datetime.fromtimestamp(1_700_000_001.5, UTC)
    assert clock.is_simulated
    assert clock.loop is loop


def test_simulated_time_starts_where_it_is_told_on_a_loop_that_has_run(loop):
    loop.advance(100)
    assert Clock.simulated(loop, START_NS).now_ns() == START_NS


def test_live_time_is_the_machines():
    async def measure():
        clock = Clock.live(asyncio.get_running_loop())
        assert not clock.is_simulated
        assert abs(clock.now_ns() - clock.wall_ns()) < SECOND_NS
        due_ns, fired = clock.now_ns() + 2_000_000, asyncio.get_running_loop().create_future()
        clock.call_at(due_ns, lambda: fired.set_result(clock.now_ns()))
        assert await fired >= due_ns

    asyncio.run(measure())


def test_time_does_not_go_back_with_the_wall_clock(loop, wall, walled):
    loop.advance(10)
    wall.off_ns -= 3_600 * SECOND_NS
    assert walled.now_ns() == START_NS + 10 * SECOND_NS
    assert walled.wall_ns() == START_NS - 3_590 * SECOND_NS


@pytest.mark.parametrize("step_s", [-3_600, -40, 0.9, 40, 3_600])
def test_time_is_steady_whatever_is_done_to_the_wall_clock(loop, wall, walled, step_s):
    loop.advance(10)
    wall.off_ns += round(step_s * SECOND_NS)
    assert walled.now_ns() == START_NS + 10 * SECOND_NS
    assert walled.wall_ns() == START_NS + round((10 + step_s) * SECOND_NS)
    loop.advance(5)
    wall.off_ns = START_NS
    assert walled.now_ns() == walled.wall_ns() == START_NS + 15 * SECOND_NS


@pytest.mark.parametrize("step_s", [-3_600, 40, 3_600])
def test_a_timer_keeps_its_delay_when_somebody_sets_the_wall_clock(loop, wall, walled, step_s):
    rang = []
    walled.call_at(START_NS + 20 * SECOND_NS, lambda: rang.append(loop.time()))
    loop.advance(10)
    wall.off_ns += step_s * SECOND_NS
    loop.advance(30)
    assert rang == [20]


def test_a_moment_of_the_wall_clock_is_due_when_it_shows_it(loop, wall, walled, clock):
    loop.advance(10)
    wall.off_ns += 3_600 * SECOND_NS
    assert walled.due_ns(walled.wall_ns() + 7 * SECOND_NS) == walled.now_ns() + 7 * SECOND_NS
    assert clock.due_ns(START_NS + 30 * SECOND_NS) == START_NS + 30 * SECOND_NS


class Suspended:
    """A machine's steady clock, which goes on while its loop stands still."""

    def __init__(self, loop):
        self.loop, self.stood_ns = loop, 0

    def __call__(self):
        return self.loop.time_ns() + self.stood_ns


@pytest.fixture
def machine(loop):
    return Suspended(loop)


@pytest.fixture
def suspendable(loop, machine):
    return Clock(loop, epoch_ns=START_NS, steady_ns=machine, wall_ns=lambda: START_NS + machine())


def test_a_suspend_counts_as_time_that_has_passed(loop, machine, suspendable):
    loop.advance(10)
    machine.stood_ns = 3_600 * SECOND_NS
    assert suspendable.now_ns() == suspendable.wall_ns() == START_NS + 3_610 * SECOND_NS


def test_what_came_due_in_a_suspend_is_called_within_a_second_after_it(loop, machine, suspendable):
    rang = []
    for due_s in (5, 700, 300, 4_000):
        suspendable.call_at(START_NS + due_s * SECOND_NS, rang.append, due_s)
    suspendable.call_at(START_NS + 310 * SECOND_NS, rang.append, "cancelled").cancel()
    suspendable.call_after(600, rang.append, 600)
    loop.advance(10.3)
    machine.stood_ns = 3_600 * SECOND_NS
    loop.advance(1)
    assert rang == [5, 300, 600, 700]
    loop.advance(400)
    assert rang == [5, 300, 600, 700, 4_000]
    assert loop.next_due_ns() is None


def test_timers_over_a_clock_of_their_own_come_at_their_time_and_in_their_order(loop, suspendable):
    rang = []

    def ring(name):
        rang.append((name, suspendable.now_ns() - START_NS))

    late = suspendable.call_at(START_NS + 3_000_000_000, ring, "cancelled by another of its time")
    suspendable.call_at(START_NS + 2_500_000_000, ring, "later")
    suspendable.call_at(START_NS + 500_000_000, ring, "sooner")
    suspendable.call_at(START_NS + 2_500_000_000, ring, "later too")
    suspendable.call_at(START_NS - 1, ring, "past")
    suspendable.call_at(START_NS + 3_000_000_000 - 1, late.cancel)
    loop.run_forever()
    assert rang == [("past", 0), ("sooner", 500_000_000), ("later", 2_500_000_000), ("later too", 2_500_000_000)]


def test_what_a_timer_raises_is_told_and_the_others_come(loop, suspendable):
    rang = []
    suspendable.call_after(1, lambda: 1 / 0)
    suspendable.call_after(1, rang.append, "the next")
    loop.advance(2)
    assert rang == ["the next"]
    assert [type(report["exception"]) for report in loop.unhandled] == [ZeroDivisionError]
    loop.unhandled.clear()


@pytest.mark.parametrize("of", ["clock", "suspendable"])
def test_a_sleep_that_is_cancelled_in_the_turn_in_which_it_ends_raises_nothing_else(loop, request, of):
    clock = request.getfixturevalue(of)
    tasks = []
    clock.call_at(START_NS + 5 * SECOND_NS, lambda: tasks[0].cancel())
    tasks.append(loop.create_task(clock.sleep_until(START_NS + 5 * SECOND_NS)))
    loop.advance(6)
    assert tasks[0].cancelled()
    assert loop.unhandled == []


def test_calls_come_at_their_time_unless_they_are_cancelled(loop, clock):
    ran = []
    clock.call_at(START_NS + 2, ran.append, "at")
    clock.call_after(1e-9, ran.append, "after")
    clock.call_soon(ran.append, "soon")
    clock.call_threadsafe(ran.append, "threadsafe")
    clock.call_at(START_NS + 1, ran.append, "cancelled").cancel()
    loop.run_forever()
    assert ran == ["soon", "threadsafe", "after", "at"]


def test_what_became_due_meanwhile_comes_late_and_not_in_the_past(loop, clock):
    seen = []
    clock.call_after(1, loop.take, 5)
    clock.call_after(2, lambda: seen.append(clock.now_ns() - START_NS))
    loop.advance(3)
    assert seen == [6 * SECOND_NS]
    assert clock.now_ns() == START_NS + 6 * SECOND_NS


def test_ticks_sit_on_a_grid_that_starts_after_the_given_time(loop, clock):
    loop.advance(3)
    seen = seconds(clock, clock.grid(30, first_after_s=10))
    loop.advance(100)
    assert seen == [(13, 13), (43, 43), (73, 73), (103, 103)]


def test_each_subscription_has_its_own_grid(loop, clock):
    ticks = clock.grid(10, first_after_s=0)
    first = seconds(clock, ticks)
    loop.advance(5)
    second = seconds(clock, ticks)
    loop.advance(10)
    assert (first, second) == ([(0, 0), (10, 10)], [(5, 5), (15, 15)])


def test_a_slow_body_does_not_make_the_ticks_drift(loop, clock):
    seen = seconds(clock, clock.grid(1, first_after_s=1).pipe(ops.do_action(lambda _: loop.take(0.3))))
    loop.advance(1_000)
    assert [at for at, _ in seen] == list(range(1, 1_001))


def test_points_passed_by_a_whole_period_are_left_out(loop, clock):
    bodies_s = iter([0, 3.5, 0, 0])
    seen = []

    def body(at_ns):
        seen.append((at_ns - START_NS) / 1e9)
        loop.take(next(bodies_s))

    subscription = clock.grid(1, first_after_s=1).subscribe(body)
    loop.advance(6)
    subscription.dispose()
    assert seen == [1, 2, 5, 6]


def test_ticks_go_on_when_the_wall_clock_steps_back_inside_one(loop, wall, walled):
    def step_back(_):
        wall.off_ns -= 3_600 * SECOND_NS

    seen = seconds(walled, walled.grid(10, first_after_s=10).pipe(ops.do_action(step_back)))
    loop.advance(50)
    assert [at for at, _ in seen] == [10, 20, 30, 40, 50]


def test_after_a_suspend_there_is_one_tick_and_not_a_burst(loop, machine, suspendable):
    seen = seconds(suspendable, suspendable.grid(10, first_after_s=10))
    loop.advance(15)
    machine.stood_ns += 3_600 * SECOND_NS
    loop.advance(15)
    assert [at for at, _ in seen] == [10, 3_610, 3_620, 3_630]
    assert seen[1][1] < 3_616 + 1


def test_ticks_go_on_when_a_subscriber_raises():
    loop = VirtualLoop()
    clock, seen = Clock.simulated(loop, START_NS), []

    def body(at_ns):
        seen.append(at_ns)
        raise ValueError(at_ns)

    clock.grid(1, first_after_s=1).subscribe(body)
    loop.advance(3)
    assert len(seen) == 3
    assert [report["exception"].args[0] for report in loop.unhandled] == seen


def test_nothing_is_emitted_where_skip_says_so(loop, clock):
    asked = []

    def skip():
        asked.append(clock.now_ns())
        return len(asked) % 2 == 0

    seen = seconds(clock, clock.grid(10, first_after_s=10, skip=skip))
    loop.advance(50)
    assert [at for at, _ in seen] == [10, 30, 50]
    assert len(asked) == 5


@pytest.mark.parametrize("when", [0, 2], ids=["before the first tick", "from within a tick"])
def test_a_disposed_grid_leaves_no_timer(loop, clock, when):
    seen = []

    def body(at_ns):
        seen.append(at_ns)
        if len(seen) == when:
            subscription.dispose()

    subscription = clock.grid(1, first_after_s=1).subscribe(body)
    if when == 0:
        subscription.dispose()
    loop.advance(10)
    assert len(seen) == when
    assert loop.next_due_ns() is None


def test_a_grid_without_a_distance_is_refused(clock):
    with pytest.raises(ValueError, match="above 0, was 0"):
        clock.grid(0, first_after_s=1)


def test_reactive_operators_take_their_time_from_it(loop, clock):
    seen = []
    reactivex.timer(5, scheduler=clock).subscribe(lambda _: seen.append(("timer", loop.time())))
    reactivex.interval(2, scheduler=clock).pipe(ops.take(3)).subscribe(lambda n: seen.append((n, loop.time())))
    reactivex.of("late").pipe(ops.delay(3.5, scheduler=clock)).subscribe(lambda x: seen.append((x, loop.time())))
    loop.run_forever()
    assert seen == [(0, 2), ("late", 3.5), (1, 4), ("timer", 5), (2, 6)]


def test_actions_are_scheduled_at_once_after_a_while_and_at_a_moment(loop, clock):
    seen = []

    def action(scheduler, state):
        seen.append((state, loop.time()))

    clock.schedule_absolute(datetime.fromtimestamp(1_700_000_003, UTC), action, "at a datetime")
    clock.schedule_absolute(1_700_000_004.0, action, "at seconds")
    clock.schedule_relative(timedelta(seconds=2), action, "after a timedelta")
    clock.schedule_relative(1.0, action, "after seconds")
    clock.schedule(action, "at once")
    clock.schedule(action, "disposed").dispose()
    clock.schedule_relative(1.0, action, "disposed").dispose()
    loop.run_forever()
    assert seen == [
        ("at once", 0),
        ("after seconds", 1),
        ("after a timedelta", 2),
        ("at a datetime", 3),
        ("at seconds", 4),
    ]


def test_a_periodic_action_is_handed_its_state_and_does_not_drift(loop, clock):
    seen = []

    def action(count):
        seen.append((count, loop.time()))
        loop.take(0.25)
        return count + 1

    clock.schedule_periodic(1.0, action, 0)
    loop.advance(3)
    assert seen == [(0, 1), (1, 2), (2, 3)]


def test_work_that_somebody_else_cancels_is_begun_anew(loop, clock):
    begun = []

    async def work():
        begun.append(loop.time())
        await clock.sleep(10)

    clock.run(work, name="work")
    loop.advance(2)
    (task,) = asyncio.all_tasks(loop)
    task.cancel()
    loop.advance(60)
    assert begun == [0, 3]


@pytest.mark.parametrize("after_s", [2, 2.5])
def test_work_that_is_given_up_is_over(loop, clock, after_s):
    begun = []

    async def work():
        begun.append(loop.time())
        await clock.sleep(10)

    give_up = clock.run(work, name="work")
    if after_s > 2:  # somebody else was there first
        loop.advance(2)
        for task in asyncio.all_tasks(loop):
            task.cancel()
    loop.advance(after_s - loop.time())
    give_up()
    loop.advance(60)
    assert begun == [0]


def test_what_work_raises_is_told_and_not_repeated(loop, clock):
    async def work():
        raise ValueError("no")

    clock.run(work, name="some work")
    loop.advance(60)
    assert [(report["message"], str(report["exception"])) for report in loop.unhandled] == [
        ("exception in some work", "no")
    ]
    loop.unhandled.clear()
