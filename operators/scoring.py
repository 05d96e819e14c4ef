"""What we make of a signal: a weighted mean of factors, each 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from operators.chunks import map_each
from operators.screen import Stage, name_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.soundness import failed_rule, rule_name, sound_part
from tidegate.domain.verdict import Refusal, Score, Verdict

__all__ = ["FACTORS", "Factor", "refuse_low_score", "score", "weigh"]

Factor: TypeAlias = Callable[[Signal, int], float]
"""One aspect of a signal at a moment in nanoseconds UTC: 0 at its worst, 1 at its best."""


def _freshness(max_age_ms: float) -> Factor:
    max_age_ns = max_age_ms * 1e6

    def freshness(signal: Signal, at_ns: int) -> float:
        age_ns = at_ns - signal.timestamp_ns
        if age_ns <= 0:
            return 1.0
        return 1 - age_ns / max_age_ns if age_ns < max_age_ns else 0.0

    return freshness


FACTORS: dict[str, Callable[[float], Factor]] = {
    "confidence": lambda _max_age_ms: lambda signal, _at_ns: signal.confidence,
    "freshness": _freshness,
    "strength": lambda _max_age_ms: lambda signal, _at_ns: signal.strength,
}
"""The factors by name. Each is made for the age, in milliseconds, at which a signal is worth nothing any more."""


def score(*, weights: Mapping[str, float], max_age_ms: float) -> Stage:
    """Score each verdict that is not refused: the mean of the factors, weighted, 0 to 1, together with its parts.

        -a--b--|
        -a--b--|            each with its score

    `weights` are by name of factor and need not sum to one; a factor that weighs 0 is left out. A factor that raises
    refuses its signal: `check_failed`. `weigh` adds factors of your own.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.

    Raises:
        ValueError: a name is none of `FACTORS`, a weight is negative, all are 0, or `max_age_ms` is not above 0.
    """
    unknown = ", ".join(sorted(weights.keys() - FACTORS.keys()))
    if unknown:
        raise ValueError(f"weights must name factors among {', '.join(FACTORS)}, was {unknown}")
    if not all(weight >= 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError(f"weights must be at least 0, and one of them above, was {dict(weights)}")
    if not max_age_ms > 0:
        raise ValueError(f"max_age_ms must be above 0, was {max_age_ms}")
    weighted = [(name, weight, FACTORS[name](max_age_ms)) for name, weight in weights.items() if weight]
    weight_in_all = float(sum(weight for _, weight, _ in weighted))

    def judge(verdict: Verdict) -> Verdict:
        if verdict.refusal is not None:
            return verdict
        signal, at_ns = verdict.signal, verdict.at_ns
        total, parts = 0.0, []
        try:
            for name, weight, factor in weighted:
                part = factor(signal, at_ns)
                total += weight * part
                parts.append((name, part))
        except Exception as error:
            return Verdict(signal, at_ns, None, failed_rule(name, error), verdict.reply)
        if not math.isfinite(total):
            refusal = Refusal(Reason.CHECK_FAILED, measured=f"the score would be {total}", rule="score")
            return Verdict(signal, at_ns, None, refusal, verdict.reply)
        scored = Score(total / weight_in_all, tuple(parts), weight_in_all)
        return Verdict(signal, at_ns, scored, None, verdict.reply, verdict.received_ns)

    return map_each(judge)


def weigh(factor: Factor, *, weight: float, name: str | None = None) -> Stage:
    """Let a factor of your own take part in the score, with a weight beside those that are in it.

        -a--b--|            a and b scored 0.5, with weights that sum to 1
        -a--b--|            weight=1, the factor gives 1: they score 0.75

    The result is the same as if the factor had been among the weights of `score`, under `name`, by default the
    function's name; on a verdict that has no score yet it is the only factor. A factor that raises, or gives anything
    but a number within 0 to 1, refuses its signal: `check_failed`, with its name and what was wrong.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.

    Raises:
        ValueError: `weight` is not above 0 and finite, or `name` is not 1 to 100 printable characters.
    """
    if not 0 < weight < math.inf:
        raise ValueError(f"weight must be above 0 and finite, was {weight}")
    called = rule_name(name_of(factor) if name is None else name)

    def judge(verdict: Verdict) -> Verdict:
        if verdict.refusal is not None:
            return verdict
        signal, at_ns, scored = verdict.signal, verdict.at_ns, verdict.score
        try:
            part = sound_part(factor(signal, at_ns), called)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # CancelledError too: that of a future is no cancellation of ours
            part = failed_rule(called, error)
        if isinstance(part, Refusal):
            return Verdict(signal, at_ns, scored, part, verdict.reply)
        if scored is None:
            scored = Score(part, ((called, part),), weight)
        else:
            before, together = scored.weight, scored.weight + weight
            value = (scored.value * before + part * weight) / together
            scored = Score(min(value, 1.0), (*scored.parts, (called, part)), together)
        return Verdict(signal, at_ns, scored, None, verdict.reply, verdict.received_ns)

    return map_each(judge)


def refuse_low_score(*, min_score: float) -> Stage:
    """Refuse verdicts that scored less than `min_score`, or that have no score.

        -a--l--b-|          l scored 0.3
        -a--L--b-|          min_score=0.5

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.

    Raises:
        ValueError: `min_score` is not within 0 to 1.
    """
    if not 0 <= min_score <= 1:
        raise ValueError(f"min_score must be within 0 to 1, was {min_score}")

    def judge(verdict: Verdict) -> Verdict:
        scored = verdict.score
        if verdict.refusal is not None or (scored is not None and scored.value >= min_score):
            return verdict
        measured = "not scored" if scored is None else scored.value
        refusal = Refusal(Reason.SCORE_TOO_LOW, measured=measured, limit=min_score)
        return Verdict(verdict.signal, verdict.at_ns, scored, refusal, verdict.reply)

    return map_each(judge)
