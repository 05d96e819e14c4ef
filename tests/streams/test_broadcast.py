"""Any number of subscribers, before or after the start: none can harm the stream or another."""

import asyncio
from functools import partial

import pytest
from reactivex import Subject
from reactivex import operators as ops

from streams.broadcast import Broadcast, GuardedStream, SubscriberDropped
from tidegate.clock import Clock, VirtualLoop
from tidegate.marbles import Marbles


class Desk:
    """A broadcast of numbers, the incidents it reported, and a machine whose time the test moves."""

    def __init__(self, **options: object) -> None:
        self.loop = VirtualLoop()
        self.took_ns = 0
        clock = Clock(self.loop, epoch_ns=0, steady_ns=lambda: self.took_ns)
        self.incidents: list[tuple[str, str]] = []
        self.broadcast: Broadcast[int] = Broadcast(
            clock=clock, incident=lambda *what: self.incidents.append(what), **options
        )
        self.stream = self.broadcast.stream

    def publish(self, *values: int) -> None:
        for value in values:
            self.broadcast.publish(value)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def bad(value: int) -> None:
    raise ValueError(f"cannot take {value}")


class Unutterable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("bad_one_first", [True, False])
def test_a_subscriber_that_raises_is_dropped_and_named_once_and_starves_no_other(desk, bad_one_first):
    seen = []
    if not bad_one_first:
        desk.stream.subscribe(seen.append)
    desk.stream.subscribe(bad, name="chart")
    if bad_one_first:
        desk.stream.subscribe(seen.append)
    desk.publish(1, 2, 3)
    assert seen == [1, 2, 3]
    [(name, what)] = desk.incidents
    assert name == "chart"
    assert what.startswith("raised ValueError: cannot take 1 (test_broadcast.py, line ")


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), Unutterable(), RecursionError(), MemoryError(), BaseException("odd")], ids=repr
)
def test_nothing_that_a_subscriber_raises_reaches_the_pipeline(desk, error):
    def raises(_):
        raise error

    seen = []
    desk.stream.subscribe(raises)
    desk.stream.subscribe(seen.append)
    desk.publish(1, 2)
    assert seen == [1, 2]
    assert len(desk.incidents) == 1
    assert desk.incidents[0][1].encode()


def test_a_program_that_ends_itself_ends(desk):
    def leave(_):
        raise SystemExit

    seen = []
    desk.stream.subscribe(leave)
    desk.stream.subscribe(seen.append)
    with pytest.raises(SystemExit):
        desk.publish(1)
    with pytest.raises(SystemExit):
        desk.publish(2)


@pytest.mark.parametrize(
    ("subscribe", "name"),
    [
        pytest.param(lambda stream: stream.subscribe(bad), "bad", id="a function"),
        pytest.param(lambda stream: stream.subscribe(partial(bad)), "bad", id="a partial"),
        pytest.param(lambda stream: stream.pipe(ops.map(abs), ops.filter(bool)).subscribe(bad), "bad", id="a pipe"),
        pytest.param(lambda stream: stream.map(abs).subscribe(lambda v: bad(v)), "<lambda>", id="a lambda"),
        pytest.param(
            lambda stream: stream.pipe(ops.do_action(bad)).subscribe(), "a subscriber", id="inside of the pipe"
        ),
        pytest.param(lambda stream: stream.subscribe(Picky()), "Picky", id="an observer"),
    ],
)
def test_a_subscriber_without_a_name_has_that_of_its_callback_and_its_line(desk, subscribe, name):
    subscribe(desk.stream)
    desk.publish(1)
    [(named, _)] = desk.incidents
    assert named.startswith(f"{name} (test_broadcast.py, line ")


class Picky:
    def on_next(self, value):
        bad(value)

    def on_error(self, error):
        raise error

    def on_completed(self):
        raise RuntimeError


@pytest.mark.parametrize(("takes_s", "dropped"), [(2.0, False), (2.001, True)])
def test_a_subscriber_that_takes_too_long_is_dropped_and_learns_why(desk, takes_s, dropped):
    slow, why, others = [], [], []

    def take(value):
        slow.append(value)
        desk.took_ns += int(takes_s * 1e9)

    desk.stream.subscribe(take, why.append, name="slow")
    desk.stream.subscribe(others.append)
    desk.publish(1, 2)
    assert others == [1, 2]
    assert slow == ([1] if dropped else [1, 2])
    assert desk.incidents == ([("slow", "took 2 s for one value, at most 2 s")] if dropped else [])
    assert [type(error) for error in why] == ([SubscriberDropped] if dropped else [])


def test_values_published_within_a_call_come_after_the_current_one_to_everybody(desk):
    first, second = [], []

    def echo(value):
        first.append(value)
        if value < 3:
            desk.publish(value + 1)

    desk.stream.subscribe(echo)
    desk.stream.subscribe(second.append)
    desk.publish(1)
    assert first == second == [1, 2, 3]


@pytest.mark.parametrize("at_once", [1, 5000], ids=["a chain", "a burst"])
def test_a_subscriber_that_floods_is_dropped(desk, at_once):
    others = []

    def flood(value):
        desk.publish(*range(at_once))

    desk.stream.subscribe(others.append)
    desk.stream.subscribe(flood, name="flood")
    desk.publish(7)
    assert desk.incidents == [("flood", "published more than 1000 values from within its own calls")]
    assert len(others) == 1001
    desk.publish(8)
    assert others[-1] == 8


def test_what_publishes_a_little_each_time_goes_on(desk):
    seen = []

    def echo(value):
        seen.append(value)
        if value:
            desk.publish(0)

    desk.stream.subscribe(echo)
    for _ in range(1500):
        desk.publish(1)
    assert len(seen) == 3000
    assert desk.incidents == []


def test_one_may_subscribe_late_and_unsubscribe_within_a_call(desk):
    first, late = [], []

    def once(value):
        first.append(value)
        mine.dispose()
        desk.stream.subscribe(late.append)

    mine = desk.stream.subscribe(once)
    desk.publish(1, 2)
    assert (first, late) == ([1], [2])


def test_a_subscriber_disposed_by_one_before_it_gets_nothing_more(desk):
    seen = []
    desk.stream.subscribe(lambda _: other.dispose())
    other = desk.stream.subscribe(seen.append)
    desk.publish(1)
    assert seen == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_reaches_every_subscriber_of_before_and_after(desk, when):
    broken, ended = RuntimeError("broken"), []
    desk.stream.subscribe(bad)  # without an on_error: reactivex raises it
    if when == "before":
        desk.stream.subscribe(on_error=ended.append)
    desk.broadcast.on_error(broken)
    if when == "after":
        desk.stream.subscribe(on_error=ended.append)
    desk.broadcast.on_completed()
    desk.publish(1)
    assert ended == [broken]
    assert desk.incidents == []


def test_a_completion_reaches_every_subscriber(desk):
    ended = []
    desk.stream.subscribe(Picky())
    desk.stream.subscribe(on_completed=lambda: ended.append("before"))
    desk.broadcast.on_completed()
    desk.stream.subscribe(on_completed=lambda: ended.append("after"))
    assert ended == ["before", "after"]


def test_a_report_that_fails_starves_no_subscriber(desk):
    def fail(name, what):
        raise RuntimeError("no journal")

    seen = []
    broadcast = Broadcast(clock=Clock.simulated(desk.loop, 0), incident=fail)
    broadcast.stream.subscribe(bad)
    broadcast.stream.subscribe(seen.append)
    broadcast.publish(1)
    assert seen == [1]
    assert [str(report["exception"]) for report in desk.loop.unhandled] == ["no journal"]


@pytest.mark.parametrize("pipe", [(), (ops.map(abs),)], ids=["at once", "behind a pipe"])
def test_a_coroutine_function_is_refused_with_the_way_to_do_it(desk, pipe):
    async def draw(value): ...

    with pytest.raises(TypeError, match="draw is async: subscribe a function that creates a task of it"):
        desk.stream.pipe(*pipe).subscribe(draw)


def test_it_follows_a_source_and_is_an_observable_like_any_other():
    m = Marbles(a=1, b=2)
    incidents = []
    broadcast = Broadcast(clock=m.clock, incident=lambda *what: incidents.append(what))
    assert isinstance(broadcast.stream, GuardedStream)
    seen = m.record(broadcast.stream.pipe(ops.delay(2, scheduler=m.clock)))
    m.hot("-a-b-|").subscribe(broadcast)
    m.expect(seen, "---a-b-|")
    assert incidents == []


def test_a_source_goes_on_when_a_subscriber_of_its_broadcast_raises(desk):
    source, later = Subject(), []
    source.subscribe(desk.broadcast)
    desk.stream.subscribe(bad)
    source.subscribe(later.append)
    source.on_next(1)
    source.on_next(2)
    assert later == [1, 2]
    assert len(desk.incidents) == 1


def test_a_bound_must_be_above_nothing():
    with pytest.raises(ValueError, match="slow_after_s must be above 0, was 0"):
        Desk(slow_after_s=0)
