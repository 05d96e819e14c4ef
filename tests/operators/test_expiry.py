import pytest
from reactivex import operators as rx

from operators import identify, refuse_weak
from operators.notebook import expire
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal
from tidegate.marbles import Marbles, outcome_letter, signal


def marbles():
    return Marbles(a=signal("a", key="a"), b=signal("b"), l=signal("l", ttl_s=8), w=signal("w", strength=0.2))


def expiring(m, given, ended, **settings):
    judged = m.hot(given).pipe(identify(m.clock), refuse_weak(min_strength=0.5))
    ids = m.hot(ended).pipe(identify(m.clock), rx.map(lambda verdict: verdict.signal.id))
    return judged.pipe(expire(clock=m.clock, ended=ids, **settings))


@pytest.mark.parametrize(
    ("given", "ended", "then"),
    [
        pytest.param("-a-------", "---------", "-a---R---", id="expires at its deadline"),
        pytest.param("-a-------", "---a-----", "-a-------", id="has ended before"),
        pytest.param("-ab------", "---a-----", "-ab---R--", id="only the one that has not ended expires"),
        pytest.param("-l-a-----", "---------", "-l-a---R-R", id="its own time to live counts first"),
        pytest.param("-(ab)----", "---------", "-(ab)---(RR)", id="together, each"),
        pytest.param("-a-a-----", "---------", "-a-a-R---", id="a redelivery neither resets nor doubles it"),
        pytest.param("-a-------", "---a-|", "-a-------", id="the end of ended ends nothing"),
        pytest.param("-w-------", "---------", "-W-------", id="what was refused does not expire"),
        pytest.param("-a-|", "------", "-a---(R|)", id="completes after the last deadline"),
        pytest.param("-a-|", "----a-", "-a--|", id="or when the last has ended"),
        pytest.param("-w-|", "------", "-W-|", id="or at once when nothing waits"),
        pytest.param("-a-#", "------", "-a-#", id="errors pass through"),
        pytest.param("-a----", "---#", "-a-#", id="errors of ended too"),
    ],
)
def test_expire(given, ended, then):
    m = marbles()
    m.expect(expiring(m, given, ended, ttl_s=4), then, show=outcome_letter)


def test_an_expired_verdict_tells_how_long_it_waited_and_is_stamped_anew():
    m = marbles()
    seen = m.record(expiring(m, "-a|", "|", ttl_s=2.5))
    m.run()
    first, last = seen.values
    assert last.signal is first.signal
    assert last.refusal == Refusal(Reason.AWAITING_TICK, measured=2.5, limit=2.5)
    assert last.at_ns - first.at_ns == 2_500_000_000


def test_two_subscribers_wait_for_themselves():
    m = marbles()
    stream = expiring(m, "-a------", "--------", ttl_s=4)
    first = m.record(stream)
    m.expect(stream, "-a---R--", show=outcome_letter)
    m.expect(first, "-a---R--", show=outcome_letter)


def test_no_timer_outlives_its_subscription():
    m = marbles()
    subscription = expiring(m, "-a", "-", ttl_s=4).subscribe()
    m.run(for_s=2)
    subscription.dispose()
    assert m.loop.next_due_ns() is None


def test_a_time_to_live_must_be_some_time():
    m = marbles()
    with pytest.raises(ValueError, match="ttl_s must be above 0, was 0"):
        expiring(m, "|", "|", ttl_s=0)
