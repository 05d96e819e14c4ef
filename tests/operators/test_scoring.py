import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import identify, refuse_low_score, refuse_weak, score
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Refusal, Score, Verdict
from tidegate.marbles import Marbles, outcome_letter, signal

NEW_YEAR_MS = 1_735_689_600_000
EQUAL = {"strength": 1, "confidence": 1, "freshness": 1}
fractions = st.floats(0, 1)


def scored(raw, **settings):
    m = Marbles(a=raw)
    seen = m.record(m.hot("--a|").pipe(identify(m.clock), score(**settings)))
    m.run()
    return seen.values[0].score


def test_a_score_is_the_weighted_mean_of_its_parts():
    raw = signal("a", strength=0.8, confidence=0.4, timestamp=NEW_YEAR_MS + 1000)  # one second old on arrival
    weights = {"strength": 2, "confidence": 1, "freshness": 1}
    parts = (("strength", 0.8), ("confidence", 0.4), ("freshness", 0.75))
    assert scored(raw, weights=weights, max_age_ms=4000) == Score(pytest.approx((1.6 + 0.4 + 0.75) / 4), parts)


@pytest.mark.parametrize(
    ("sent_s", "freshness"),
    [
        pytest.param(2, 1, id="made just now"),
        pytest.param(1, 0.5, id="half as old as it may be"),
        pytest.param(-3, 0, id="older than it may be"),
        pytest.param(5, 1, id="from the future"),
    ],
)
def test_freshness_is_what_is_left_of_the_age_allowed(sent_s, freshness):
    raw = signal("a", timestamp=NEW_YEAR_MS + sent_s * 1000)
    assert scored(raw, weights={"freshness": 3}, max_age_ms=2000).value == freshness


def test_a_factor_of_weight_0_has_no_part():
    assert scored(signal("a"), weights={"strength": 1, "freshness": 0}, max_age_ms=1).parts == (("strength", 0.8),)


@given(fractions, fractions, st.integers(-10_000, 10_000), st.tuples(*[st.floats(1e-6, 1e6)] * 3))
def test_a_score_is_within_0_to_1(strength, confidence, age_ms, weights):
    a = Signal(id="a", content=b"", raw=b"", strength=strength, confidence=confidence, timestamp_ns=0)
    m = Marbles(a=Verdict(a, age_ms * 1_000_000))
    seen = m.record(m.hot("a|").pipe(score(weights=dict(zip(EQUAL, weights, strict=True)), max_age_ms=5000)))
    m.run()
    assert 0 <= seen.values[0].score.value <= 1


def test_a_score_changes_nothing_else():
    signal_a = Signal(id="a", content=b"", raw=b"", strength=0.5)
    m = Marbles(a=Verdict(signal_a, 7, reply=print))
    seen = m.record(m.hot("a|").pipe(score(weights={"strength": 1}, max_age_ms=1)))
    m.run()
    assert seen.values == [Verdict(signal_a, 7, Score(0.5, (("strength", 0.5),)), None, print)]


def test_a_refused_verdict_is_not_scored():
    m = Marbles(w=signal("w", strength=0.2))
    stages = refuse_weak(min_strength=0.5), score(weights=EQUAL, max_age_ms=5000), refuse_low_score(min_score=0.5)
    seen = m.record(m.hot("-w-|").pipe(identify(m.clock), *stages))
    m.expect(seen, "-W-|", show=outcome_letter)
    assert seen.values[0].score is None


def test_a_factor_that_raises_refuses_its_signal_and_is_named():
    broken = Signal(id="a", content=b"", raw=b"", strength=None)
    m = Marbles(a=Verdict(broken, 7), b=Verdict(Signal(id="b", content=b"", raw=b"", key="b"), 8))
    seen = m.record(m.hot("-ab|").pipe(score(weights=EQUAL, max_age_ms=5000)))
    m.expect(seen, "-Xb|", show=outcome_letter)
    refusal = seen.values[0].refusal
    assert refusal.reason is Reason.CHECK_FAILED
    assert refusal.measured.startswith("strength: TypeError(")


@pytest.mark.parametrize(
    ("given_score", "refusal"),
    [
        pytest.param(Score(0.6), None, id="more than the limit"),
        pytest.param(Score(0.5), None, id="the limit itself"),
        pytest.param(Score(0.4), Refusal(Reason.SCORE_TOO_LOW, 0.4, 0.5), id="less than the limit"),
        pytest.param(None, Refusal(Reason.SCORE_TOO_LOW, "not scored", 0.5), id="no score at all"),
    ],
)
def test_refuse_low_score(given_score, refusal):
    judged = Verdict(Signal(id="a", content=b"", raw=b""), 7, given_score, None, print)
    m = Marbles(a=judged)
    seen = m.record(m.hot("a|").pipe(refuse_low_score(min_score=0.5)))
    m.run()
    assert seen.values == [Verdict(judged.signal, 7, given_score, refusal, print)]


def test_a_score_that_is_not_a_number_is_too_low():
    m = Marbles(a=Verdict(Signal(id="a", content=b"", raw=b""), 7, Score(float("nan"))))
    m.expect(m.hot("a|").pipe(refuse_low_score(min_score=0)), "L|", show=outcome_letter)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: score(weights={"luck": 1, "strength": 1}, max_age_ms=1),
            "weights must name factors among confidence, freshness, strength, was luck",
        ),
        (lambda: score(weights={}, max_age_ms=1), "one of them above, was {}"),
        (lambda: score(weights={"strength": 0}, max_age_ms=1), "one of them above"),
        (lambda: score(weights={"strength": 2, "freshness": -1}, max_age_ms=1), "weights must be at least 0"),
        (lambda: score(weights={"strength": float("nan")}, max_age_ms=1), "weights must be at least 0"),
        (lambda: score(weights=EQUAL, max_age_ms=0), "max_age_ms must be above 0, was 0"),
        (lambda: refuse_low_score(min_score=-0.1), "min_score must be within 0 to 1, was -0.1"),
    ],
)
def test_settings_that_make_no_sense_are_not_taken(make, says):
    with pytest.raises(ValueError, match=says):
        make()
