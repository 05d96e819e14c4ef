"""What the program does about a reason follows from the table."""

import pytest

from tidegate.domain import errors
from tidegate.domain.reason_table import AGAINST_VENUE, COSTS_NO_ATTEMPT, JUDGED_AT_RECEIPT, REASONS, Phase
from tidegate.domain.reasons import Reason

R = Reason


def test_every_reason_has_an_entry_in_the_order_of_the_code():
    assert list(REASONS) == list(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_remedy_is_a_phrase_that_fits_behind_a_colon(reason):
    remedy = REASONS[reason].remedy
    assert remedy[0].islower() or remedy[0] == "`"
    assert not remedy.endswith(".")


@pytest.mark.parametrize("reason", Reason)
def test_what_why_says_has_only_what_it_is_given(reason):
    words = REASONS[reason].words or ""
    assert "{" not in words.format(measured=1, limit=2, margin=3)


def test_these_answers_of_a_venue_cost_no_attempt():
    answers = {reason for reason, entry in REASONS.items() if entry.phase is Phase.VENUE}
    assert answers & COSTS_NO_ATTEMPT == {
        *(R.REJECTED_FOR_NOW, R.BANNED, R.MAINTENANCE, R.MARKET_CLOSED, R.ACCOUNT_BLOCKED, R.CLOCK_SKEW),
    }


def test_what_stops_an_order_before_it_is_sent_costs_no_attempt():
    assert {R.AWAITING_TICK, R.HALTED, R.PACED, R.IN_FLIGHT_FULL} <= COSTS_NO_ATTEMPT


def test_these_answers_count_as_failures_of_the_venue():
    assert {
        *(R.REJECTED_FOR_NOW, R.BANNED, R.MAINTENANCE, R.MARKET_CLOSED, R.ACCOUNT_BLOCKED),
        *(R.NEVER_SENT, R.NO_ANSWER, R.NO_PROOF),
    } == AGAINST_VENUE


def test_only_final_reasons_are_judged_at_receipt():
    assert all(REASONS[reason].final for reason in JUDGED_AT_RECEIPT)
    assert {R.MALFORMED, R.WEAK, R.CHECK_FAILED} <= set(JUDGED_AT_RECEIPT)
    assert R.POSITION_LIMIT not in JUDGED_AT_RECEIPT


def test_each_of_the_seven_errors_comes_of_some_reason():
    seven = {
        *(errors.NoSignalsAvailable, errors.TraderUnavailable, errors.SignalExpired, errors.ConfidenceTooLow),
        *(errors.PositionLimitsExceeded, errors.TradingLimitsExceeded, errors.ExchangeError),
    }
    assert {entry.error for entry in REASONS.values()} - {None} == seven
