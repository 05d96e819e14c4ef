"""What a signal must be to be acted on at all: strong enough, from a known sender, recent."""

from __future__ import annotations

from collections.abc import Collection

from operators.screen import Stage, screen
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.soundness import LONGEST_MEASURE
from tidegate.domain.text import safe
from tidegate.domain.verdict import Refusal

__all__ = ["refuse_stale", "refuse_unknown_sources", "refuse_weak"]


def refuse_weak(*, min_strength: float) -> Stage:
    """Refuse signals whose sender claims less than `min_strength`.

        -a--w--b-|          w claims 0.2
        -a--W--b-|          min_strength=0.5

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.

    Raises:
        ValueError: `min_strength` is not within 0 to 1.
    """
    if not 0 <= min_strength <= 1:
        raise ValueError(f"min_strength must be within 0 to 1, was {min_strength}")

    def check(signal: Signal, _at_ns: int) -> Refusal | None:
        if signal.strength < min_strength:
            return Refusal(Reason.WEAK, measured=signal.strength, limit=min_strength)
        return None

    return screen(check)


def refuse_stale(*, max_age_ms: float, max_ahead_ms: float = 5000) -> Stage:
    """Refuse signals that are older than `max_age_ms`, or come from more than `max_ahead_ms` in the future.

        -a--o--f-|          o was sent 7 s ago, f is dated 9 s ahead
        -a--O--F-|          max_age_ms=5000, max_ahead_ms=5000

    The age is the time from the signal's timestamp to the verdict's moment: receipt, never a queue in between.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.

    Raises:
        ValueError: `max_age_ms` is not above 0, or `max_ahead_ms` is negative.
    """
    if not max_age_ms > 0:
        raise ValueError(f"max_age_ms must be above 0, was {max_age_ms}")
    if not max_ahead_ms >= 0:
        raise ValueError(f"max_ahead_ms must be at least 0, was {max_ahead_ms}")
    max_age_ns, max_ahead_ns = max_age_ms * 1e6, max_ahead_ms * 1e6

    def check(signal: Signal, at_ns: int) -> Refusal | None:
        age_ns = at_ns - signal.timestamp_ns
        if age_ns > max_age_ns:
            return Refusal(Reason.STALE, measured=age_ns / 1e6, limit=max_age_ms)
        if -age_ns > max_ahead_ns:
            return Refusal(Reason.FROM_FUTURE, measured=-age_ns / 1e6, limit=max_ahead_ms)
        return None

    return screen(check)


def refuse_unknown_sources(sources: Collection[str]) -> Stage:
    """Refuse signals from outside whose sender is not among `sources`. Our own strategies' always pass.

        -a--s--b-|          s comes from a stranger
        -a--S--b-|

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          the names.
    """
    known = frozenset(sources)
    limit = safe(", ".join(sorted(known)), LONGEST_MEASURE)

    def check(signal: Signal, _at_ns: int) -> Refusal | None:
        if signal.source in known or signal.generated:
            return None
        return Refusal(Reason.UNKNOWN_SOURCE, measured=signal.source, limit=limit)

    return screen(check)
