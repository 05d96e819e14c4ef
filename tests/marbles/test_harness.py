import asyncio

import pytest
import reactivex
from reactivex import operators as ops

from tidegate.marbles import MarbleError, Marbles, NotationError, NotificationKind


def double(source):
    return source.pipe(ops.map(lambda value: value * 2))


def test_what_is_expected_and_happens_passes():
    m = Marbles(a=1, b=2, c=4)
    m.expect(m.hot("a-b-(ab)-- 60s b-|").pipe(double), "b-c-(bc)-- 60s c-|")


def test_letters_without_a_value_are_themselves():
    m = Marbles()
    m.expect(m.hot("-x-y-|").pipe(ops.map(str.upper)), "-X-Y-|")


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param("-a-|", "-b-|", id="another item"),
        pytest.param("-a-|", "--a|", id="at another time"),
        pytest.param("-a-|", "-a--|", id="an early end"),
        pytest.param("-a--|", "-a-|", id="a late end"),
        pytest.param("-a-a|", "-a--|", id="one item more"),
        pytest.param("-a--|", "-a-a|", id="one item less"),
        pytest.param("-a-|", "-a-#", id="completion instead of an error"),
        pytest.param("-a-#", "-a-|", id="an error instead of completion"),
        pytest.param("-(ab)-|", "-(ba)-|", id="another order in a frame"),
        pytest.param("-a-", "-a-|", id="no end"),
    ],
)
def test_a_difference_fails(given, then):
    m = Marbles(a=1, b=2)
    with pytest.raises(AssertionError):
        m.expect(m.hot(given), then)


def test_a_value_without_a_letter_is_no_letter_one_can_write():
    m = Marbles(a=1)
    with pytest.raises(AssertionError):
        m.expect(m.hot("-a").pipe(double), "-?")


def test_the_message_shows_both_lines_aligned_with_the_differences_marked():
    m = Marbles(a=1, b=2)
    with pytest.raises(AssertionError) as failed:
        m.expect(m.hot("-a-b----(ab)-|"), "-a------(ab)--|")
    assert str(failed.value).splitlines()[1:5] == [
        "frame     0    5       10",
        "expected  -a------(ab)--|",
        "got       -a-b----(ab)-|",
        "             ^         ^^",
    ]


def test_what_came_unexpectedly_is_shown_with_its_value():
    m = Marbles(a=1)
    with pytest.raises(AssertionError, match=r"\* in frame 1: 2"):
        m.expect(m.hot("-a-|").pipe(double), "-a-|")


def test_an_error_of_another_type_is_shown_and_is_the_cause():
    m = Marbles(a=1)
    with pytest.raises(AssertionError, match="! in frame 1: ZeroDivisionError") as failed:
        m.expect(m.hot("-a-|").pipe(ops.map(lambda value: value / 0)), "-#")
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


def test_an_error_of_the_type_that_was_given_is_expected():
    m = Marbles(error=ZeroDivisionError(), a=1)
    m.expect(m.hot("-a-|").pipe(ops.map(lambda value: value / 0)), "-#")
    m.expect(m.cold("-#"), "-#")


def test_the_first_frame_is_not_lost():
    m = Marbles()
    m.expect(m.hot("a|"), "a|")


def test_what_comes_before_the_caret_is_lost():
    m = Marbles()
    m.expect(m.hot("ab-^-c|"), "--c|")


@pytest.mark.parametrize("make", [lambda m: m.cold("a^b"), lambda m: m.expect(m.hot("a"), "a^b")], ids=["cold", "then"])
def test_a_caret_is_for_hot_diagrams(make):
    with pytest.raises(NotationError, match="only a hot diagram"):
        make(Marbles())


def test_a_cold_source_begins_anew_for_each_subscription():
    m = Marbles()
    source = m.cold("-a-|")
    m.expect(reactivex.concat(source, source), "-a--a-|")
    assert source.subscriptions == [(0, 3), (3, 6)]


def test_subscriptions_are_told_in_frames():
    m = Marbles(frame_s=0.5)
    source = m.hot("-a-b-c-|")
    m.record(source.pipe(ops.take(2)))
    m.record(source)
    m.run(for_s=3)
    assert source.subscriptions == [(0, 3), (0, None)]
    m.run()
    assert source.subscriptions == [(0, 3), (0, 7)]


def test_a_disposed_cold_source_plays_no_further():
    m = Marbles()
    m.record(m.cold("a-b-c-|").pipe(ops.take(1)))
    m.run()
    assert m.loop.time() == 0


def test_shorter_frames_than_a_second_are_exact():
    m = Marbles(frame_s=0.001)
    m.expect(m.hot("-a-b|").pipe(ops.delay(0.002, scheduler=m.clock)), "---a-b|")


def test_operators_wait_on_its_clock():
    m = Marbles(x=0, y=1, z=2)
    m.expect(reactivex.interval(2, scheduler=m.clock), "--x-y-z-")


def test_an_endless_stream_is_compared_as_far_as_the_diagram_goes():
    m = Marbles()
    ticks = m.clock.grid(1, first_after_s=1).pipe(ops.map(lambda _: "t"))
    m.expect(ticks, "-ttt")
    assert 3 <= m.loop.time() < 4


def test_a_recording_is_compared_as_far_as_the_diagram_goes():
    m = Marbles()
    recording = m.record(m.hot("-a-b-|"))
    m.run()
    m.expect(recording, "-a-")


def test_coroutines_take_their_time_on_its_loop():
    m = Marbles()

    async def wait(value):
        await asyncio.sleep(2)
        return value.upper()

    stage = ops.flat_map(lambda value: reactivex.from_future(m.loop.create_task(wait(value))))
    m.expect(m.hot("-a-b---|").pipe(stage), "---A-B-|")


def test_an_exception_that_nobody_handles_fails_the_test():
    m = Marbles()

    async def fail():
        raise ValueError("unseen")

    def start(_):
        m.loop.create_task(fail())

    with pytest.raises(AssertionError, match="unseen") as failed:
        m.expect(m.hot("-a-|").pipe(ops.do_action(start)), "-a-|")
    assert isinstance(failed.value.__cause__, ValueError)
    with pytest.raises(AssertionError, match="not handled"):
        m.run()


def test_several_subscribers_are_compared_each_with_its_own_start():
    m = Marbles()
    source = m.cold("-a-b-|")
    first = m.record(source)
    m.run(for_s=2)
    second = m.record(source)
    m.expect(first, "-a-b-|")
    m.expect(second, "-a-b-|")


def test_equal_values_of_several_letters_are_one():
    m = Marbles(a=1, b=1)
    m.expect(m.hot("-a-b-|"), "-b-a-|")


def test_values_are_shown_as_told():
    m = Marbles(a=1, b=20)
    m.expect(m.hot("-a-b-|"), "-S-L-|", show=lambda value: "L" if value > 10 else "S")


def test_a_recording_is_a_list_of_what_happened_when():
    m = Marbles(start_ns=1_000)
    recording = m.record(m.hot("-a-#"))
    m.run()
    assert recording == [(1_000_001_000, NotificationKind.NEXT, "a"), (3_000_001_000, NotificationKind.ERROR, m.error)]
    assert isinstance(m.error, MarbleError)


def test_a_value_needs_the_name_of_one_letter():
    with pytest.raises(ValueError, match="one letter, was 'window'"):
        Marbles(window=5)


def test_it_works_inside_a_running_loop():
    async def notebook():
        m = Marbles()
        m.expect(m.hot("-a-|"), "-a-|")

    asyncio.run(notebook())
