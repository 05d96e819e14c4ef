"""A stage of the user's own that swallows, doubles, invents, raises or ends is caught at that verdict."""

import asyncio

import pytest
import reactivex as rx
from msgspec.structs import replace
from reactivex import Observable, Subject, compose
from reactivex import operators as ops

from operators import Screened, guarded, guarded_rules, identify, refuse_weak, score, screen, weigh
from operators.notebook import only_accepted, only_refused
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Refusal, Score, Verdict
from tidegate.marbles import Marbles, outcome_letter, signal

SIGNAL = Signal(id="1", content=b"", raw=b"", key="a")
OTHER = Signal(id="2", content=b"", raw=b"", key="b")


def when_bad(then):
    """A stage that does something else for signals of the key b."""

    def my_stage(source):
        def subscribe(observer, scheduler=None):
            def receive(verdict):
                if verdict.signal.key == "b":
                    then(observer, verdict)
                else:
                    observer.on_next(verdict)

            return source.subscribe(receive, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return my_stage


def raise_(error):
    raise error


def twice(observer, verdict):
    observer.on_next(verdict)
    observer.on_next(verdict)


BAD = [
    pytest.param(when_bad(lambda o, v: None), "gave no verdict: a rule answers each", id="swallows"),
    pytest.param(when_bad(twice), "gave 2 verdicts for one", id="doubles"),
    pytest.param(
        when_bad(lambda o, v: o.on_next(Verdict(SIGNAL, 0))), "gave the verdict of another signal", id="invents"
    ),
    pytest.param(
        when_bad(lambda o, v: o.on_next(replace(v, signal=replace(v.signal, strength=1.0)))),
        "gave the verdict of another signal",
        id="changes the signal",
    ),
    pytest.param(when_bad(lambda o, v: o.on_next(v.signal)), "gave a Signal in place of a verdict", id="no verdict"),
    pytest.param(when_bad(lambda o, v: o.on_next(None)), "gave a NoneType in place of a verdict", id="nothing"),
    pytest.param(when_bad(lambda o, v: raise_(KeyError("x"))), "raised KeyError: 'x'", id="raises"),
    pytest.param(
        when_bad(lambda o, v: raise_(asyncio.CancelledError())), "raised CancelledError: ", id="raises a cancellation"
    ),
    pytest.param(
        when_bad(lambda o, v: (o.on_next(v), raise_(KeyError("x")))), "raised KeyError: 'x'", id="raises after it"
    ),
    pytest.param(
        ops.map(lambda v: raise_(ValueError("y")) if v.signal.key == "b" else v),
        "raised ValueError: y",
        id="map raises",
    ),
    pytest.param(when_bad(lambda o, v: o.on_error(ValueError("z"))), "raised ValueError: z", id="errors"),
    pytest.param(when_bad(lambda o, v: o.on_completed()), "completed", id="completes"),
    pytest.param(ops.filter(lambda v: v.signal.key != "b"), "gave no verdict", id="filters"),
    pytest.param(ops.flat_map(lambda v: rx.of(*[v] * (1 + (v.signal.key == "b")))), "gave 2 verdicts", id="flat map"),
    pytest.param(
        when_bad(lambda o, v: o.on_next(replace(v, refusal=Refusal("made up")))),
        "the reason must be one of Reason, such as Reason.RULE, was 'made up'",
        id="makes up a reason",
    ),
    pytest.param(
        when_bad(lambda o, v: o.on_next(replace(v, score=Score(float("nan"))))),
        "its score must be a number within 0 to 1, was nan",
        id="a score that is none",
    ),
]


@pytest.mark.parametrize(("stage", "says"), BAD)
def test_a_stage_is_caught_at_the_verdict_it_fails_and_the_others_are_not_affected(stage, says):
    m = Marbles(a=signal("a"), b=signal("b", key="b"), c=signal("c"))
    seen = m.record(m.hot("-a-b-c-b-a|").pipe(identify(m.clock), guarded(stage, name="mine")))
    m.expect(seen, "-a-X-c-X-a|", show=outcome_letter)
    refused = [verdict for verdict in seen.values if verdict.refusal]
    assert all(verdict.refusal.rule == "mine" and verdict.refusal.measured.startswith(says) for verdict in refused)
    assert {verdict.signal.key for verdict in refused} == {"b"}


@pytest.mark.parametrize("how", [lambda v: v, lambda v: raise_(OSError()), None], ids=["passes", "raises", "swallows"])
def test_a_refusal_is_final_and_is_not_blamed_on_a_later_stage(how):
    stage = ops.filter(lambda v: False) if how is None else ops.map(how)
    m = Marbles(w=signal("w", strength=0.1))
    m.expect(
        m.hot("-w-w|").pipe(identify(m.clock), refuse_weak(min_strength=0.5), guarded(stage)),
        "-W-W|",
        show=outcome_letter,
    )


def lifting(source):
    return source.pipe(ops.map(lambda verdict: replace(verdict, refusal=None)))


def test_a_stage_cannot_lift_a_refusal():
    m = Marbles(w=signal("w", strength=0.1))
    judged = m.hot("-w|").pipe(identify(m.clock), refuse_weak(min_strength=0.5), guarded(lifting))
    m.expect(judged, "-W|", show=outcome_letter)


def test_only_the_score_and_the_refusal_of_an_answer_count():
    def mine(source):
        return source.pipe(ops.map(lambda v: Verdict(v.signal, 0, Score(0.3), Refusal(Reason.RULE))))

    source, seen = Subject(), []
    source.pipe(guarded(mine)).subscribe(seen.append)
    source.on_next(Verdict(SIGNAL, 7, Score(0.5), None, print, 9))
    assert seen == [Verdict(SIGNAL, 7, Score(0.3), Refusal(Reason.RULE, rule="mine"), print, 9)]


def test_a_verdict_that_a_stage_leaves_as_it_is_stays_the_same_object():
    source, seen = Subject(), []
    source.pipe(guarded(lambda source: source)).subscribe(seen.append)
    verdict = Verdict(SIGNAL, 7)
    source.on_next(verdict)
    assert seen[0] is verdict


def test_a_stage_that_answers_later_is_no_rule_and_its_late_answers_are_dropped():
    m = Marbles(a=signal("a"), b=signal("b"))
    late = guarded(ops.delay(2, scheduler=m.clock), name="late")
    seen = m.record(m.hot("-a-b----|").pipe(identify(m.clock), late))
    m.expect(seen, "-X-X----|", show=outcome_letter)
    assert seen.values[0].refusal.measured == "gave no verdict: a rule answers each verdict, and at once"


def test_a_stage_that_holds_verdicts_back_does_not_give_them_for_others():
    m = Marbles(a=signal("a"), b=signal("b"))
    one_behind = guarded(compose(ops.pairwise(), ops.map(lambda pair: pair[0])))
    m.expect(m.hot("-a-b-a|").pipe(identify(m.clock), one_behind), "-X-X-X|", show=outcome_letter)


def test_a_stage_that_ends_begins_again_with_a_memory_of_its_own():
    seen = []

    def two_then_end(source):
        return source.pipe(ops.take(3))

    m = Marbles(a=signal("a"))
    m.expect(
        m.hot("-a-a-a-a-a-a|").pipe(identify(m.clock), guarded(two_then_end)), "-a-a-X-a-a-X|", show=outcome_letter
    )
    assert seen == []


def test_a_stage_that_began_again_is_not_answered_for_by_what_it_was_before():
    inputs = []

    def remembering(source):
        """Errors for b, and passes what comes on to everything that it ever was."""

        def subscribe(observer, scheduler=None):
            inputs.append(observer)

            def receive(verdict):
                if verdict.signal.key == "b":
                    observer.on_error(ValueError("b"))
                for each in inputs:
                    each.on_next(verdict)

            return source.subscribe(receive)

        return Observable(subscribe)

    m = Marbles(a=signal("a"), b=signal("b", key="b"))
    m.expect(m.hot("-a-b-a|").pipe(identify(m.clock), guarded(remembering)), "-a-X-a|", show=outcome_letter)
    assert len(inputs) == 2


def test_two_subscribers_have_stages_of_their_own():
    def first_only(source):
        passed = []

        def judge(verdict):
            passed.append(verdict)
            return verdict if len(passed) == 1 else replace(verdict, refusal=Refusal(Reason.REPEAT))

        return source.pipe(ops.map(judge))

    m = Marbles(a=signal("a"))
    judged = m.hot("-a-a|").pipe(identify(m.clock), guarded(first_only))
    first = m.record(judged)
    m.expect(judged, "-a-D|", show=outcome_letter)
    m.expect(first, "-a-D|", show=outcome_letter)


def test_what_a_subscriber_raises_is_not_blamed_on_the_stage():
    source, seen = Subject(), []

    def subscriber(verdict):
        seen.append(verdict.refusal)
        raise RuntimeError("mine")

    source.pipe(guarded(lambda source: source)).subscribe(subscriber)
    with pytest.raises(RuntimeError, match="mine"):
        source.on_next(Verdict(SIGNAL, 1))
    assert seen == [None]


def test_errors_and_the_end_of_upstream_pass_and_unsubscribing_reaches_the_stage():
    m = Marbles(a=signal("a"))
    m.expect(m.hot("-a-#").pipe(identify(m.clock), guarded(refuse_weak(min_strength=0))), "-a-#", show=outcome_letter)
    ended = []
    source = Subject()
    source.pipe(guarded(lambda source: source.pipe(ops.finally_action(lambda: ended.append(1))))).subscribe().dispose()
    assert ended == [1]


def broken(source):
    raise NameError("undefined")


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        (only_accepted(), r"only_accepted\(\) drops verdicts, .* leave it out of the rules"),
        (only_refused(), r"only_refused\(\) drops verdicts"),
        (None, r"a rule must be a stage, such as `screen\(check\)`, was None"),
        (Subject(), "a rule must be a stage"),
        (broken, "broken cannot be composed: NameError: undefined"),
        (lambda source: None, "must give an Observable of verdicts, gave None"),
    ],
)
def test_what_is_no_stage_is_an_error_where_it_is_composed(stage, says):
    with pytest.raises(TypeError, match=says):
        Subject().pipe(guarded(stage))


def unsure(signal, at_ns):
    return Refusal(Reason.RULE, rule="mine:unsure") if signal.key == "u" else None


def swallow_b(source):
    return source.pipe(ops.filter(lambda verdict: verdict.signal.key != "b"))


def double_c(source):
    return source.pipe(ops.flat_map(lambda verdict: rx.of(*[verdict] * (1 + (verdict.signal.key == "c")))))


def test_the_stages_of_a_composition_are_guarded_one_by_one_and_named():
    default = compose(refuse_weak(min_strength=0.5), score(weights={"strength": 1}, max_age_ms=5000))
    rules = guarded_rules(
        lambda default: compose(
            default, compose(screen(unsure), swallow_b), double_c, weigh(lambda *_: 1.0, weight=1, name="luck")
        ),
        default,
    )
    m = Marbles(a=signal("a"), b=signal("b", key="b"), c=signal("c", key="c"), u=signal("u", key="u"))
    seen = m.record(m.hot("abcua|").pipe(identify(m.clock), rules))
    m.expect(seen, "aXXRa|", show=outcome_letter)
    assert [verdict.refusal and verdict.refusal.rule for verdict in seen.values] == [
        None, "swallow_b", "double_c", "mine:unsure", None,
    ]  # fmt: skip
    assert seen.values[0].score == Score(0.9, (("strength", 0.8), ("luck", 1.0)), 2.0)


def test_a_composition_that_cannot_be_seen_through_is_guarded_as_a_whole():
    default = refuse_weak(min_strength=0.5)
    rules = guarded_rules(lambda default: lambda source: swallow_b(default(source)), default)
    m = Marbles(a=signal("a"), b=signal("b", key="b"), w=signal("w", strength=0.1))
    m.expect(m.hot("-abw|").pipe(identify(m.clock), rules), "-aXW|", show=outcome_letter)


def test_the_default_rules_and_screens_are_left_as_fast_as_they_are():
    default = refuse_weak(min_strength=0.5)
    source = Subject()
    judged = guarded_rules(lambda default: compose(default, screen(unsure)), default)(source)
    assert type(judged) is Screened
    assert judged.source is source


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (lambda default: compose(default, only_accepted()), r"only_accepted\(\) drops verdicts"),
        (lambda default: only_accepted(), r"only_accepted\(\) drops verdicts"),
        (lambda default: None, r"rules must give a stage, such as compose\(default, screen\(check\)\), gave None"),
    ],
)
def test_rules_that_are_none_are_an_error_where_they_are_composed(rules, says):
    with pytest.raises(TypeError, match=says):
        guarded_rules(rules, refuse_weak(min_strength=0.5))


def test_an_operator_of_reactivex_among_the_rules_is_named():
    default = refuse_weak(min_strength=0.5)
    m = Marbles(a=signal("a"))
    rules = guarded_rules(lambda default: compose(default, ops.filter(lambda verdict: False)), default)
    seen = m.record(m.hot("a|").pipe(identify(m.clock), rules))
    m.run()
    assert seen.values[0].refusal.rule == "filter"
