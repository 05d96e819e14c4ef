"""What accounts have shown, and what that means for orders."""

import pytest

from streams.availability import FOR_EVER, Availability, Suspension, Watch
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

S = 1_000_000_000


def accounts(**addresses: str) -> Availability:
    return Availability(addresses or {"a": "x", "b": "x", "c": "y"})


def fail(it: Availability, reason: Reason, *, trader: str = "a", at_s: int = 0, times: int = 1, **how) -> None:
    for _ in range(times):
        it.report_trader_failure(trader, Refusal(reason, measured="said so"), at_s * S, **how)


def test_all_are_available_at_first():
    assert list(accounts().get_available_traders(0)) == ["a", "b", "c"]


@pytest.mark.parametrize("reason", [Reason.NEVER_SENT, Reason.NO_ANSWER])
def test_failures_in_a_row_open_the_circuit(reason):
    it = accounts()
    opened: list[str] = []
    it.opened.subscribe(opened.append)
    fail(it, reason, times=4)
    assert it.check_trader("a", 0) is None
    fail(it, reason)
    assert it.check_trader("a", 0).why == Refusal(Reason.CIRCUIT_OPEN, measured="orders: 5 failures in a row")
    assert list(it.get_available_traders(0)) == ["b", "c"]
    assert opened == ["a"]
    assert it.probe_due_ns("a") == 30 * S


def test_a_rejected_order_is_no_failure():
    it = accounts()
    fail(it, Reason.REJECTED, times=100)
    assert it.check_trader("a", 0) is None
    assert it.bad_minutes("a", 0) == 0


def test_an_open_circuit_lets_no_order_through_before_a_read_succeeded():
    it = accounts()
    fail(it, Reason.NO_ANSWER, times=5)
    assert it.check_trader("a", 1000 * S).until_ns == FOR_EVER
    it.report_probe("a", 1000 * S, Refusal(Reason.NO_ANSWER))
    assert it.probe_due_ns("a") == 1060 * S
    it.report_probe("a", 1060 * S, None)
    assert it.check_trader("a", 1060 * S) is None


def test_reads_have_a_circuit_of_their_own():
    it = accounts()
    fail(it, Reason.NO_ANSWER, times=4)
    fail(it, Reason.NO_ANSWER, times=4, watch=Watch.READS)
    assert it.check_trader("a", 0) is None
    it.report_success("a", 0, Watch.READS)
    fail(it, Reason.NO_ANSWER)
    assert it.check_trader("a", 0).why.measured == "orders: 5 failures in a row"


@pytest.mark.parametrize(
    ("reason", "how", "kept"),
    [
        pytest.param(Reason.REJECTED_FOR_NOW, {"retry_after_s": 20}, ["a"], id="rate limited"),
        pytest.param(Reason.REJECTED_FOR_NOW, {"retry_after_s": 20, "address_wide": True}, ["a", "b"],
                     id="rate limited, the whole address"),
        pytest.param(Reason.BANNED, {"retry_after_s": 20}, ["a", "b"], id="banned: the whole address"),
        pytest.param(Reason.MAINTENANCE, {"retry_after_s": 20}, ["a"], id="maintenance"),
    ],
)  # fmt: skip
def test_whoever_was_sent_away_stays_away_for_as_long_as_was_said(reason, how, kept):
    it = accounts()
    fail(it, reason, **how)
    assert [trader for trader in "abc" if it.check_trader(trader, 19 * S)] == kept
    assert it.check_trader("a", 19 * S).until_ns == 20 * S
    assert list(it.get_available_traders(20 * S)) == ["a", "b", "c"]


def test_a_blocked_account_stays_blocked():
    it = accounts()
    fail(it, Reason.ACCOUNT_BLOCKED)
    assert it.check_trader("a", 10**6 * S).until_ns == FOR_EVER


class Slow:
    """Takes one order at a time."""

    def __init__(self):
        self.under_way = 0

    def suspension(self, at_ns):
        return Suspension(Refusal(Reason.PACED), at_ns + S) if self.under_way else None

    def given(self):
        self.under_way += 1

    def answered(self):
        self.under_way -= 1


def test_an_account_with_a_pace_is_given_orders_as_it_says():
    it, slow = accounts(), Slow()
    it.pace("a", slow)
    assert it.check_trader("a", 0) is None
    it.gave_order("a")
    assert it.check_trader("a", 0) == Suspension(Refusal(Reason.PACED), S)
    assert list(it.get_available_traders(0)) == ["b", "c"]
    it.order_answered("a")
    assert it.check_trader("a", 0) is None


def test_without_a_pace_nothing_is_bound():
    it = accounts()
    for _ in range(1000):
        it.gave_order("a")
    assert it.check_trader("a", 0) is None


@pytest.mark.parametrize("reason", [Reason.CLOCK_SKEW, Reason.PACED, Reason.IN_FLIGHT_FULL])
def test_what_is_not_the_venue_s_failing_opens_no_circuit(reason):
    it = accounts()
    fail(it, reason, times=20)
    assert it.check_trader("a", 0) is None
    assert it.probe_due_ns("a") is None


def test_a_closed_market_holds_its_own_orders_only_and_opens_no_circuit():
    it = accounts()
    fail(it, Reason.MARKET_CLOSED, times=9, symbol="BTC/USDT")
    assert it.check_trader("a", 1, "BTC/USDT").why == Refusal(Reason.MARKET_CLOSED, measured="BTC/USDT")
    assert it.check_trader("a", 1, "ETH/USDT") is None
    assert it.check_trader("a", 60 * S, "BTC/USDT") is None


def test_nothing_is_probed_during_a_ban():
    it = accounts()
    fail(it, Reason.NO_ANSWER, times=5)
    fail(it, Reason.BANNED, retry_after_s=7200)
    assert it.probe_due_ns("a") == 7200 * S


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((Reason.ACCOUNT_BLOCKED, {}), (Reason.BANNED, {"retry_after_s": 5}), id="blocked"),
        pytest.param(
            (Reason.BANNED, {"retry_after_s": 7200}), (Reason.REJECTED_FOR_NOW, {"retry_after_s": 1}), id="ban"
        ),
    ],
)
def test_a_standstill_is_never_shortened(before, after):
    it = accounts()
    fail(it, before[0], **before[1])
    for trader in "ab":
        fail(it, after[0], trader=trader, **after[1])
    assert it.check_trader("a", 3600 * S).why.reason is before[0]


def test_a_ban_of_unknown_length_holds_for_two_minutes():
    it = accounts()
    fail(it, Reason.BANNED)
    assert it.check_trader("a", 119 * S) is not None
    assert it.check_trader("a", 120 * S) is None


@pytest.mark.parametrize("from_s", [0, 59], ids=["from a whole minute on", "from within one"])
def test_the_minutes_of_a_standstill_are_bad_ones(from_s):
    it = accounts()
    fail(it, Reason.BANNED, at_s=from_s, retry_after_s=600)
    counted = [it.bad_minutes("a", (from_s + s) * S) for s in (0, 59, 61, 300, 600, 3600, 86_400, 87_000)]
    assert counted == [1, 1, 2, 5, 10, 10, 10, 0]


def test_an_account_that_is_blocked_has_a_day_of_bad_minutes_every_day():
    it = accounts()
    fail(it, Reason.ACCOUNT_BLOCKED)
    assert it.bad_minutes("a", 10 * 86_400 * S) == 1440


def test_the_minutes_of_an_open_circuit_are_bad_ones():
    it = accounts()
    fail(it, Reason.NO_ANSWER, times=5)
    for _ in range(5):
        fail(it, Reason.NO_ANSWER, at_s=it.probe_due_ns("a") // S)
    assert it.probe_due_ns("a") == (30 + 60 + 120 + 240 + 480 + 600) * S
    assert it.bad_minutes("a", 1530 * S) == 26  # 25.5, the last one only half


def test_minutes_in_which_it_failed_are_counted_for_a_day():
    it = accounts()
    for minute in (0, 0, 1, 30):
        fail(it, Reason.NO_ANSWER, at_s=minute * 60)
    assert it.bad_minutes("a", 30 * 60 * S) == 3
    assert it.bad_minutes("a", 30 * 60 * S, minutes=10) == 1
    fail(it, Reason.NO_ANSWER, at_s=3 * 86_400)
    assert it.bad_minutes("a", 3 * 86_400 * S) == 1
    assert it.last_failure("a").reason is Reason.NO_ANSWER


def test_an_account_that_nobody_spoke_of_is_let_through():
    it = accounts()
    fail(it, Reason.NO_ANSWER, trader="stranger", times=9)
    it.report_success("stranger", 0)
    assert it.check_trader("stranger", 0) is None


def test_an_account_that_is_not_reconciled_says_why():
    it = accounts()
    it.await_reconciliation("a")
    assert it.check_trader("a", 0).why.measured == "its books are being compared with the venue for the first time"
    it.not_compared("a", "balances: RequestTimeout")
    it.not_compared("b", "nothing")
    why = "its books could not be compared with the venue: balances: RequestTimeout"
    assert it.check_trader("a", 0).why == Refusal(Reason.NOT_RECONCILED, measured=why)
    assert it.check_trader("b", 0) is None
    it.reconciled("a")
    assert it.check_trader("a", 0) is None
