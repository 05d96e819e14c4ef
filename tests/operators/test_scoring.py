import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import FACTORS, identify, refuse_low_score, refuse_weak, score, weigh
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
    assert scored(raw, weights=weights, max_age_ms=4000) == Score(pytest.approx((1.6 + 0.4 + 0.75) / 4), parts, 4)


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
    assert refusal.rule == "strength"
    assert refusal.measured.startswith("TypeError(")


def one_for_a(signal, at_ns):
    return 1.0 if signal.key == "a" else 0.0


@pytest.mark.parametrize(("key", "value"), [("a", (0.8 * 2 + 1 * 3) / 5), ("b", 0.8 * 2 / 5)])
def test_a_factor_of_ones_own_is_weighted_as_if_it_had_been_among_the_weights(key, value):
    m = Marbles(a=signal(key))
    stages = score(weights={"strength": 2}, max_age_ms=1), weigh(one_for_a, weight=3)
    seen = m.record(m.hot("a|").pipe(identify(m.clock), *stages))
    m.run()
    parts = (("strength", 0.8), ("one_for_a", 1.0 if key == "a" else 0.0))
    assert seen.values[0].score == Score(pytest.approx(value), parts, 5)


def test_a_second_factor_is_weighed_against_all_before_it_and_the_first_needs_none():
    m = Marbles(a=signal("a"))
    stages = weigh(one_for_a, weight=1), weigh(lambda *_: 0.5, weight=3, name="half")
    seen = m.record(m.hot("a|").pipe(identify(m.clock), *stages))
    m.run()
    assert seen.values[0].score == Score(pytest.approx((1 + 1.5) / 4), (("one_for_a", 1.0), ("half", 0.5)), 4)


class Number(float):
    """A number of a type that no encoder knows, such as NumPy's."""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (1.5, "must return a number within 0 to 1, returned 1.5"),
        (-0.1, "returned -0.1"),
        (float("nan"), "returned nan"),
        (float("inf"), "returned inf"),
        (True, "returned True"),
        ("0.5", "returned '0.5'"),
        (None, "returned None"),
    ],
)
def test_a_factor_that_gives_no_share_refuses_its_signal_by_name(answer, says):
    m = Marbles(a=signal("a"))
    seen = m.record(m.hot("a|").pipe(identify(m.clock), weigh(lambda *_: answer, weight=1, name="mine")))
    m.run()
    refusal = seen.values[0].refusal
    assert (refusal.reason, refusal.rule) == (Reason.CHECK_FAILED, "mine")
    assert refusal.measured.endswith(says)


def test_a_factor_of_ones_own_that_raises_refuses_its_signal_by_name():
    def volume(signal, at_ns):
        raise ZeroDivisionError("no volume")

    m = Marbles(a=signal("a"), w=signal("w", strength=0.1))
    stages = refuse_weak(min_strength=0.5), weigh(volume, weight=1)
    seen = m.record(m.hot("aw|").pipe(identify(m.clock), *stages))
    m.expect(seen, "XW|", show=outcome_letter)
    refusal = Refusal(Reason.CHECK_FAILED, measured="ZeroDivisionError('no volume')", rule="volume")
    assert seen.values[0].refusal == refusal


def test_a_number_of_another_type_becomes_a_plain_one():
    m = Marbles(a=signal("a"))
    seen = m.record(m.hot("a|").pipe(identify(m.clock), weigh(lambda *_: Number(0.25), weight=1)))
    m.run()
    assert type(seen.values[0].score.value) is type(seen.values[0].score.parts[0][1]) is float


def test_a_score_that_would_be_no_number_refuses_its_signal(monkeypatch):
    monkeypatch.setitem(FACTORS, "luck", lambda _: lambda *_: float("nan"))
    m = Marbles(a=signal("a"))
    seen = m.record(m.hot("a|").pipe(identify(m.clock), score(weights={"luck": 1}, max_age_ms=1)))
    m.run()
    assert seen.values[0].refusal == Refusal(Reason.CHECK_FAILED, measured="the score would be nan", rule="score")


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
        (lambda: weigh(one_for_a, weight=0), "weight must be above 0 and finite, was 0"),
        (lambda: weigh(one_for_a, weight=float("inf")), "weight must be above 0 and finite, was inf"),
        (lambda: weigh(one_for_a, weight=1, name="a\nb"), "name must be 1 to 100 printable characters"),
        (lambda: refuse_low_score(min_score=-0.1), "min_score must be within 0 to 1, was -0.1"),
    ],
)
def test_settings_that_make_no_sense_are_not_taken(make, says):
    with pytest.raises(ValueError, match=says):
        make()
