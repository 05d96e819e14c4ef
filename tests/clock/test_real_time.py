"""Where time is simulated, an operator of reactivex without a scheduler is an error, not a wait in real time."""

import threading

import pytest
import reactivex as rx
from reactivex import Subject
from reactivex import operators as ops
from reactivex.scheduler import TimeoutScheduler

from tidegate import Replay
from tidegate.clock import no_real_time
from tidegate.marbles import Marbles

HINT = r"\(\) has no scheduler and would wait in real time: pass scheduler=m.clock, the clock of these Marbles"
EARLIER = TimeoutScheduler.singleton()


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (ops.delay(1), "delay"),
        (ops.debounce(1), "debounce"),
        (ops.buffer_with_time(1), "windowwithtime"),
        (ops.timeout(5), "timeout"),
        (ops.merge(rx.interval(1)), "timer"),
    ],
)
def test_an_operator_without_a_scheduler_is_named_with_what_to_pass(operator, name):
    m = Marbles()
    with pytest.raises(TypeError, match=name + HINT):
        m.expect(m.hot("-a-b|").pipe(operator, ops.map(str)), "-a-b|")
    assert TimeoutScheduler.singleton() is EARLIER


@pytest.mark.parametrize("late", [ops.delay, ops.debounce, ops.sample])
def test_with_its_scheduler_it_runs_in_simulated_time(late):
    m = Marbles()
    seen = m.record(m.hot("-a---------|").pipe(late(3, scheduler=m.clock)))
    m.run()
    assert seen.values == ["a"]


def test_an_operator_that_waits_only_once_something_comes_is_noticed_while_time_passes():
    m = Marbles()
    m.record(m.hot("-a-|").pipe(ops.flat_map(lambda _: rx.timer(5))))
    with pytest.raises(TypeError, match="timer" + HINT):
        m.run()


def test_a_replay_says_it_too_even_where_the_stream_swallowed_the_error(tmp_path):
    recorded = tmp_path / "BTC-USDT-1m.csv"
    rows = [f"{1515628800000 + n * 60_000},100,101,99,100,5" for n in range(9)]
    recorded.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows))
    day = Replay(recorded)
    swallowing = day.candles.pipe(ops.delay(1), ops.catch(rx.empty()))
    with pytest.raises(TypeError, match=r"delay\(\) has no scheduler .* pass scheduler=day.clock, the clock of this"):
        day.run(swallowing)
    seen = day.run(day.candles.pipe(ops.delay(1, scheduler=day.clock)))
    assert len(seen.values) == 9


def test_other_threads_wait_as_ever():
    done = threading.Event()
    with no_real_time("m.clock"):
        thread = threading.Thread(target=lambda: rx.timer(0.0).subscribe(lambda _: done.set()))
        thread.start()
        assert done.wait(10)
        thread.join()


def test_afterwards_the_default_is_as_it_was():
    done = threading.Event()
    with no_real_time("m.clock"):
        pass
    source = Subject()
    source.pipe(ops.delay(0.0)).subscribe(lambda _: done.set())
    source.on_next(1)
    assert done.wait(10)
