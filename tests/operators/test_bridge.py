import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import bridge
from tidegate.marbles import Marbles


class Work:
    """Work that takes `takes_s`, capitalises letters, and remembers what it was given, and how much of it at once."""

    def __init__(self, takes_s=3, error=None, results=None):
        self.m = Marbles()
        self.takes_s, self.error, self.results = takes_s, error, results
        self.batches, self.done, self.full = [], [], []
        self.running = self.most_running = 0

    async def __call__(self, batch):
        self.batches.append("".join(batch))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.takes_s)
            if self.error is not None and "x" in batch:
                raise self.error
        finally:
            self.running -= 1
        self.done += batch
        return [letter.upper() for letter in batch] if self.results is None else self.results

    def bridge(self, *, max_concurrent=1, max_batch=1, max_queue=9):
        return bridge(
            self,
            clock=self.m.clock,
            max_concurrent=max_concurrent,
            max_batch=max_batch,
            max_queue=max_queue,
            on_full=self.full.append,
            failed=self.fail,
            name="work",
        )

    def fail(self, batch, error):
        self.failure = error
        return ["F" for _ in batch]


@pytest.mark.parametrize(
    ("max_concurrent", "max_batch", "given", "then"),
    [
        pytest.param(1, 1, "-a-------|", "----A----|", id="a result when the work is done"),
        pytest.param(2, 1, "-(ab)----|", "----(AB)-|", id="several at once"),
        pytest.param(1, 1, "-(ab)------|", "----A--B|", id="one after the other"),
        pytest.param(2, 1, "-abc-----|", "----AB-C-|", id="the next when a place is free"),
        pytest.param(1, 9, "-(abc)---|", "----(ABC)|", id="items of one moment go together, in order"),
        pytest.param(1, 9, "-abc-----|", "----A--(BC)-|", id="so do those that waited for a place"),
        pytest.param(1, 2, "-(abc)------|", "----(AB)--C|", id="in batches that are not larger"),
        pytest.param(1, 1, "-ab|", "----A--(B|)", id="completes after the last result"),
        pytest.param(1, 1, "-ab#", "----A--(B#)", id="errors after the last result"),
        pytest.param(1, 1, "-(a|)", "----(A|)", id="completes after a result that has not begun"),
        pytest.param(1, 1, "-|", "-|", id="completes at once when nothing is under way"),
        pytest.param(2, 1, "-xa------|", "----FA---|", id="work that raises has the results of a failure"),
        pytest.param(1, 9, "-(axb)-c----|", "----(FFF)--C|", id="so has the whole batch, and the stream goes on"),
    ],
)
def test_bridge(max_concurrent, max_batch, given, then):
    work = Work(error=ValueError("x"))
    crossing = work.bridge(max_concurrent=max_concurrent, max_batch=max_batch)
    work.m.expect(work.m.hot(given).pipe(crossing), then)
    work.m.run()
    assert work.most_running <= max_concurrent
    assert (crossing.queued, crossing.in_flight) == (0, 0)


@pytest.mark.parametrize(
    ("error", "results"),
    [
        pytest.param(ConnectionError("gone"), None, id="an error"),
        pytest.param(asyncio.CancelledError(), None, id="a cancellation from within"),
        pytest.param(ValueError("work must give 1 results, gave 2"), ["A", "B"], id="too many results"),
        pytest.param(ValueError("work must give 1 results, gave 0"), [], id="too few results"),
    ],
)
def test_a_failure_is_told_what_went_wrong(error, results):
    work = Work(error=None if results is not None else error, results=results)
    work.m.expect(work.m.hot("x----|").pipe(work.bridge()), "---F-|")
    assert type(work.failure) is type(error)
    assert str(work.failure) == str(error)


def test_work_that_is_cancelled_before_it_began_has_a_result_too():
    work = Work()
    seen = work.m.record(work.m.hot("a-|").pipe(work.bridge()))
    work.m.loop.call_soon(lambda: work.m.loop.call_soon(cancel_all, work.m.loop))
    work.m.run()
    assert work.batches == []
    assert seen.values == ["F"]


def cancel_all(loop):
    for task in asyncio.all_tasks(loop):
        task.cancel()


def test_the_load_is_known():
    work = Work()
    crossing = work.bridge(max_concurrent=2, max_batch=2)
    work.m.record(work.m.hot("(abcdefg)").pipe(crossing))
    work.m.run(for_s=1)
    assert (crossing.queued, crossing.in_flight) == (3, 4)
    work.m.run(for_s=3)
    assert (crossing.queued, crossing.in_flight) == (0, 3)


def test_a_full_queue_hands_the_newest_back():
    work = Work()
    work.m.expect(work.m.hot("-abcd-|").pipe(work.bridge(max_queue=2)), "----A--B--(C|)")
    assert work.full == ["d"]


def test_work_that_has_begun_outlives_its_subscription_and_what_waits_does_not():
    work = Work()
    crossing, heard = work.bridge(), []
    subscription = work.m.hot("-ab").pipe(crossing).subscribe(heard.append)
    work.m.run(for_s=3)
    subscription.dispose()
    assert (crossing.queued, crossing.in_flight) == (0, 1)
    work.m.run()
    assert work.done == ["a"]
    assert heard == []
    assert crossing.in_flight == 0


def test_what_a_subscriber_raises_holds_back_no_other_result():
    work, heard = Work(), []

    def subscriber(result):
        heard.append(result)
        if result == "A":
            raise RuntimeError("mine")

    work.m.hot("-(ab)c").pipe(work.bridge(max_batch=2)).subscribe(subscriber)
    with pytest.raises(AssertionError, match="mine"):
        work.m.run()
    assert heard == ["A", "B", "C"]


def test_a_failure_that_fails_is_reported_and_frees_its_place():
    work = Work(error=ValueError("x"))
    work.fail = lambda batch, error: 1 / 0
    seen = work.m.record(work.m.hot("-xa|").pipe(work.bridge()))
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        work.m.run()
    assert seen.values == ["A"]


def test_two_subscribers_have_queues_of_their_own():
    work = Work()
    crossed = work.m.hot("-ab---").pipe(work.bridge())
    first = work.m.record(crossed)
    work.m.expect(crossed, "----A--B")
    work.m.expect(first, "----A--B")


@given(
    st.lists(st.sampled_from(["a", "b", "x", "-", "(cd)"]), max_size=30),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_every_item_has_one_result_or_is_handed_back(marks, max_concurrent, max_batch, max_queue):
    work = Work(error=ValueError("x"))
    crossing = work.bridge(max_concurrent=max_concurrent, max_batch=max_batch, max_queue=max_queue)
    seen = work.m.record(work.m.hot("".join(marks) + "|").pipe(crossing))
    work.m.run()
    items = [letter for letter in "".join(marks) if letter.isalpha()]
    assert len(seen.values) + len(work.full) == len(items)
    assert work.most_running <= max_concurrent
    assert all(len(batch) <= max_batch for batch in work.batches)
    assert seen[-1].kind == "completed"


@pytest.mark.parametrize("limit", ["max_concurrent", "max_batch", "max_queue"])
def test_limits_that_make_no_sense_are_not_taken(limit):
    with pytest.raises(ValueError, match=f"{limit} must be at least 1, was 0"):
        Work().bridge(**{limit: 0})
