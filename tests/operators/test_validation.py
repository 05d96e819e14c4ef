import pytest

from operators import identify, refuse_stale, refuse_unknown_sources, refuse_weak
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Refusal
from tidegate.marbles import Marbles, outcome_letter, signal

NEW_YEAR_MS = 1_735_689_600_000


def sent(at_s):
    """A signal that says it was made at `at_s` seconds after the marbles begin."""
    return signal("a", timestamp=NEW_YEAR_MS + round(at_s * 1000))


@pytest.mark.parametrize(
    ("strength", "then"),
    [
        pytest.param(0.49, "-W|", id="less than the limit"),
        pytest.param(0.5, "-a|", id="the limit itself"),
        pytest.param(1, "-a|", id="more than the limit"),
    ],
)
def test_refuse_weak(strength, then):
    m = Marbles(a=signal("a", strength=strength))
    m.expect(m.hot("-a|").pipe(identify(m.clock), refuse_weak(min_strength=0.5)), then, show=outcome_letter)


@pytest.mark.parametrize(
    ("at_s", "then"),
    [
        pytest.param(10, "10s a|", id="made just now"),
        pytest.param(5, "10s a|", id="as old as it may be"),
        pytest.param(4.999, "10s S|", id="older"),
        pytest.param(12, "10s a|", id="as far ahead as it may be"),
        pytest.param(12.001, "10s F|", id="from the future"),
    ],
)
def test_refuse_stale(at_s, then):
    m = Marbles(a=sent(at_s))
    stage = refuse_stale(max_age_ms=5000, max_ahead_ms=2000)
    m.expect(m.hot("10s a|").pipe(identify(m.clock), stage), then, show=outcome_letter)


def test_five_seconds_ahead_is_what_clocks_are_allowed_to_differ_by():
    m = Marbles(a=sent(5), b=sent(5.001))
    m.expect(m.hot("(ab)").pipe(identify(m.clock), refuse_stale(max_age_ms=1)), "(?F)", show=lambda v: letter(v))


def letter(verdict):
    return outcome_letter(verdict) if verdict.refusal else "?"


@pytest.mark.parametrize(
    ("raw", "then"),
    [
        pytest.param(signal("a", source="tradingview"), "a", id="a known sender"),
        pytest.param(signal("a", source="stranger"), "U", id="a stranger"),
        pytest.param(signal("a"), "U", id="a sender without a name"),
        pytest.param(signal("a", source="my-strategy"), "U", id="a stranger with the name of a strategy"),
        pytest.param(
            Raw(signal("a", source="my-strategy").payload, generated=True, may_say_now=True), "a", id="our own strategy"
        ),
    ],
)
def test_refuse_unknown_sources(raw, then):
    m = Marbles(a=raw)
    stage = refuse_unknown_sources(["tradingview", "bot"])
    m.expect(m.hot("a").pipe(identify(m.clock), stage), then, show=outcome_letter)


@pytest.mark.parametrize(
    ("stage", "raw", "refusal"),
    [
        (refuse_weak(min_strength=0.5), signal("a", strength=0.2), Refusal(Reason.WEAK, 0.2, 0.5)),
        (refuse_stale(max_age_ms=500), sent(-0.7505), Refusal(Reason.STALE, 750, 500)),
        (refuse_stale(max_age_ms=500, max_ahead_ms=0), sent(2), Refusal(Reason.FROM_FUTURE, 2000, 0)),
        (
            refuse_unknown_sources({"b", "a"}),
            signal("a", source="c"),
            Refusal(Reason.UNKNOWN_SOURCE, "c", "a, b"),
        ),
    ],
    ids=["weak", "stale", "from the future", "unknown source"],
)
def test_a_refusal_tells_what_was_measured_and_the_limit(stage, raw, refusal):
    m = Marbles(a=raw)
    seen = m.record(m.hot("a|").pipe(identify(m.clock), stage))
    m.run()
    assert seen.values[0].refusal == refusal


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: refuse_weak(min_strength=1.5), "min_strength must be within 0 to 1, was 1.5"),
        (lambda: refuse_weak(min_strength=float("nan")), "min_strength must be within 0 to 1, was nan"),
        (lambda: refuse_stale(max_age_ms=0), "max_age_ms must be above 0, was 0"),
        (lambda: refuse_stale(max_age_ms=float("nan")), "max_age_ms must be above 0, was nan"),
        (lambda: refuse_stale(max_age_ms=1, max_ahead_ms=-1), "max_ahead_ms must be at least 0, was -1"),
    ],
)
def test_limits_that_make_no_sense_are_not_taken(make, says):
    with pytest.raises(ValueError, match=says):
        make()
