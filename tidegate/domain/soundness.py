"""Whether what a rule answered can be recorded, and read back: checked before it is committed."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum
from numbers import Real

from tidegate.domain.reasons import Reason
from tidegate.domain.text import safe, words_of
from tidegate.domain.verdict import Measure, Refusal, Score

__all__ = ["LONGEST_MEASURE", "LONGEST_RULE", "failed_rule", "rule_name", "score_fault", "sound_part", "sound_refusal"]

LONGEST_MEASURE = 16 * 1024
"""Characters that a measured value or a limit may have."""
LONGEST_RULE = 100
"""Characters that the name of a rule or a factor may have."""

_LARGEST_EXACT = 2**53  # beyond it, a whole number that is read back as a float is another one
_SHOWN = 100


class _Unsound(ValueError):
    """What is wrong with an answer, in words."""


def sound_refusal(answer: object, rule: str) -> Refusal | None:
    """The refusal that a rule answered, as it can be recorded: never raises.

    Numbers of other types, such as NumPy's, become plain ones, and where no float is exact their text; a `Reason.RULE`
    without a name gets `rule`. Anything else that is not sound becomes a refusal `check_failed` that says what was
    wrong: another type, a reason that is none of `Reason`, a number that is not finite, a text that UTF-8 cannot encode
    or that is too long.
    """
    if answer is None:
        return None
    try:
        return _sound(answer, rule)
    except _Unsound as wrong:
        return Refusal(Reason.CHECK_FAILED, measured=str(wrong), rule=rule)
    except Exception as error:
        return failed_rule(rule, error)


def failed_rule(rule: str, error: BaseException) -> Refusal:
    """The refusal of a signal whose rule raised: which rule, and what it raised."""
    return Refusal(Reason.CHECK_FAILED, measured=words_of(error, repr), rule=rule)


def rule_name(name: str) -> str:
    """The name of a rule or a factor, where it can be recorded.

    Raises:
        ValueError: it is not 1 to 100 printable characters.
    """
    if not _is_name(name):
        raise ValueError(f"a rule's name must be 1 to {LONGEST_RULE} printable characters, was {_shown(name)}")
    return name


def score_fault(score: object) -> str | None:
    """What is wrong with a score, None where it can be recorded: never raises."""
    if score is None:
        return None
    if type(score) is not Score:
        return f"its score must be a Score, was {_shown(score)}"
    if not _is_fraction(score.value):
        return f"its score must be a number within 0 to 1, was {_shown(score.value)}"
    if type(score.parts) is not tuple:
        return f"the parts of its score must be a tuple, were {_shown(score.parts)}"
    for part in score.parts:
        if type(part) is not tuple or len(part) != 2 or not _is_name(part[0]) or not _is_fraction(part[1]):
            return f"the parts of its score must be names and numbers within 0 to 1, one was {_shown(part)}"
    if type(score.weight) not in (float, int) or not 0 < score.weight < math.inf:
        return f"the weight of its score must be above 0 and finite, was {_shown(score.weight)}"
    return None


def sound_part(answer: object, factor: str) -> float | Refusal:
    """The number within 0 to 1 that a factor answered, as a plain one, or the refusal that says what was wrong."""
    if isinstance(answer, Real | Decimal) and not isinstance(answer, bool):
        part = float(answer)
        if 0 <= part <= 1:
            return part
    wrong = f"must return a number within 0 to 1, returned {_shown(answer)}"
    return Refusal(Reason.CHECK_FAILED, measured=wrong, rule=factor)


def _sound(answer: object, rule: str) -> Refusal:
    if type(answer) is not Refusal:
        raise _Unsound(f"must return a Refusal or None, returned {_shown(answer)}")
    reason, measured, limit, name = answer.reason, answer.measured, answer.limit, answer.rule
    if type(reason) is not Reason:
        raise _Unsound(f"the reason must be one of Reason, such as Reason.RULE, was {_shown(reason)}")
    if name is None:
        name = rule if reason is Reason.RULE else None
    elif not _is_name(name):
        raise _Unsound(f"the rule's name must be 1 to {LONGEST_RULE} printable characters, was {_shown(name)}")
    plain, bound = _measure("measured", measured), _measure("limit", limit)
    if plain is measured and bound is limit and name is answer.rule:
        return answer
    return Refusal(reason, plain, bound, name)


def _measure(field: str, value: object) -> Measure:
    if value is None:
        return None
    if type(value) is str:
        if len(value) > LONGEST_MEASURE:
            raise _Unsound(f"{field} has {len(value)} characters, at most {LONGEST_MEASURE} can be recorded")
        if not _encodable(value):
            raise _Unsound(f"{field} cannot be encoded: {_shown(value)}")
        return value
    if type(value) is float:
        if not math.isfinite(value):
            raise _Unsound(f"{field} must be finite, was {value}")
        return value
    if type(value) is int:
        return value if -_LARGEST_EXACT <= value <= _LARGEST_EXACT else str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, Real) and not isinstance(value, int | Enum):
        return _measure(field, float(value))
    raise _Unsound(f"{field} must be a number, a text or None, was {_shown(value)}")


def _is_fraction(value: object) -> bool:
    return type(value) in (float, int) and 0 <= value <= 1  # type: ignore[operator]


def _is_name(value: object) -> bool:
    return type(value) is str and 0 < len(value) <= LONGEST_RULE and value.isprintable() and _encodable(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    try:
        return safe(repr(value), _SHOWN)
    except Exception:
        return f"a {type(value).__name__}"
