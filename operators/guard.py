"""Rules of the user's own, held to what a stage promises: one verdict in, exactly one out, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import getclosurevars
from types import FunctionType
from typing import TypeAlias

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable, SerialDisposable

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from operators.notebook.split import Split
from operators.screen import Screen, Stage, name_of
from tidegate.domain.reasons import Reason
from tidegate.domain.soundness import rule_name, score_fault, sound_refusal
from tidegate.domain.text import words_of
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["Rules", "guarded", "guarded_rules"]

Rules: TypeAlias = Callable[[Stage], Stage]
"""The rules of one's own: takes the default ones, and gives those that are to hold."""


def guarded(stage: Stage, *, name: str | None = None) -> Stage:
    """Hold a stage to its promise: exactly one verdict for each verdict, of the same signal, at once.

        -a--b--c--d-|       the stage swallows b and raises for c
        -a--X--X--d-|       both are refused: check_failed

    A verdict that the stage swallows, doubles, answers with that of another signal or with one that cannot be recorded,
    or for which it raises, errors or completes, is refused at that place: `check_failed`, with `name`, by default the
    function's, and what was wrong. Other verdicts are not affected; a stage that raised or ended begins again with the
    next one, without what it remembered. A stage that answers later, such as one with a `delay`, is no rule: its
    verdicts are refused, and its late answers dropped.

    Only the score and the refusal of an answer count; what was refused before stays refused as it was.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          the stage's.

    Raises:
        TypeError: `stage` is a split, such as `only_accepted()`, or no function of a stream; or, when it is applied to
            a stream, raises or gives no Observable.
        ValueError: `name` is not 1 to 100 printable characters.
    """
    if isinstance(stage, Split):
        raise TypeError(
            f"{stage.name}() drops verdicts, and what a rule drops would never be recorded: leave it out of the rules; "
            f"a rule refuses with `screen(check)`"
        )
    if isinstance(stage, Observable) or not callable(stage):
        raise TypeError(f"a rule must be a stage, such as `screen(check)`, was {stage!r}")
    called = rule_name(name_of(stage) if name is None else name)

    def guard(source: Observable[Verdict]) -> Observable[Verdict]:
        _try(stage, called)

        def subscribe(on_chunk: OnChunk[Verdict], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            running = _Running(stage, called)
            judge = running.judge
            upstream = subscribe_chunks(
                source, lambda chunk: on_chunk([judge(verdict) for verdict in chunk]), on_error, on_completed
            )
            return CompositeDisposable(upstream, Disposable(running.stop))

        return Chunked(subscribe)

    return guard


def guarded_rules(rules: Rules, default: Stage) -> Stage:
    """Compose `rules(default)`, with each stage guarded but `default` and those that `screen` made.

        -a--b--c--d-|       rules=lambda default: compose(default, screen(refuse_unsure), my_stage)
        -a--R--X--d-|       b is unsure, my_stage swallows c

    The stages of `reactivex.compose` are guarded one by one, so that a refusal names the one that was wrong.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          the stages'.

    Raises:
        TypeError: `rules(default)` is no stage, or one of its parts is a split, such as `only_accepted()`.
    """
    own = rules(default)
    if not callable(own) or isinstance(own, Observable):
        raise TypeError(f"rules must give a stage, such as compose(default, screen(check)), gave {own!r}")
    stages = [part if part is default or isinstance(part, Screen) else guarded(part) for part in _parts(own, default)]

    def composed(source: Observable[Verdict]) -> Observable[Verdict]:
        for stage in stages:
            source = stage(source)
        return source

    return composed


class _Input(Observable[Verdict]):
    """What a guarded stage subscribes to, once or more often."""

    def __init__(self) -> None:
        super().__init__()
        self.observers: tuple[abc.ObserverBase[Verdict], ...] = ()

    def _subscribe_core(
        self, observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        def remove() -> None:
            self.observers = tuple(other for other in self.observers if other is not observer)

        self.observers = (*self.observers, observer)
        return Disposable(remove)


class _Running:
    """One subscription of a guarded stage. Memory: the stage's, and the answers to one verdict."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name
        self._subscription = SerialDisposable()
        self._input = _Input()
        self._answers: list[Verdict] | None = None
        self._ended: str | None = None
        self._begin()

    def judge(self, verdict: Verdict) -> Verdict:
        """What the stage answers, or the verdict refused where it answers wrongly. Never raises."""
        if self._ended is not None:
            self._begin()
        before, self._answers = self._answers, []
        try:
            for observer in self._input.observers:
                observer.on_next(verdict)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # CancelledError too: that of a future is no cancellation of ours
            self._end(_raised(error))
        finally:
            answers, self._answers = self._answers, before
        if verdict.refusal is not None:
            return verdict  # a refusal is final
        if self._ended is None and len(answers) == 1 and answers[0] is verdict:
            return verdict
        return self._checked(verdict, answers)

    def stop(self) -> None:
        """Unsubscribe from the stage."""
        self._subscription.dispose()

    def _begin(self) -> None:
        """Subscribe to the stage, with an input of its own; an earlier subscription is disposed."""
        self._ended = None
        self._input = _Input()
        self._subscription.disposable = Disposable()
        try:
            self._subscription.disposable = self._stage(self._input).subscribe(
                self._take, lambda error: self._end(_raised(error)), lambda: self._end("completed")
            )
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._end(_raised(error))

    def _take(self, answer: Verdict) -> None:
        if self._answers is not None:
            self._answers.append(answer)

    def _end(self, what: str) -> None:
        self._ended = self._ended or what

    def _checked(self, verdict: Verdict, answers: list[Verdict]) -> Verdict:
        wrong = self._wrong(verdict, answers)
        if wrong is not None:
            return _refused(verdict, Refusal(Reason.CHECK_FAILED, measured=wrong, rule=self._name))
        answer = answers[0]
        refusal = sound_refusal(answer.refusal, self._name)
        return Verdict(verdict.signal, verdict.at_ns, answer.score, refusal, verdict.reply, verdict.received_ns)

    def _wrong(self, verdict: Verdict, answers: list[Verdict]) -> str | None:
        if self._ended is not None:
            return self._ended
        if not answers:
            return "gave no verdict: a rule answers each verdict, and at once"
        if len(answers) > 1:
            return f"gave {len(answers)} verdicts for one"
        answer: object = answers[0]
        if not isinstance(answer, Verdict):
            return f"gave a {type(answer).__name__} in place of a verdict"
        if answer.signal is not verdict.signal:
            return "gave the verdict of another signal: a rule changes only its score and refusal"
        return score_fault(answer.score)


def _try(stage: Stage, name: str) -> None:
    """Apply a stage to a stream on which nothing happens."""
    try:
        output: object = stage(_Input())
    except Exception as error:
        raise TypeError(f"{name} cannot be composed: {type(error).__name__}: {words_of(error)}") from error
    if not isinstance(output, Observable):
        raise TypeError(f"{name} must give an Observable of verdicts, gave {output!r}")


def _raised(error: BaseException) -> str:
    return f"raised {type(error).__name__}: {words_of(error)}"


def _refused(verdict: Verdict, refusal: Refusal) -> Verdict:
    return Verdict(verdict.signal, verdict.at_ns, verdict.score, refusal, verdict.reply, verdict.received_ns)


def _parts(stage: Stage, default: Stage) -> Iterator[Stage]:
    """The stages that `reactivex.compose` made one of, in order; any other function is one by itself."""
    composed = () if stage is default else _composed(stage)
    if not composed:
        yield stage
    for part in composed:
        yield from _parts(part, default)


def _composed(stage: Stage) -> tuple[Stage, ...]:
    if not isinstance(stage, FunctionType) or stage.__module__ != "reactivex.pipe":
        return ()
    operators: tuple[Stage, ...] = getclosurevars(stage).nonlocals.get("operators", ())
    return operators
