import asyncio
from functools import partial

import pytest
from reactivex import Observable, Subject

from operators import Screened, identify, refuse_weak, screen
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Refusal, Score, Verdict
from tidegate.marbles import Marbles, outcome_letter, signal

SIGNAL = Signal(id="1", content=b"", raw=b"", key="a")


def refuse_all(reason):
    return screen(lambda: lambda _signal, _at_ns: Refusal(reason))


def refuse_every_second():
    def fresh_check():
        count = 0

        def check(_signal, _at_ns):
            nonlocal count
            count += 1
            return Refusal(Reason.REPEAT) if count % 2 == 0 else None

        return check

    return screen(fresh_check)


def fail_on(symbol):
    def check_symbol(signal, _at_ns):
        if signal.symbol == symbol:
            raise KeyError(symbol)

    return screen(lambda: check_symbol)


class Apart(Observable):
    """Hides what a source is, so that the stages on both sides of it stay two."""

    def __init__(self, source):
        super().__init__(lambda observer, _: source.subscribe(observer))


@pytest.mark.parametrize("between", [lambda source: source, Apart], ids=["fused", "apart"])
@pytest.mark.parametrize(
    ("first", "second", "then"),
    [
        pytest.param(refuse_weak(min_strength=0.5), fail_on("B/USDT"), "-a-W-X-a|", id="each check has its say"),
        pytest.param(refuse_every_second(), refuse_every_second(), "-a-D-D-D|", id="what is refused is judged no more"),
        pytest.param(fail_on("A/USDT"), refuse_all(Reason.WEAK), "-X-W-W-X|", id="the first refusal stands"),
    ],
)
def test_stages_judge_alike_fused_and_apart(between, first, second, then):
    m = Marbles(a=signal("a"), b=signal("b"), w=signal("w", strength=0.2))
    m.expect(m.hot("-a-w-b-a|").pipe(identify(m.clock), first, between, second), then, show=outcome_letter)


def test_neighbours_are_one_stage_and_others_are_not():
    source, weak = Subject(), refuse_weak(min_strength=0.5)
    fused = source.pipe(weak, weak, weak)
    assert type(fused) is Screened
    assert fused.source is source
    assert len(fused.screens) == 3
    assert type(source.pipe(weak, Apart, weak).source) is Apart


def test_fusing_leaves_the_first_stage_as_it_was():
    m = Marbles(a=signal("a"))
    first = m.hot("-a-a|").pipe(identify(m.clock), refuse_every_second())
    both = m.record(first.pipe(refuse_all(Reason.WEAK)))
    m.expect(first, "-a-D|", show=outcome_letter)
    m.expect(both, "-W-D|", show=outcome_letter)


def test_a_check_that_raises_refuses_its_signal_and_is_named():
    m = Marbles(a=signal("a"), b=signal("b"))
    seen = m.record(m.hot("-a-b|").pipe(identify(m.clock), fail_on("A/USDT")))
    m.expect(seen, "-X-b|", show=outcome_letter)
    assert seen.values[0].refusal == Refusal(Reason.CHECK_FAILED, measured="KeyError('A/USDT')", rule="check_symbol")


def test_what_a_subscriber_raises_is_not_blamed_on_a_check():
    source, seen = Subject(), []

    def subscriber(verdict):
        seen.append(verdict.refusal)
        raise RuntimeError("mine")

    source.pipe(refuse_weak(min_strength=0)).subscribe(subscriber)
    with pytest.raises(RuntimeError, match="mine"):
        source.on_next(Verdict(SIGNAL, 1))
    assert seen == [None]


def test_a_refused_verdict_keeps_everything_else():
    source, seen = Subject(), []
    source.pipe(refuse_all(Reason.WEAK)).subscribe(seen.append)
    score, reply = Score(0.5), print
    source.on_next(Verdict(SIGNAL, 7, score, None, reply))
    assert seen == [Verdict(SIGNAL, 7, score, Refusal(Reason.WEAK), reply)]


def test_what_was_refused_before_passes_untouched():
    source, seen = Subject(), []
    source.pipe(refuse_all(Reason.WEAK)).subscribe(seen.append)
    refused = Verdict(SIGNAL, 7, refusal=Refusal(Reason.STALE))
    source.on_next(refused)
    assert seen[0] is refused


def test_two_subscribers_have_checks_of_their_own():
    m = Marbles(a=signal("a"))
    judged = m.hot("-a-a|").pipe(identify(m.clock), refuse_every_second())
    first = m.record(judged)
    m.expect(judged, "-a-D|", show=outcome_letter)
    m.expect(first, "-a-D|", show=outcome_letter)


def test_errors_pass_through():
    m = Marbles(a=signal("a"))
    m.expect(m.hot("-a-#").pipe(identify(m.clock), refuse_every_second()), "-a-#", show=outcome_letter)


class Unutterable(Exception):
    def __init__(self, text: str | None) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text  # None makes `repr` itself raise


@pytest.mark.parametrize(("text", "written"), [("f\udcfcr", r"f\xfcr"), (None, "Unutterable, which cannot say what")])
def test_a_check_that_raises_what_cannot_be_written_refuses_its_signal_in_words_that_can(text, written):
    def check(_signal, _at_ns):
        raise Unutterable(text)

    seen: list[Verdict] = []
    verdicts: Subject[Verdict] = Subject()
    verdicts.pipe(screen(lambda: check)).subscribe(seen.append)
    verdicts.on_next(Verdict(SIGNAL, 0))
    assert seen[0].refusal.measured.endswith(written)
    assert seen[0].refusal.measured.encode()


def judged(check, **options):
    seen: list[Verdict] = []
    verdicts: Subject[Verdict] = Subject()
    verdicts.pipe(screen(check, **options)).subscribe(seen.append)
    verdicts.on_next(Verdict(SIGNAL, 0))
    return seen[0].refusal


def answering(answer):
    def unsure(_signal, _at_ns):
        return answer

    return unsure


def test_a_pure_check_needs_no_factory():
    def unsure(signal, at_ns):
        return Refusal(Reason.RULE, rule="mine:unsure", measured=0.4, limit=0.6)

    assert judged(unsure) == Refusal(Reason.RULE, measured=0.4, limit=0.6, rule="mine:unsure")


def test_a_rule_without_a_name_has_that_of_its_check():
    assert judged(answering(Refusal(Reason.RULE))).rule == "unsure"
    assert judged(answering(Refusal(Reason.RULE)), name="mine:unsure").rule == "mine:unsure"


def test_a_check_that_answers_what_cannot_be_recorded_refuses_its_signal_by_name():
    wrong = "must return a Refusal or None, returned True"
    assert judged(answering(True)) == Refusal(Reason.CHECK_FAILED, measured=wrong, rule="unsure")


def test_a_check_that_raises_cancelled_error_refuses_its_signal_by_name():
    def unsure(_signal, _at_ns):
        raise asyncio.CancelledError

    assert judged(unsure) == Refusal(Reason.CHECK_FAILED, measured="CancelledError()", rule="unsure")


class Bound:
    def unsure(self, signal, at_ns):
        return Refusal(Reason.RULE)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        pytest.param(Bound().unsure, "Bound.unsure", id="a method"),
        pytest.param(partial(Bound.unsure, None), "Bound.unsure", id="a partial"),
        pytest.param(lambda: answering(Refusal(Reason.RULE)), "unsure", id="a check that is made"),
    ],
)
def test_a_check_is_named_after_its_function(check, name):
    assert judged(check).rule == name


async def later(signal, at_ns): ...


@pytest.mark.parametrize(
    ("check", "error", "says"),
    [
        (later, TypeError, "later is async, and a check must answer at once"),
        (lambda signal: None, TypeError, r"must take \(signal, at_ns\), or nothing where it makes a check"),
        (Refusal(Reason.WEAK), TypeError, r"a check must be a function \(signal, at_ns\), was Refusal"),
    ],
)
def test_what_is_no_check_is_an_error_where_it_is_composed(check, error, says):
    with pytest.raises(error, match=says):
        screen(check)


@pytest.mark.parametrize("name", ["", "a\nb", "\udcfc", "x" * 101, 7])
def test_a_name_that_cannot_be_recorded_is_an_error_where_it_is_composed(name):
    with pytest.raises(ValueError, match="name must be 1 to 100 printable characters"):
        screen(answering(None), name=name)
