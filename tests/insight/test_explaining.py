from decimal import Decimal

import pytest

from tidegate.domain.reasons import Reason
from tidegate.insight.explaining import explain
from tidegate.insight.formatting import rounded


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((Reason.WEAK, 0.2, 0.5), "weak: strength 0.2, 0.3 below the minimum of 0.5"),
        (
            (Reason.SCORE_TOO_LOW, 0.4123456789, 0.55),
            "score_too_low: score 0.412346, 0.137654 below the minimum of 0.55",
        ),
        (
            (Reason.STALE, 7012.5, 5000),
            "stale: 7012.5 ms old at receipt, 2012.5 ms more than the 5000 ms allowed",
        ),
        ((Reason.POSITION_LIMIT, 11, 10), "position_limit: would make 11 open positions, 10 allowed"),
        (
            (Reason.INSUFFICIENT_BALANCE, "12.5", "100.1"),
            "insufficient_balance: 12.5 free, 100.1 needed: 87.6 missing",
        ),
        ((Reason.MALFORMED, "no JSON\n"), r"malformed: no JSON\n"),
        ((Reason.HALTED, "lunch"), "halted: lunch"),
        ((Reason.NO_PROOF,), "no_proof"),
        ((Reason.REJECTED, "-2010 \x1b[2J"), r"rejected: -2010 \x1b[2J"),
        ((Reason.WEAK,), "weak"),
        ((Reason.WEAK, "little", 0.5), "weak: little, limit 0.5"),
    ],
)
def test_a_reason_says_what_was_measured_the_limit_and_the_margin(said, words):
    assert explain(*said) == words


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("measured", [None, 0.1, "words"])
@pytest.mark.parametrize("limit", [None, 0.5, "a, b"])
def test_every_reason_can_be_explained_whatever_was_measured(reason, measured, limit):
    assert explain(reason, measured, limit).startswith(reason)
    assert "None" not in explain(reason, measured, limit)
    assert "{" not in explain(reason, measured, limit)


@pytest.mark.parametrize(
    ("number", "short"),
    [
        ("69138", "69138"),
        ("69138.123456", "69138.1"),
        ("0.00144638", "0.00144638"),
        ("100.09982026044", "100.1"),
        ("1234567.89", "1234568"),
        ("0.000000123456789", "0.000000123457"),
        ("1E+3", "1000"),
        ("0", "0"),
        ("NaN", "NaN"),
        ("-0.30000000000000004", "-0.3"),
    ],
)
def test_a_number_is_short_and_never_cut_before_its_point(number, short):
    assert rounded(Decimal(number)) == short
