"""What an execution check is, and how a chain of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from operators.screen import refuse_failed_check
from streams.blocked import WaitCondition
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Measure, Refusal

__all__ = ["ExecutionCheck", "ExecutionChecks", "Objection", "Wait", "first_objection", "name_of"]


class Wait(Struct, frozen=True, gc=False):
    """Why a signal cannot be executed now, though it may be later: it stays in the queue until its time to live ends.

    `condition` is set where the same holds for every signal that needs the same accounts.
    """

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    condition: WaitCondition | None = None

    @property
    def obstacle(self) -> Refusal:
        """The same, as it is kept with the waiting signal."""
        return Refusal(self.reason, self.measured, self.limit)


Objection: TypeAlias = Refusal | Wait
"""A `Refusal` is final; a `Wait` may pass."""

ExecutionCheck: TypeAlias = Callable[[Signal, Situation], Refusal | Wait | None]
"""A pure function of a signal and of what is known when its turn comes: an objection, or None."""


ExecutionChecks: TypeAlias = tuple[ExecutionCheck, ...]
"""A chain: its checks are asked in this order, up to the first objection."""


def first_objection(checks: Iterable[ExecutionCheck], signal: Signal, situation: Situation) -> Objection | None:
    """What the first check that objects says; None where all let the signal through.

    A check that raises, or returns anything else, refuses the signal: `check_failed`, measured is its name and why.
    """
    for check in checks:
        try:
            said = check(signal, situation)
        except Exception as error:
            return refuse_failed_check(name_of(check), error)
        if said is not None:
            return said if isinstance(said, Objection) else refuse_failed_check(name_of(check), _wrong(said))
    return None


def name_of(check: ExecutionCheck) -> str:
    """What a check is called: its function, or the function that made it."""
    name: str = getattr(check, "__qualname__", type(check).__qualname__)
    return name.partition(".")[0]


def _wrong(said: object) -> Exception:
    return TypeError(f"it returned {said!r:.200}, not a Refusal, a Wait or None")
