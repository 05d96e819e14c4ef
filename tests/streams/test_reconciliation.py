"""The journal follows the venue: what is ours is adopted, each trade booked once, everything else told."""

from decimal import Decimal

import msgspec
import pytest

from streams.reconciliation import Reconciliation
from tests.builders import fill, venue_order
from tidegate.domain import events as e
from tidegate.domain.difference import Difference, DifferenceKind
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered, VenueOrder
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.reasons import Reason

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
REJECTED = NotPlaced(reason=Reason.REJECTED, detail="no", final=True)
DOWN = NotPlaced(reason=Reason.NEVER_SENT, detail="connection refused", final=False)
BUSY = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="busy", final=False)
SILENCE = Unanswered(detail="timed out")
NOWHERE = NotFound(detail="not among the orders")


PART = fill(amount="0.4")


def listed(it, *fills, **named) -> VenueOrder:
    """The order sent first, as the venue lists it."""
    return venue_order(it.venue.sent[0], *fills, venue_order_id="v1", at_ns=it.clock.now_ns(), **named)


def reconciliation_of(it) -> Reconciliation:
    parts = it.engine.parts
    return Reconciliation(
        parts.state,
        it.journal,
        parts.pending,
        parts.updates,
        it.engine.resolution,
        clock=parts.clock,
        commits=parts.commits,
        tag=it.engine.rules.execution.tag,
    )


def compared(it, *orders, apply=True, by=None) -> list[tuple[str, bool]]:
    it.venue.orders = list(orders)
    found = it.wait((by or reconciliation_of(it)).compare(it.venue, apply=apply))
    it.run(0.1)
    return [(difference.kind, difference.applied) for difference in found.differences]


def account_of(it):
    return it.engine.parts.state.book.account("paper")


def test_where_the_books_agree_nothing_is_found_or_recorded(trading):
    it = trading(OPEN)
    it.run(11)
    before = it.journal.head()
    assert compared(it, listed(it)) == []
    assert it.journal.head() == before


def test_a_trade_that_nobody_told_of_is_booked_once(trading):
    it = trading(OPEN)
    it.run(11)
    assert compared(it, listed(it, PART)) == [(DifferenceKind.CHANGED, True)]
    assert compared(it, listed(it, PART)) == []
    it.venue.update(OrderStatus.OPEN, PART)
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "placed", "filled"]
    assert account_of(it).held("BTC/USDT") == Decimal("0.4")


def test_a_trade_from_before_a_restart_is_not_booked_again(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(OPEN, url=url)
    first.run(11)
    sent = first.venue.sent
    compared(first, listed(first, PART))
    first.kill()
    it = trading(OPEN, url=url, start_ns=first.clock.now_ns(), signals=0)
    it.run(1)
    it.venue.sent = sent
    assert compared(it, listed(it, PART, fill("t2", "0.1"))) == [(DifferenceKind.CHANGED, True)]
    assert account_of(it).held("BTC/USDT") == Decimal("0.5")


def test_an_order_that_ended_unheard_is_ended_here(trading):
    it = trading(OPEN)
    it.run(11)
    assert compared(it, listed(it, PART, status=OrderStatus.CANCELED)) == [(DifferenceKind.CHANGED, True)]
    assert it.kinds() == ["accepted", "intent", "placed", "filled", "order_changed"]
    assert account_of(it).orders == {}
    assert account_of(it).balances["USDT"].locked == 0


def test_an_order_does_not_end_before_all_of_its_trades_are_listed(trading):
    it = trading(OPEN)
    it.run(11)
    ended = listed(it, PART, status=OrderStatus.CLOSED, filled="1")
    assert compared(it, ended) == [(DifferenceKind.TRADES_MISSING, False), (DifferenceKind.CHANGED, True)]
    assert compared(it, ended) == [(DifferenceKind.TRADES_MISSING, False)]
    assert len(account_of(it).orders) == 1
    whole = listed(it, PART, fill("t2", "0.6"), status=OrderStatus.CLOSED)
    assert compared(it, whole) == [(DifferenceKind.CHANGED, True)]
    assert account_of(it).orders == {}


@pytest.mark.parametrize(
    ("unknown_order_policy", "kinds"),
    [
        pytest.param(UnknownOrderPolicy(window_s=3600, absence_is_proof=True), [], id="unknown"),
        pytest.param(UnknownOrderPolicy(window_s=1, absence_is_proof=False), ["parked"], id="parked"),
    ],
)
def test_an_order_that_is_sought_and_turns_up_is_placed(trading, unknown_order_policy, kinds):
    it = trading(SILENCE, found=NOWHERE, unknown_order_policy=unknown_order_policy)
    it.run(20)
    assert compared(it, listed(it, PART)) == [(DifferenceKind.FOUND, True)]
    assert it.kinds() == ["accepted", "intent", "unknown", *kinds, "placed"]
    assert account_of(it).held("BTC/USDT") == Decimal("0.4")


@pytest.mark.parametrize(
    ("script", "changes", "was"),
    [
        pytest.param([REJECTED], {}, "failed", id="failed"),
        pytest.param([BUSY], {"execution__signal_ttl_s": "30", "execution__order_creation_retry_delay_ms": "25000"},
                     "expired", id="expired"),
        pytest.param([BUSY], {"execution__signal_ttl_s": "600", "execution__order_creation_retry_delay_ms": "500000"},
                     "waiting", id="waiting"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ended", [False, True])
def test_an_order_of_a_signal_that_was_given_up_reopens_it(trading, script, changes, was, ended):
    it = trading(*script, **{"execution__max_retry_delay_ms": "500000", **changes})
    it.run(32)
    assert it.ledger() == {was: 1}
    status = OrderStatus.CLOSED if ended else OrderStatus.OPEN
    there = listed(it, PART, status=status)
    assert compared(it, there, apply=False) == [(DifferenceKind.REOPENED, False)]
    assert it.ledger() == {was: 1}
    assert compared(it, there) == [(DifferenceKind.REOPENED, True)]
    assert it.ledger() == {"placed": 1}
    assert it.kinds()[-1] == "reopened"
    assert account_of(it).held("BTC/USDT") == Decimal("0.4")
    assert len(account_of(it).orders) == (0 if ended else 1)
    assert len(list(it.journal.open())) == (0 if ended else 1)
    assert compared(it, there) == []
    sent = len(it.venue.sent)
    it.run(600)
    assert len(it.venue.sent) == sent


def test_a_reopened_order_is_there_after_a_restart(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(REJECTED, url=url)
    first.run(11)
    compared(first, listed(first, PART))
    sent = first.venue.sent
    first.kill()
    it = trading(OPEN, url=url, start_ns=first.clock.now_ns(), signals=0)
    it.run(1)
    it.venue.sent = sent
    assert it.ledger() == {"placed": 1}
    assert compared(it, listed(it, PART)) == []


def test_a_second_order_of_a_signal_halts_entries(trading):
    it = trading(BUSY, OPEN)
    it.run(20)
    assert it.kinds() == ["accepted", "intent", "deferred", "intent", "placed"]
    second = [listed(it), listed(it, order_id=it.venue.sent[1].client_order_id)]
    assert compared(it, *second) == [(DifferenceKind.SECOND_ORDER, False)]
    halted = it.engine.parts.state.halted
    assert halted.reduce_only
    assert it.venue.sent[0].client_order_id in halted.why


def test_of_two_orders_that_turn_up_at_once_one_reopens_and_the_other_halts_entries(trading):
    it = trading(BUSY, REJECTED)
    it.run(20)
    assert it.ledger() == {"failed": 1}
    both = [listed(it), listed(it, order_id=it.venue.sent[1].client_order_id)]
    assert compared(it, *both) == [(DifferenceKind.REOPENED, True), (DifferenceKind.SECOND_ORDER, False)]
    assert it.ledger() == {"placed": 1}
    assert it.venue.sent[1].client_order_id in it.engine.parts.state.halted.why


def test_an_order_of_a_signal_that_our_own_limits_refused_later_reopens_it(trading):
    it = trading(BUSY)
    it.venue.has = {"USDT": Decimal(0)}
    it.run(10.1)
    assert it.kinds() == ["accepted", "intent", "deferred"]
    account_of(it).count({"USDT": Decimal(0)})
    it.run(9)
    it.venue.has = None
    assert it.ledger() == {"refused": 1}
    assert compared(it, listed(it, PART)) == [(DifferenceKind.REOPENED, True)]
    assert it.ledger() == {"placed": 1}


def test_an_order_does_not_end_by_word_before_all_of_its_trades_were_told(trading):
    it = trading(OPEN)
    it.run(11)
    it.venue.update(OrderStatus.CLOSED, fill("t2", "0.6"), filled="1")
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "placed", "filled"]
    whole = listed(it, PART, fill("t2", "0.6"), status=OrderStatus.CLOSED)
    assert compared(it, whole) == [(DifferenceKind.CHANGED, True)]
    assert it.kinds()[4:] == ["filled", "order_changed"]
    assert account_of(it).held("BTC/USDT") == Decimal(1)


def test_an_order_with_our_mark_that_is_not_in_the_journal_halts_entries(trading):
    it = trading(OPEN)
    it.run(11)
    tag = it.engine.rules.execution.tag
    there = [listed(it), listed(it, order_id=f"{tag}00000000000000")]
    by = reconciliation_of(it)
    assert compared(it, *there, by=by) == [(DifferenceKind.NOT_IN_JOURNAL, False)]
    halted = it.engine.parts.state.halted
    assert not halted.reduce_only  # the journal lost a part of its past: what it holds may be sold already
    assert f"{tag}00000000000000" in halted.why
    it.engine.record(e.Resumed())
    it.run(1)
    assert compared(it, *there, by=by) == [(DifferenceKind.NOT_IN_JOURNAL, False)]
    assert it.engine.parts.state.halted is None


def test_an_order_that_the_journal_lost_is_taken_back_by_the_waiting_signal_it_follows_from(trading, tmp_path):
    first = trading(OPEN, url=f"sqlite:///{tmp_path}/first.db")
    first.run(11)
    sent = first.venue.sent
    it = trading(OPEN, url=f"sqlite:///{tmp_path}/older.db")  # the same signal, and no memory of its order
    it.run(1)
    it.venue.sent, it.venue.script = sent, []
    assert compared(it, listed(it, PART)) == [(DifferenceKind.NOT_IN_JOURNAL, False)]
    assert it.kinds() == ["accepted", "intent", "placed"]
    it.engine.record(e.Resumed())
    it.run(60)
    assert len(it.venue.sent) == 1
    assert account_of(it).held("BTC/USDT") == Decimal("0.4")


@pytest.mark.parametrize(
    ("order_id", "status", "found"),
    [
        pytest.param("by-hand", OrderStatus.OPEN, [(DifferenceKind.STRANGER, False)], id="open"),
        pytest.param("by-hand", OrderStatus.CLOSED, [], id="over"),
        pytest.param(
            "ffff00000000000000", OrderStatus.OPEN, [(DifferenceKind.STRANGER, False)], id="another installation's"
        ),
    ],
)
def test_strangers_orders_are_told_while_they_are_open_and_left_alone(trading, order_id, status, found):
    it = trading(OPEN)
    it.run(11)
    assert compared(it, listed(it), listed(it, order_id=order_id, status=status)) == found
    assert it.engine.parts.state.halted is None


def test_an_order_without_an_id_of_its_sender_is_a_strangers(trading):
    it = trading(OPEN)
    it.run(11)
    nameless = msgspec.structs.replace(listed(it), client_order_id=None, venue_order_id="x9")
    assert compared(it, listed(it), nameless) == [(DifferenceKind.STRANGER, False)]


@pytest.mark.parametrize(
    ("finding", "found"),
    [
        pytest.param(NOWHERE, [(DifferenceKind.MISSING, False)], id="not to be found"),
        pytest.param(SILENCE, [], id="no answer"),
        pytest.param(OPEN, [], id="found one by one"),
    ],
)
def test_an_open_order_that_is_not_listed_is_looked_up(trading, finding, found):
    it = trading(OPEN, found=finding)
    it.run(11)
    assert compared(it) == found
    assert it.ledger() == {"placed": 1}


def test_balances_follow_the_venue(trading):
    def totals() -> dict[str, Decimal]:
        return {currency: balance.total for currency, balance in account_of(it).balances.items() if balance.total}

    it = trading(OPEN)
    it.run(11)
    ours = totals()
    it.venue.has = {"USDT": Decimal(9_000), "BTC": Decimal(0), "DOGE": Decimal(5)}
    it.venue.orders = [listed(it)]
    found = it.wait(reconciliation_of(it).compare(it.venue, apply=False)).differences
    assert Difference(trader="paper", kind=DifferenceKind.BALANCE, what="DOGE", ours="0", theirs="5") in found
    assert totals() == ours
    assert it.wait(reconciliation_of(it).compare(it.venue)).in_motion  # what was counted is looked at again
    it.run(0.1)
    assert totals() == {"USDT": 9_000, "DOGE": 5}
    again = it.wait(reconciliation_of(it).compare(it.venue))
    assert (again.differences, again.missing, again.in_motion) == ([], [], False)


def test_balances_are_left_alone_while_an_order_is_on_its_way_or_unknown(trading):
    it = trading(SILENCE, found=NOWHERE)
    it.run(20)
    ours = {currency: balance.total for currency, balance in account_of(it).balances.items()}
    it.venue.has = {**ours, "USDT": Decimal(1), "BTC": Decimal(7)}
    assert compared(it) == []


def test_the_next_comparison_asks_for_what_came_since_the_last_with_an_overlap(trading):
    it = trading(OPEN)
    it.run(11)
    by = reconciliation_of(it)
    begun_ns = it.clock.now_ns()
    compared(it, listed(it), by=by)
    assert it.venue.listed_since_ns == begun_ns - 86_400 * 10**9
    compared(it, listed(it), by=by)
    assert it.venue.listed_since_ns == begun_ns - 3_600 * 10**9


def test_an_order_that_turns_up_while_the_next_is_being_committed_is_a_second_one_and_nothing_illegal_is_written(
    trading, tmp_path
):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = trading(BUSY, OPEN, url=url)
    it.run(10.5)
    assert it.kinds() == ["accepted", "intent", "deferred"]
    it.journal.takes_s = 3
    it.run(1)
    assert it.engine.parts.commits.depth() == 1  # the next intent, not committed yet
    assert it.kinds() == ["accepted", "intent", "deferred"]
    assert compared(it, listed(it)) == [(DifferenceKind.SECOND_ORDER, False)]
    it.run(20)
    assert "reopened" not in it.kinds()
    assert it.kinds()[:4] == ["accepted", "intent", "deferred", "intent"]
    (halted,) = it.bodies(e.Halted)
    assert it.venue.sent[0].client_order_id in halted.why
    assert not it.engine.failed.done()
    it.kill()
    again = trading(OPEN, url=url, start_ns=it.clock.now_ns(), signals=0)
    again.run(1)
    assert again.engine.parts.state.illegal == {}


def test_two_orders_of_a_signal_that_turn_up_at_once_reopen_it_once(trading):
    it = trading(DOWN)
    it.run(60)
    assert it.ledger() == {"failed": 1}
    second = listed(it, order_id=it.venue.sent[1].client_order_id)
    assert compared(it, listed(it), second) == [(DifferenceKind.REOPENED, True), (DifferenceKind.SECOND_ORDER, False)]
    it.run(1)
    assert it.ledger() == {"placed": 1}
