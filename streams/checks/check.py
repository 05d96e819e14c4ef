"""What an execution check is, and how a chain of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from operators.screen import name_of
from streams.blocked import WaitCondition
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.soundness import failed_rule, sound_refusal
from tidegate.domain.verdict import Measure, Refusal

__all__ = ["ExecutionCheck", "ExecutionChecks", "Objection", "Wait", "first_objection"]


_name_of = lru_cache(maxsize=256)(name_of)
_OURS = __name__.rpartition(".")[0] + "."


class Wait(Struct, frozen=True, gc=False):
    """Why a signal cannot be executed now, though it may be later: it stays in the queue until its time to live ends.

    As in a `Refusal`, a rule of the user's own has its own name: `Wait(Reason.RULE, rule="mine:quiet", ...)`.
    `condition` is set where the same holds for every signal that needs the same accounts.
    """

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    rule: str | None = None
    condition: WaitCondition | None = None

    @property
    def obstacle(self) -> Refusal:
        """The same, as it is kept with the waiting signal."""
        return Refusal(self.reason, self.measured, self.limit, self.rule)


Objection: TypeAlias = Refusal | Wait
"""A `Refusal` is final; a `Wait` may pass."""

ExecutionCheck: TypeAlias = Callable[[Signal, Situation], Refusal | Wait | None]
"""A pure function of a signal and of what is known when its turn comes: an objection, or None."""


ExecutionChecks: TypeAlias = tuple[ExecutionCheck, ...]
"""A chain: its checks are asked in this order, up to the first objection."""


def first_objection(checks: Iterable[ExecutionCheck], signal: Signal, situation: Situation) -> Objection | None:
    """What the first check that objects says; None where all let the signal through.

    A check that raises, or whose answer cannot be recorded, refuses the signal: `check_failed`, with the check's name.
    """
    for check in checks:
        try:
            said = check(signal, situation)
        except Exception as error:
            return failed_rule(_name_of(check), error)
        if said is not None:
            return said if check.__module__.startswith(_OURS) else _sound(said, _name_of(check))
    return None


def _sound(said: object, name: str) -> Objection | None:
    if type(said) is not Wait:
        return sound_refusal(said, name)
    obstacle = said.obstacle
    sound = sound_refusal(obstacle, name)
    if sound is obstacle or sound is None:
        return said
    if sound.reason is Reason.CHECK_FAILED:
        return sound
    return Wait(sound.reason, sound.measured, sound.limit, sound.rule, said.condition)
