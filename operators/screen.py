"""Checks, lifted to a stage. Neighbouring stages become one by themselves, and only this file knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from reactivex import Observable, abc

from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.text import words_of
from tidegate.domain.verdict import Check, Refusal, Verdict

__all__ = ["Screened", "Stage", "refuse_failed_check", "screen"]

Stage: TypeAlias = Callable[[Observable[Verdict]], Observable[Verdict]]
"""An operator that takes and gives exactly one verdict per verdict."""


class Screened(Observable[Verdict]):
    """A source and the checks its verdicts are put to, in order, in one stage."""

    def __init__(self, source: Observable[Verdict], fresh_checks: tuple[Callable[[], Check], ...]) -> None:
        super().__init__()
        self.source, self.fresh_checks = source, fresh_checks

    def _subscribe_core(
        self, observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        checks = [fresh_check() for fresh_check in self.fresh_checks]  # state is born here
        emit = observer.on_next

        def judge(verdict: Verdict) -> None:
            if verdict.refusal is None:
                refusal = first_refusal(verdict.signal, verdict.at_ns)
                if refusal is not None:
                    verdict = Verdict(verdict.signal, verdict.at_ns, verdict.score, refusal, verdict.reply)
            emit(verdict)

        def first_refusal(signal: Signal, at_ns: int) -> Refusal | None:
            for check in checks:
                try:
                    refusal = check(signal, at_ns)
                except Exception as error:
                    return refuse_failed_check(_name_of(check), error)
                if refusal is not None:
                    return refusal
            return None

        return self.source.subscribe(judge, observer.on_error, observer.on_completed)


def screen(fresh_check: Callable[[], Check]) -> Stage:
    """Put each verdict that is not refused to a check, and refuse it when the check says so.

        -a--w--b-|          the check refuses w
        -a--W--b-|

    `fresh_check` makes the check, once for each subscription: what the check remembers is its own. A check that raises
    refuses the signal it was given: `check_failed`, measured is its name and the error. Stages that follow each other
    directly are one stage, whose checks come in order up to the first refusal.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors, or `fresh_check` does.
    Memory:          the check's.
    """

    def stage(source: Observable[Verdict]) -> Observable[Verdict]:
        if type(source) is Screened:  # a neighbour: one stage instead of two
            return Screened(source.source, (*source.fresh_checks, fresh_check))
        return Screened(source, (fresh_check,))

    return stage


def refuse_failed_check(name: str, error: Exception) -> Refusal:
    """The refusal of a signal whose check raised: which check, and what it raised."""
    return Refusal(Reason.CHECK_FAILED, measured=f"{name}: {words_of(error, repr)}")


def _name_of(check: Check) -> str:
    """What the check is called in the pipe: the operator around it, when it is inside of one."""
    name: str = getattr(check, "__qualname__", type(check).__qualname__)
    return name.partition(".")[0]
