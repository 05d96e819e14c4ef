"""Checks, lifted to a stage. Neighbouring stages fuse into one, and only this file knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import getclosurevars
from typing import TypeAlias, cast

from reactivex import Observable

from operators.chunks import Chunked, map_chunks
from tidegate.domain.soundness import LONGEST_RULE, failed_rule, rule_name, sound_refusal
from tidegate.domain.text import safe
from tidegate.domain.verdict import Check, Refusal, Verdict

__all__ = ["Screen", "Screened", "Stage", "name_of", "refuse_failed_check", "screen"]

Stage: TypeAlias = Callable[[Observable[Verdict]], Observable[Verdict]]
"""An operator that takes and gives exactly one verdict per verdict."""

_GENERIC = {"check", "check_fresh", "fresh_check", "factor", "stage", "operator", "subscribe", "<lambda>"}


class Screened(Chunked[Verdict]):
    """A source and the checks its verdicts are put to, in order, in one stage."""

    def __init__(self, source: Observable[Verdict], screens: tuple[Screen, ...]) -> None:
        super().__init__(map_chunks(lambda: _judge(screens))(source).subscribe_chunks)
        self.source, self.screens = source, screens


def _judge(screens: Iterable[Screen]) -> Callable[[Sequence[Verdict]], Sequence[Verdict]]:
    checks = [(screen.fresh_check(), screen.name) for screen in screens]  # state is born here

    def judge(verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
        judged = []
        for verdict in verdicts:
            if verdict.refusal is None:
                signal, at_ns = verdict.signal, verdict.at_ns
                for check, name in checks:
                    try:
                        refusal = check(signal, at_ns)
                    except (KeyboardInterrupt, SystemExit):
                        raise
                    except BaseException as error:  # CancelledError too: that of a future is no cancellation of ours
                        refusal = failed_rule(name or name_of(check), error)
                    if refusal is not None:
                        refusal = sound_refusal(refusal, name or name_of(check))
                        verdict = Verdict(signal, at_ns, verdict.score, refusal, verdict.reply, verdict.received_ns)
                        break
            judged.append(verdict)
        return judged

    return judge


class Screen:
    """The stage that `screen` makes: neighbours that follow each other directly become one."""

    def __init__(self, fresh_check: Callable[[], Check], name: str | None) -> None:
        self.fresh_check, self.name = fresh_check, name

    def __call__(self, source: Observable[Verdict]) -> Observable[Verdict]:
        """The verdicts of `source`, screened."""
        if type(source) is Screened:  # a neighbour: one stage instead of two
            return Screened(source.source, (*source.screens, self))
        return Screened(source, (self,))


def screen(check: Check | Callable[[], Check], *, name: str | None = None) -> Stage:
    """Put each verdict that is not refused to a check, and refuse it when the check says so.

        -a--w--b-|          the check refuses w
        -a--W--b-|

    A check is a pure function `(signal, at_ns)` that gives a `Refusal`, or None to let the signal pass. For one with a
    memory, give a function without parameters that makes it: it is called once for each subscription. `name` is what
    refusals call the rule, by default the function's name. A check that raises, or whose answer cannot be recorded,
    refuses the signal it was given: `check_failed`, with the rule's name and what was wrong. Stages that follow each
    other directly are one stage, whose checks come in order up to the first refusal.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors, or the making of the check does.
    Memory:          the check's.

    Raises:
        TypeError: `check` takes neither `(signal, at_ns)` nor nothing, or is async.
        ValueError: `name` is not 1 to 100 printable characters.
    """
    if not callable(check):
        raise TypeError(f"a check must be a function (signal, at_ns), was {check!r}")
    if inspect.iscoroutinefunction(check):
        raise TypeError(f"{name_of(check)} is async, and a check must answer at once")
    named = None if name is None else rule_name(name)
    if _takes(check, None, 0):
        pure = cast("Check", check)
        return Screen(lambda: pure, named)
    if _takes(check):
        return Screen(cast("Callable[[], Check]", check), named)
    raise TypeError(f"{name_of(check)} must take (signal, at_ns), or nothing where it makes a check")


def refuse_failed_check(name: str, error: BaseException) -> Refusal:
    """The refusal of a signal whose check raised: which check, and what it raised."""
    return failed_rule(name, error)


def name_of(function: object) -> str:
    """What a rule is called in the pipe: its function's name, or, where that is as good as none, that of the function
    around it: `refuse_weak`, not `check`."""
    if isinstance(function, partial):
        function = function.func
    if getattr(function, "__module__", None) == "reactivex.internal.curry":
        function = getclosurevars(cast("Callable[..., object]", function)).nonlocals.get("fun", function)
    names = str(getattr(function, "__qualname__", type(function).__qualname__)).split(".<locals>.")
    return safe(next((name for name in reversed(names) if name not in _GENERIC), names[0]).rstrip("_"), LONGEST_RULE)


def _takes(function: Callable[..., object], *args: object) -> bool:
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    except ValueError:  # a built-in one, which does not say
        return bool(args)
    return True
