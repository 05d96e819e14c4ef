import tracemalloc

import pytest
from reactivex import Subject

from operators import identify, refuse_repeats, refuse_weak
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal, Verdict
from tidegate.marbles import Marbles, outcome_letter, signal


def marbles():
    return Marbles(
        a=signal("a"),
        b=signal("b"),
        o=signal("o", symbol="A/USDT", source="other"),
        r=signal("r", symbol="A/USDT", key="r"),
        s=signal("s", symbol="A/USDT", side="sell"),
        w=signal("w", symbol="A/USDT", strength=0.2),
    )


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param("-a-b-|", "-a-b-|", id="different symbols all pass"),
        pytest.param("-a-s-|", "-a-s-|", id="the other side passes"),
        pytest.param("-a-o-|", "-a-o-|", id="another sender passes"),
        pytest.param("-a-a-|", "-a-D-|", id="a repeat inside the window is refused"),
        pytest.param("-a--a|", "-a--a|", id="the window's end is open again"),
        pytest.param("-a-aa|", "-a-Da|", id="a refusal does not extend the window"),
        pytest.param("-a--aa", "-a--aD", id="what passed opens a window of its own"),
        pytest.param("-r-r-|", "-r-r-|", id="the very same signal passes: a redelivery"),
        pytest.param("-r-ra|", "-r-ra|", id="a redelivery does not extend the window"),
        pytest.param("-a-r-|", "-a-D-|", id="only the signal that opened the window does"),
        pytest.param("-w-a-a", "-W-a-D", id="what was refused before opens no window"),
        pytest.param("-a-#", "-a-#", id="errors pass through"),
    ],
)
def test_refuse_repeats(given, then):
    m = marbles()
    stages = refuse_weak(min_strength=0.5), refuse_repeats(window_s=3)
    m.expect(m.hot(given).pipe(identify(m.clock), *stages), then, show=outcome_letter)


def test_a_refusal_tells_the_seconds_since_and_the_window():
    m = marbles()
    seen = m.record(m.hot("-a-a|").pipe(identify(m.clock), refuse_repeats(window_s=2.5)))
    m.run()
    assert seen.values[1].refusal == Refusal(Reason.REPEAT, measured=2.0, limit=2.5)


def test_a_window_of_0_is_no_window():
    source = Subject()
    assert source.pipe(refuse_repeats(window_s=0)) is source


def test_two_subscribers_do_not_refuse_each_other():
    m = marbles()
    judged = m.hot("-a-a-|").pipe(identify(m.clock), refuse_repeats(window_s=3))
    first = m.record(judged)
    m.expect(judged, "-a-D-|", show=outcome_letter)
    m.expect(first, "-a-D-|", show=outcome_letter)


def test_beyond_max_keys_the_oldest_window_is_forgotten():
    m = Marbles(a=signal("a"), b=signal("b"), c=signal("c"))
    stage = refuse_repeats(window_s=60, max_keys=2)
    m.expect(m.hot("-abc-cba|").pipe(identify(m.clock), stage), "-abc-DDa|", show=outcome_letter)


def test_windows_that_are_over_are_not_kept():
    source = Subject()
    source.pipe(refuse_repeats(window_s=10)).subscribe()
    tracemalloc.start()
    for second in range(5000):
        source.on_next(Verdict(Signal(id="", content=b"", raw=b"", symbol=str(second)), second * 10**9))
    kept_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept_bytes < 50_000


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: refuse_repeats(window_s=-1), "window_s must be at least 0, was -1"),
        (lambda: refuse_repeats(window_s=float("nan")), "window_s must be at least 0, was nan"),
        (lambda: refuse_repeats(window_s=1, max_keys=0), "max_keys must be at least 1, was 0"),
    ],
)
def test_settings_that_make_no_sense_are_not_taken(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_what_passed_before_the_subscription_is_not_to_be_repeated_either():
    m = marbles()
    before_ns = m.clock.now_ns() - 2 * 10**9
    seen = [(Signal(id="earlier", content=b"", raw=b"", symbol="A/USDT", side=Side.BUY), before_ns)]
    stage = refuse_repeats(window_s=3, seen=lambda: seen)
    m.expect(m.hot("aa-s-a-|").pipe(identify(m.clock), stage), "Da-s-a-|", show=outcome_letter)
