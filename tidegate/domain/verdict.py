"""The one value that flows between operators: a signal, and what is thought of it so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Reply, Signal

__all__ = ["Check", "Measure", "Refusal", "Score", "Verdict"]

Measure: TypeAlias = float | str | None
"""A measured value or a limit: a number, or words where no number says it."""


class Refusal(Struct, frozen=True, gc=False):
    """Why *we* do not act on a signal: the reason, what was measured, and the limit it broke.

    A rule of the user's own has its own name: `Refusal(Reason.RULE, rule="mine:unsure", measured=0.4, limit=0.6)`.
    """

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    rule: str | None = None


class Score(Struct, frozen=True, gc=False):
    """What we make of a signal, 0 to 1, and the parts it is weighted from, by factor name. `weight` is their weights'
    sum: what a further factor is weighed against."""

    value: float
    parts: tuple[tuple[str, float], ...] = ()
    weight: float = 1.0


class Verdict(Struct, frozen=True, gc=False):
    """A signal and the judgement on it at `at_ns`, in nanoseconds UTC. Refused as soon as `refusal` is set.

    `received_ns` is the same moment by the steady clock, for what counts from it; 0 where it is not known.

    `reply`, where the sender waits for it, is called once with the receipt, after the commit.
    """

    signal: Signal
    at_ns: int
    score: Score | None = None
    refusal: Refusal | None = None
    reply: Reply | None = None
    received_ns: int = 0


Check: TypeAlias = Callable[[Signal, int], Refusal | None]
"""A rule: takes a signal and the moment of judgement in nanoseconds UTC, gives a refusal or None."""
