import asyncio
import contextvars
import sys
import threading

import pytest

from tidegate.clock import NothingScheduled, VirtualLoop


@pytest.fixture
def loop():
    loop = VirtualLoop()
    yield loop
    assert loop.unhandled == []


def test_callbacks_due_at_the_same_time_run_in_the_order_in_which_they_were_scheduled(loop):
    ran = []
    for number in range(100):
        loop.call_at_ns(5, ran.append, number)
    loop.run_forever()
    assert ran == list(range(100))


def test_what_is_due_now_keeps_its_place_among_what_runs_soon(loop):
    ran = []
    loop.call_later(0, ran.append, "timer")
    loop.call_soon(ran.append, "soon")
    loop.run_forever()
    assert ran == ["timer", "soon"]


def test_timers_run_in_the_order_of_their_times(loop):
    ran = []
    for when_ns in (3, 1, 2):
        loop.call_at_ns(when_ns, lambda when_ns=when_ns: ran.append((when_ns, loop.time_ns())))
    loop.run_forever()
    assert ran == [(1, 1), (2, 2), (3, 3)]


def test_any_number_of_items_at_one_instant_do_not_move_the_time(loop):
    times = set()

    def item(left):
        times.add(loop.time_ns())
        if left:
            loop.call_soon(item, left - 1)

    loop.call_soon(item, 10_000)
    loop.run_forever()
    assert times == {0}


def test_hours_of_sleep_take_no_time_and_sum_up_exactly(loop):
    async def sleep():
        for _ in range(3_600):
            await asyncio.sleep(0.1)

    loop.run_until_complete(sleep())
    assert loop.time_ns() == 360_000_000_000


def test_asyncio_works_on_it(loop):
    async def program():
        queue, event, seen = asyncio.Queue(), asyncio.Event(), []

        async def produce():
            for number in range(3):
                await asyncio.sleep(1)
                await queue.put(number)
            event.set()

        async def consume():
            while len(seen) < 3:
                seen.append((await queue.get(), loop.time()))

        await asyncio.gather(produce(), consume(), event.wait())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 2)
        assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()
        return seen

    assert loop.run_until_complete(program()) == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert loop.time() == 10


def test_it_serves_asyncio_runner():
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(asyncio.sleep(3_600, "slept")) == "slept"


def test_waiting_for_what_can_never_come_is_an_error_and_not_a_hang(loop):
    never = loop.create_future()
    with pytest.raises(NothingScheduled, match="nothing is scheduled"):
        loop.run_until_complete(never)


def test_cancelled_timers_neither_run_nor_move_the_time_nor_fill_the_memory(loop):
    ran = []
    for number in range(10_000):
        loop.call_later(10, ran.append, number).cancel()
    assert len(loop._timers._heap) < 300
    loop.call_later(20, ran.append, "kept").cancel()
    loop.call_later(1, ran.append, "due")
    loop.run_forever()
    assert (ran, loop.time()) == (["due"], 1)


def test_a_timer_cancelled_by_another_of_the_same_time_does_not_run(loop):
    ran = []
    loop.call_at_ns(1, lambda: second.cancel())
    second = loop.call_at_ns(1, ran.append, "second")
    loop.run_forever()
    assert ran == []
    assert second.cancelled()


def test_unhandled_exceptions_are_collected_and_the_loop_goes_on():
    loop, told = VirtualLoop(), []
    loop.set_exception_handler(lambda loop, report: told.append(report))
    error = ValueError("bad")

    def fail():
        raise error

    async def fail_unseen():
        fail()

    loop.call_soon(fail)
    loop.create_task(fail_unseen())
    loop.run_until_complete(asyncio.sleep(1))
    assert [report["exception"] for report in loop.unhandled] == [error, error]
    assert told == loop.unhandled


def test_an_interrupt_leaves_the_loop_at_once(loop):
    def interrupt():
        raise KeyboardInterrupt

    loop.call_soon(interrupt)
    loop.call_soon(lambda: None)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert not loop.is_running()
    assert loop.next_due_ns() == 0


def test_it_runs_inside_a_running_loop_and_leaves_that_one_as_it_was(loop):
    async def outer():
        before = asyncio.get_running_loop(), asyncio.current_task(), sys.get_asyncgen_hooks()
        assert loop.run_until_complete(asyncio.sleep(60, "inner")) == "inner"
        assert (asyncio.get_running_loop(), asyncio.current_task(), sys.get_asyncgen_hooks()) == before
        await asyncio.sleep(0)
        return "outer"

    assert asyncio.run(outer()) == "outer"


def test_context_variables_are_those_of_the_moment_of_scheduling(loop):
    name, seen = contextvars.ContextVar("name", default="none"), []
    name.set("first")
    loop.call_soon(lambda: seen.append(name.get()))
    name.set("second")
    loop.call_later(1, lambda: seen.append(name.get()))
    context = contextvars.copy_context()
    context.run(name.set, "given")
    loop.call_soon(lambda: seen.append(name.get()), context=context)
    loop.run_forever()
    assert seen == ["first", "given", "second"]


def test_advancing_runs_what_is_due_until_then_and_no_more(loop):
    ran = []
    for seconds in (1, 2, 3):
        loop.call_later(seconds, ran.append, seconds)
    loop.advance(2)
    assert (ran, loop.time()) == ([1, 2], 2)
    loop.advance_to_ns(2_500_000_000)
    assert (ran, loop.time()) == ([1, 2], 2.5)
    with pytest.raises(ValueError, match="ns must be at least"):
        loop.advance_to_ns(0)


def test_a_stop_leaves_the_rest_for_the_next_run(loop):
    ran = []
    loop.call_soon(loop.stop)
    loop.call_soon(ran.append, "later")
    loop.run_forever()
    assert ran == []
    loop.run_forever()
    assert ran == ["later"]


def test_an_executor_runs_inline_and_hands_on_what_it_raises(loop):
    assert loop.run_in_executor(None, divmod, 7, 2).result() == (3, 1)
    assert isinstance(loop.run_in_executor(None, divmod, 7, 0).exception(), ZeroDivisionError)


@pytest.mark.parametrize("forgotten", [True, False], ids=["when they are forgotten", "when the loop is shut down"])
def test_generators_that_were_left_are_closed(loop, forgotten):
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            closed.append("closed")

    async def take_one(generator):
        return await anext(generator)

    kept = numbers()
    assert loop.run_until_complete(take_one(kept)) == 1
    if forgotten:
        del kept
        loop.run_forever()
    else:
        loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == ["closed"]


def test_a_closed_loop_takes_nothing(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()


def test_the_same_program_runs_in_the_same_order_every_time():
    def run():
        loop, order = VirtualLoop(), []

        async def worker(number):
            for step in range(20):
                await asyncio.sleep((number * 7 + step * 3) % 5 / 10)
                order.append((loop.time_ns(), number, step))

        async def program():
            await asyncio.gather(*(worker(number) for number in range(20)))

        loop.run_until_complete(program())
        return order

    assert run() == run()
