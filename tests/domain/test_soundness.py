"""Whatever a rule answers, what is recorded can be read back."""

from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain import events as e
from tidegate.domain.reasons import Reason
from tidegate.domain.soundness import LONGEST_MEASURE, score_fault, sound_refusal
from tidegate.domain.verdict import Refusal, Score


class Mine(StrEnum):
    UNSURE = "unsure"


class Level(IntEnum):
    LOW = 1


class Number(float):
    """A number of a type that no encoder knows, such as NumPy's."""


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (True, "must return a Refusal or None, returned True"),
        ("weak", "must return a Refusal or None, returned 'weak'"),
        (Odd(), "must return a Refusal or None, returned a Odd"),
        (Reason.WEAK, "must return a Refusal or None, returned <Reason.WEAK: 'weak'>"),
        (Refusal("unsure"), "the reason must be one of Reason, such as Reason.RULE, was 'unsure'"),
        (Refusal("weak"), "the reason must be one of Reason, such as Reason.RULE, was 'weak'"),
        (Refusal(Mine.UNSURE), "the reason must be one of Reason, such as Reason.RULE, was <Mine.UNSURE: 'unsure'>"),
        (Refusal(None), "the reason must be one of Reason, such as Reason.RULE, was None"),
        (Refusal(Reason.RULE, float("nan")), "measured must be finite, was nan"),
        (Refusal(Reason.RULE, 1, float("-inf")), "limit must be finite, was -inf"),
        (Refusal(Reason.RULE, True), "measured must be a number, a text or None, was True"),
        (Refusal(Reason.RULE, [1]), "measured must be a number, a text or None, was [1]"),
        (Refusal(Reason.RULE, b"x"), "measured must be a number, a text or None, was b'x'"),
        (Refusal(Reason.RULE, Mine.UNSURE), "measured must be a number, a text or None, was <Mine.UNSURE: 'unsure'>"),
        (Refusal(Reason.RULE, Level.LOW), "measured must be a number, a text or None, was <Level.LOW: 1>"),
        (Refusal(Reason.RULE, 10**5000), "ValueError('Exceeds the limit (4300 digits) for integer string conversion"),
        (Refusal(Reason.RULE, Decimal("NaN")), "measured must be a number, a text or None, was Decimal('NaN')"),
        (Refusal(Reason.RULE, "\ud800"), r"measured cannot be encoded: '\ud800'"),
        (Refusal(Reason.RULE, "x" * (LONGEST_MEASURE + 1)), "measured has 16385 characters, at most 16384 can be "),
        (Refusal(Reason.RULE, rule=7), "the rule's name must be 1 to 100 printable characters, was 7"),
        (Refusal(Reason.RULE, rule=""), "the rule's name must be 1 to 100 printable characters, was ''"),
        (Refusal(Reason.RULE, rule="a\x1b[2J"), "the rule's name must be 1 to 100 printable characters, was 'a"),
        (Refusal(Reason.RULE, rule="x" * 101), "the rule's name must be 1 to 100 printable characters, was 'xxx"),
    ],
)
def test_an_answer_that_cannot_be_recorded_is_a_failed_check_that_says_what_was_wrong(answer, says):
    refusal = sound_refusal(answer, "mine")
    assert (refusal.reason, refusal.rule) == (Reason.CHECK_FAILED, "mine")
    assert refusal.measured.startswith(says)
    assert refusal.measured.encode()


@pytest.mark.parametrize(
    ("measured", "plain"),
    [
        (Number(0.5), 0.5),
        (Fraction(1, 4), 0.25),
        (Decimal("0.10"), "0.10"),
        (3, 3),
        (2**53 + 1, str(2**53 + 1)),
        ("much", "much"),
        (None, None),
    ],
)
def test_numbers_of_other_types_become_plain_ones(measured, plain):
    refusal = sound_refusal(Refusal(Reason.RULE, measured, rule="mine:unsure"), "mine")
    assert refusal == Refusal(Reason.RULE, plain, rule="mine:unsure")
    assert type(refusal.measured) is type(plain)


def test_a_sound_answer_is_left_as_it_is_and_none_is_no_refusal():
    refusal = Refusal(Reason.WEAK, measured=0.2, limit=0.5)
    assert sound_refusal(refusal, "mine") is refusal
    assert sound_refusal(None, "mine") is None


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals(), st.binary(), st.sampled_from(Reason)
)


@given(*[anything] * 4)
def test_whatever_is_answered_can_be_read_back(reason, measured, limit, rule):
    why = sound_refusal(Refusal(reason, measured, limit, rule), "mine")
    body = e.Refused(reason=why.reason, measured=why.measured, limit=why.limit, rule=why.rule)
    assert e.decode_body("refused", e.encode_body(body)) == body


@pytest.mark.parametrize(
    ("score", "says"),
    [
        (0.5, "its score must be a Score, was 0.5"),
        (Score(float("nan")), "its score must be a number within 0 to 1, was nan"),
        (Score("1"), "its score must be a number within 0 to 1, was '1'"),
        (Score(2), "its score must be a number within 0 to 1, was 2"),
        (Score(1, [("a", 1.0)]), "the parts of its score must be a tuple, were [('a', 1.0)]"),
        (Score(1, (("a", float("inf")),)), "the parts of its score must be names and numbers within 0 to 1, one was"),
        (Score(1, (("a",),)), "the parts of its score must be names and numbers within 0 to 1, one was ('a',)"),
        (Score(1, ((7, 1.0),)), "the parts of its score must be names and numbers within 0 to 1, one was (7, 1.0)"),
        (Score(1, (), 0), "the weight of its score must be above 0 and finite, was 0"),
        (Score(0.5, (("a", 0.5),), 2), None),
        (None, None),
    ],
)
def test_a_score_that_cannot_be_recorded_has_a_fault(score, says):
    fault = score_fault(score)
    assert fault is says or fault.startswith(says)
