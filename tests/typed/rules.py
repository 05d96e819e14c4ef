"""What mypy has to say of rules: this file is checked, never run. An unused `type: ignore` is an error of its own."""

from reactivex import Observable, compose
from reactivex import operators as ops

from operators import Rules, guarded, guarded_rules, identify, refuse_weak, screen, weigh
from operators.notebook import AcceptedVerdict, RefusedVerdict, only_accepted, only_refused
from operators.screen import Stage
from streams.broadcast import Broadcast
from tidegate.clock import Clock
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Signal
from tidegate.domain.verdict import Refusal, Verdict


def unsure(signal: Signal, at_ns: int) -> Refusal | None:
    return Refusal(Reason.RULE, rule="mine:unsure", measured=signal.confidence, limit=0.5)


def luck(signal: Signal, at_ns: int) -> float:
    return signal.strength


def mine(source: Observable[Verdict]) -> Observable[Verdict]:
    return source


stages: list[Stage] = [
    refuse_weak(min_strength=0.5),
    screen(unsure),
    screen(lambda: unsure),
    weigh(luck, weight=1),
    mine,
]
rules: Rules = lambda default: compose(default, screen(unsure), guarded(mine))  # noqa: E731
guarded_rules(rules, stages[0])

splits: list[Stage] = [
    only_accepted(),  # type: ignore[list-item]
    only_refused(),  # type: ignore[list-item]
]
no_rules: Rules = lambda default: compose(default, only_accepted())  # type: ignore[arg-type] # noqa: E731
guarded(only_accepted())  # type: ignore[arg-type]


def id_of(verdict: AcceptedVerdict) -> str:
    return verdict.signal.id


def reason_of(verdict: RefusedVerdict) -> Reason:
    return verdict.refusal.reason


def at_the_end_of_a_pipe(raws: Observable[Raw], dicts: Observable[dict[str, object]], clock: Clock) -> None:
    """A split belongs here, and dicts are signals."""
    raws.pipe(identify(clock), only_accepted(), ops.map(id_of))
    dicts.pipe(identify(clock), only_refused(), ops.map(reason_of))


def subscribers(numbers: Broadcast[int]) -> None:
    """A guarded stream is an Observable like any other, whose subscribers may have a name."""
    numbers.stream.subscribe(print, name="printer")
    numbers.stream.pipe(ops.map(str)).subscribe(print)
    Observable[int]().subscribe(numbers)
