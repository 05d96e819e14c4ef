"""Placing orders: what is committed before what, and what follows from each answer of a venue."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.builders import fill
from tidegate.domain import events as e
from tidegate.domain.order import Acknowledged, Fill, NotPlaced, OrderStatus, OrderUpdate, Unanswered
from tidegate.domain.ports import Item
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType

BUSY = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="too many requests", final=False)
DOWN = NotPlaced(reason=Reason.NEVER_SENT, detail="connection refused", final=False)
NO = NotPlaced(reason=Reason.REJECTED, detail="unknown order type", final=True)
OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)


def part(trade_id: str, amount: str = "0.25") -> Fill:
    return fill(trade_id, amount, fee="0.025")


def applied(it) -> bool:
    """Nothing is on its way, and no capital is set aside but for orders that are open or unknown."""
    state = it.engine.parts.state
    orders = state.book.account("paper").orders
    return it.engine.parts.in_flight.count == 0 and set(orders) == {
        statuses.client_order_id for statuses in state.statuses.values() if statuses.client_order_id
    }


def locked(it) -> Decimal:
    return it.engine.parts.state.book.account("paper").balances["USDT"].locked


def test_the_intent_is_committed_before_the_venue_is_called(trading):
    it = trading(OPEN)
    it.run(11)
    assert it.venue.committed == [["accepted", "intent"]]
    (intent,) = it.bodies(e.Intent)
    (sent,) = it.venue.sent
    assert (intent.client_order_id, intent.amount, intent.price) == (sent.client_order_id, sent.amount, sent.price)
    assert locked(it) == sent.reserved == 100
    assert applied(it)


def test_an_intent_that_cannot_be_committed_is_not_sent_and_tried_at_the_next_execution(trading):
    it = trading(OPEN)
    it.journal.full_for = (e.Intent,)
    it.run(11)
    (entry,) = it.engine.parts.pending.entries.values()
    assert (entry.obstacle.reason, entry.attempts) == (Reason.JOURNAL_UNAVAILABLE, 0)
    assert it.venue.sent == []
    assert locked(it) == 0
    assert applied(it)
    it.journal.full_for = ()
    it.run(28)
    assert it.venue.sent == []
    it.run(2)
    assert it.kinds() == ["accepted", "intent", "placed"]
    assert [sent.attempt for sent in it.venue.sent] == [1]
    assert applied(it)


def test_a_signal_whose_intents_cannot_be_committed_expires_with_that_as_its_obstacle(trading):
    it = trading(OPEN, execution__signal_ttl_s="60")
    it.journal.full_for = (e.Intent,)
    it.run(61)
    (expired,) = it.bodies(e.Expired)
    assert expired.reason is Reason.JOURNAL_UNAVAILABLE
    assert it.venue.sent == []
    assert applied(it)


def test_what_is_proved_not_placed_is_tried_again_after_a_backoff_with_another_id(trading):
    it = trading(BUSY, OPEN)
    it.run(20)
    assert it.kinds() == ["accepted", "intent", "deferred", "intent", "placed"]
    first, second = it.venue.sent
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.client_order_id != second.client_order_id
    (deferred,) = it.bodies(e.Deferred)
    assert (deferred.reason, deferred.detail) == (BUSY.reason, BUSY.detail)
    waited_s = it.venue.sent_at_s[1] - it.venue.sent_at_s[0]
    assert 0.5 <= waited_s <= 1
    assert it.clock.now_ns() > deferred.retry_at_ns
    assert locked(it) == 100
    assert applied(it)


def test_a_venue_that_says_when_to_come_back_is_obeyed(trading):
    it = trading(NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="429", final=False, retry_after_s=7), OPEN)
    it.run(20)
    first_s, second_s = it.venue.sent_at_s
    assert second_s - first_s == pytest.approx(7)


def test_backoff_doubles(trading):
    it = trading(DOWN, execution__order_creation_retries="5")
    it.run(40)
    pauses = [b - a for a, b in zip(it.venue.sent_at_s, it.venue.sent_at_s[1:], strict=False)]
    assert [least <= pause <= 2 * least for least, pause in zip((0.5, 1, 2, 4), pauses, strict=True)] == [True] * 4


def test_in_backoff_no_execution_takes_it(trading):
    it = trading(NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="429", final=False, retry_after_s=9), OPEN)
    it.run(12)
    it.engine.trigger()
    it.run(1)
    assert len(it.venue.sent) == 1


@pytest.mark.parametrize("attempts", [1, 3])
def test_attempts_are_bounded_in_all(trading, attempts):
    it = trading(DOWN, execution__order_creation_retries=str(attempts))
    it.run(100)
    assert len(it.venue.sent) == len({sent.client_order_id for sent in it.venue.sent}) == attempts
    (failed,) = it.bodies(e.Failed)
    assert (failed.reason, failed.detail) == (Reason.ATTEMPTS_USED_UP, DOWN.detail)
    assert it.ledger() == {"failed": 1}
    assert locked(it) == 0
    assert applied(it)


@pytest.mark.parametrize("reason", ["rejected_for_now", "banned", "maintenance", "market_closed", "clock_skew"])
def test_what_is_nothing_against_the_signal_costs_no_attempt(trading, reason):
    not_now = NotPlaced(reason=Reason(reason), detail="not now", final=False, retry_after_s=1)
    it = trading(*[not_now] * 6, OPEN, execution__order_creation_retries="1", execution__signal_ttl_s="3600")
    it.run(200)
    assert it.ledger() == {"placed": 1}
    assert [sent.attempt for sent in it.venue.sent] == [1, 2, 3, 4, 5, 6, 7]
    assert it.bodies(e.Failed) == []


def test_after_a_restart_an_attempt_that_cost_none_still_costs_none(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = trading(BUSY, BUSY, DOWN, BUSY, url=url, execution__order_creation_retries="2", execution__signal_ttl_s="3600")
    it.run(13)
    assert [body.reason for body in it.bodies(e.Deferred)] == [BUSY.reason, BUSY.reason, DOWN.reason]
    it.kill()
    settings = {"execution__order_creation_retries": "2", "execution__signal_ttl_s": "3600"}
    later = trading(BUSY, DOWN, url=url, start_ns=it.clock.now_ns(), signals=0, **settings)
    later.run(60)
    assert [sent.attempt for sent in later.venue.sent] == [4, 5]
    (failed,) = later.bodies(e.Failed)
    assert (failed.reason, failed.detail) == (Reason.ATTEMPTS_USED_UP, DOWN.detail)


def test_a_final_rejection_fails_the_signal_at_once(trading):
    it = trading(NO)
    it.run(100)
    assert it.kinds() == ["accepted", "intent", "failed"]
    (failed,) = it.bodies(e.Failed)
    assert (failed.reason, failed.detail) == (Reason.REJECTED, NO.detail)
    assert locked(it) == 0
    assert applied(it)


def test_a_signal_in_backoff_expires_with_the_venues_answer(trading):
    it = trading(BUSY, execution__order_creation_retries="99", execution__signal_ttl_s="30")
    it.run(40)
    (expired,) = it.bodies(e.Expired)
    assert (expired.reason, expired.measured) == (BUSY.reason, BUSY.detail)
    assert it.ledger() == {"expired": 1}
    assert applied(it)


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(Unanswered(detail="timed out"), id="says so"),
        pytest.param(TimeoutError("timed out"), id="raises"),
        pytest.param([OPEN, OPEN], id="gives more answers than there were orders"),
        pytest.param([], id="gives fewer"),
    ],
)
def test_of_an_order_nobody_knows_of_the_capital_stays_reserved_and_nothing_more_is_sent(trading, says):
    it = trading(says, OPEN)
    it.run(200)
    assert it.kinds() == ["accepted", "intent", "unknown"]
    assert len(it.venue.sent) == 1
    assert it.ledger() == {"unknown": 1}
    assert locked(it) == 100
    assert applied(it)


def test_one_failed_call_makes_all_its_orders_unknown_and_no_others(trading):
    it = trading(OSError("reset"), OPEN, signals=3, batch_max=2, execution__max_in_flight="2")
    it.run(20)
    assert it.ledger() == {"unknown": 2, "placed": 1}
    assert applied(it)


def test_a_cancelled_call_is_no_proof(trading):
    it = trading(OPEN, takes_s=5)
    it.run(11)
    (call,) = [task for task in asyncio.all_tasks(it.loop) if task.get_name() == "orders of paper"]
    call.cancel()
    it.run(1)
    assert it.ledger() == {"unknown": 1}
    assert applied(it)


def test_each_order_of_a_call_has_the_answer_of_its_own(trading):
    it = trading([NO, OPEN, Unanswered(detail="?")], signals=3, batch_max=3)
    it.run(11)
    assert it.ledger() == {"failed": 1, "placed": 1, "unknown": 1}
    ids = [body.client_order_id for kind in (e.Failed, e.Placed, e.Unknown) for body in it.bodies(kind)]
    assert ids == [request.client_order_id for request in it.venue.sent]


@pytest.mark.parametrize(
    ("reduce_only", "side", "quantity", "sent"),
    [
        pytest.param(False, "buy", "0.1", 0, id="a halt keeps an entry back"),
        pytest.param(False, "sell", "0.1", 0, id="a halt keeps an exit back"),
        pytest.param(True, "buy", "0.1", 0, id="reduce-only keeps an entry back"),
        pytest.param(True, "sell", "0.1", 1, id="reduce-only lets an exit through"),
        pytest.param(True, "sell", "0.4", 0, id="reduce-only keeps a sale of the account's own coins back"),
    ],
)
def test_directly_before_the_call_a_halt_is_looked_at_again(trading, reduce_only, side, quantity, sent):
    bought = Acknowledged(venue_order_id="v0", status=OrderStatus.CLOSED, fills=(part("t"),))
    it = trading(bought, OPEN, sizing__sell_holdings="true")
    it.run(11)
    it.send("a", side=side, quantity=quantity)
    halt_at_the_next_execution(it, reduce_only=reduce_only)
    it.run(30)
    assert it.kinds().count("intent") == 2
    assert len(it.venue.sent) == 1 + sent


def halt_at_the_next_execution(it, *, reduce_only: bool) -> None:
    """The halt is committed together with the intents of that execution."""
    halt = e.Halted(reduce_only=reduce_only, why="a test")
    it.engine.parts.published.executions.stream.subscribe(lambda _: it.engine.record(halt))


def test_an_order_that_a_halt_kept_back_waits_until_it_expires(trading):
    it = trading(OPEN)
    halt_at_the_next_execution(it, reduce_only=False)
    it.run(11)
    assert it.kinds() == ["accepted", "intent", "deferred"]
    (deferred,) = it.bodies(e.Deferred)
    assert (deferred.reason, deferred.detail) == (Reason.HALTED, "a test")
    assert it.venue.sent == []
    it.run(120)
    (expired,) = it.bodies(e.Expired)
    assert (expired.reason, expired.measured) == (Reason.HALTED, "a test")
    assert it.venue.sent == []
    assert applied(it)


def test_a_signal_whose_time_runs_out_while_the_intent_is_committed_is_not_sent(trading):
    it = trading(OPEN, signals=0)
    it.send("a", ttl_s=11)
    it.loop.advance(9)
    it.journal.takes_s = 2
    it.loop.advance(20)
    assert it.kinds() == ["accepted", "intent", "deferred", "expired"]
    assert it.venue.sent == []
    assert applied(it)


def test_an_outcome_that_cannot_be_committed_is_tried_until_it_is(trading):
    it = trading(OPEN)
    it.journal.full_for = (e.Placed,)
    it.run(60)
    assert it.kinds() == ["accepted", "intent"]
    assert it.engine.parts.in_flight.count == 1
    assert it.engine.parts.commits.failing is not None
    it.journal.full_for = ()
    it.run(10)
    assert it.kinds() == ["accepted", "intent", "placed"]
    assert len(it.venue.sent) == 1
    assert applied(it)


def test_a_deferral_that_is_committed_late_is_tried_again_only_then(trading):
    it = trading(BUSY, OPEN)
    it.journal.full_for = (e.Deferred,)
    it.run(40)
    assert len(it.venue.sent) == 1
    it.journal.full_for = ()
    it.run(10)
    assert it.ledger() == {"placed": 1}
    assert applied(it)


def test_what_is_told_before_the_acknowledgement_is_committed_is_recorded_after_it(trading):
    it = trading(OPEN)
    it.journal.full_for = (e.Placed,)
    it.run(11)
    it.venue.update(OrderStatus.OPEN, part("t1"))
    it.venue.update(OrderStatus.CLOSED, part("t2", "0.75"))
    it.run(1)
    assert it.kinds() == ["accepted", "intent"]
    it.journal.full_for = ()
    it.run(10)
    assert it.kinds() == ["accepted", "intent", "placed", "filled", "filled", "order_changed"]
    assert it.engine.parts.state.book.account("paper").held("BTC/USDT") == 1
    assert it.engine.parts.state.statuses == {}
    assert locked(it) == 0


def test_what_is_told_of_an_order_that_is_not_placed_after_all_is_left_out(trading):
    it = trading(NO, takes_s=1)
    it.run(10.5)
    it.venue.update(OrderStatus.OPEN, part("t1"))
    it.run(5)
    assert it.kinds() == ["accepted", "intent", "failed"]


def test_a_trade_is_booked_once_however_often_it_is_told_of(trading):
    it = trading(Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN, fills=(part("t1"),)))
    it.run(11)
    it.venue.update(OrderStatus.OPEN, part("t1"))
    it.venue.update(OrderStatus.OPEN, part("t1"), part("t2"), part("t2"))
    it.run(1)
    it.venue.update(OrderStatus.OPEN, part("t2"), part("t1"))
    it.run(1)
    assert [body.fill.trade_id for body in it.bodies(e.Filled)] == ["t2"]
    assert it.engine.parts.state.book.account("paper").held("BTC/USDT") == Decimal("0.5")


def test_the_end_of_an_order_is_recorded_once(trading):
    it = trading(OPEN)
    it.run(11)
    for _ in range(2):
        it.venue.update(OrderStatus.CANCELED)
    it.run(1)
    it.venue.update(OrderStatus.CANCELED)
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "placed", "order_changed"]
    assert list(it.journal.open()) == []
    assert locked(it) == 0


def test_what_is_told_of_strangers_orders_is_left_out(trading):
    it = trading(OPEN)
    it.run(11)
    it.venue.tell(OrderUpdate(trader="paper", client_order_id="ff" * 9, at_ns=0, status=OrderStatus.CLOSED))
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "placed"]


def test_a_rest_that_is_canceled_leaves_what_is_filled(trading):
    it = trading(Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN, fills=(part("t1"),)))
    it.run(11)
    it.venue.update(OrderStatus.CANCELED)
    it.run(1)
    account = it.engine.parts.state.book.account("paper")
    assert account.held("BTC/USDT") == Decimal("0.25")
    assert account.balances["USDT"].locked == 0
    assert account.balances["USDT"].total == 10_000 - 25 - Decimal("0.025")
    assert it.ledger() == {"placed": 1}


def test_never_more_are_on_their_way_than_allowed(trading):
    it = trading(OPEN, takes_s=1, signals=7, execution__max_in_flight="3", limits__max_open_positions="99")
    most = 0
    for _ in range(200):
        it.loop.advance(0.1)
        most = max(most, it.engine.parts.in_flight.count)
    assert most == 3
    assert it.ledger() == {"placed": 7}
    assert applied(it)


@pytest.mark.parametrize("says", [OPEN, NO, BUSY, Unanswered(detail="?"), OSError("reset")], ids=repr)
def test_stopping_sees_what_is_on_its_way_through(trading, says):
    it = trading(says, takes_s=3, signals=2, execution__max_in_flight="1")
    it.run(11)
    assert it.ledger() == {"waiting": 1, "placing": 1}
    left = it.wait(it.engine.stop())
    assert "placing" not in left
    assert len(it.venue.sent) == 1
    assert it.engine.parts.in_flight.count == 0


def test_stopping_sees_an_order_through_whose_intent_is_being_committed(trading):
    it = trading(OPEN)
    it.run(9)
    it.journal.takes_s = 2
    it.loop.advance(2)
    assert it.venue.sent == []
    assert it.wait(it.engine.stop()) == {}
    assert it.ledger() == {"placed": 1}


def test_stopping_does_not_wait_for_a_venue_for_ever(trading):
    it = trading(OPEN, takes_s=3600)
    it.run(11)
    assert it.wait(it.engine.stop()) == {"placing": 1}
    assert it.loop.time() == pytest.approx(21, abs=2)


def test_stopping_does_not_wait_for_a_full_disk_for_ever(trading):
    it = trading(OPEN)
    it.journal.full_for = (e.Placed,)
    it.run(11)
    assert it.wait(it.engine.stop()) == {"placing": 1}
    assert it.loop.time() == pytest.approx(22, abs=2)


def test_an_intent_that_cannot_follow_what_is_queued_is_given_up(trading):
    it = trading(OPEN)
    it.run(1)
    (entry,) = it.engine.parts.pending.entries.values()
    request = e.Intent(
        client_order_id="an earlier order!",
        trader="paper",
        symbol="BTC/USDT",
        side=entry.signal.side,
        order_type=OrderType.LIMIT,
        amount=Decimal(1),
        price=Decimal(100),
        attempt=1,
        reserved=Decimal(100),
    )
    reopened = e.Reopened(
        client_order_id=request.client_order_id,
        venue_order_id="v0",
        detail="it is there",
        outcome="waiting",
        request=request,
        status=OrderStatus.OPEN,
    )
    it.engine.parts.commits.submit(Item(it.clock.wall_ns(), (reopened,), entry.number, entry.signal.id), must=True)
    it.engine.trigger()
    it.run(100)
    assert it.kinds() == ["accepted", "reopened"]
    assert it.venue.sent == []
    assert it.engine.parts.in_flight.count == 0
    assert len(it.engine.parts.pending) == 0
    assert list(it.engine.parts.state.book.account("paper").orders) == [request.client_order_id]
    assert it.engine.parts.state.halted is not None


@pytest.mark.parametrize(
    ("changed", "amount", "price"),
    [
        pytest.param({"lot": Decimal("0.4")}, Decimal("0.8"), Decimal("100.00"), id="lots"),
        pytest.param({"tick": Decimal(7)}, Decimal("0.95"), Decimal(105), id="ticks"),
    ],
)
def test_an_order_rejected_since_the_rules_changed_is_quantised_anew(trading, changed, amount, price):
    it = trading(NO, OPEN, sizing__notional="100")
    it.run(9)
    rules = it.venue.rules("BTC/USDT")
    it.venue.rules = lambda symbol: replace(rules, **changed) if it.venue.sent else rules
    it.run(5)
    assert it.kinds() == ["accepted", "intent", "deferred", "intent", "placed"]
    first, second = it.venue.sent
    assert (first.amount, first.price) == (Decimal(1), Decimal(100))
    assert (second.amount, second.price) == (amount, price)
    assert (first.attempt, second.attempt) == (1, 2)
    (deferred,) = it.bodies(e.Deferred)
    assert deferred.reason is Reason.REJECTED
    assert not deferred.final
    assert deferred.detail == "unknown order type; the rules of BTC/USDT changed: the next attempt follows them"
    assert applied(it)


def test_an_order_that_fits_the_rules_as_they_are_now_was_rejected_for_good(trading):
    it = trading(NO, OPEN)
    it.run(9)
    rules = it.venue.rules("BTC/USDT")
    it.venue.rules = lambda symbol: replace(rules, lot=Decimal("0.001")) if it.venue.sent else rules
    it.run(5)
    assert it.kinds() == ["accepted", "intent", "failed"]


def test_attempts_by_new_rules_are_attempts_too(trading):
    it = trading(NO, execution__order_creation_retries="3")
    rules, lots = it.venue.rules("BTC/USDT"), [Decimal("0.01"), Decimal("0.3"), Decimal("0.07"), Decimal("0.011")]
    it.venue.rules = lambda symbol: replace(rules, lot=lots[len(it.venue.sent)])
    it.run(60)
    assert len(it.venue.sent) == 3
    assert it.kinds()[-1] == "failed"


def bnb(trade_id: str) -> Fill:
    return fill(trade_id, "0.5", fee="0.0001", fee_currency="BNB")


@pytest.mark.parametrize(
    ("price", "value"), [pytest.param("600", "0.06", id="its price is known"), pytest.param(None, None, id="it is not")]
)
def test_a_fee_in_a_third_currency_is_recorded_with_its_value_where_its_price_is_known(trading, price, value):
    at_once = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN, fills=(bnb("t1"),))
    it = trading(at_once, symbols='["BTC/USDT", "BNB/USDT"]')
    if price is None:
        del it.engine.parts.markets.quotes["BNB/USDT"]
    else:
        it.quote("BNB/USDT", price)
    it.run(11)
    it.venue.update(OrderStatus.CLOSED, bnb("t1"), bnb("t2"))
    it.run(1)
    (placed,), (later,) = it.bodies(e.Placed), it.bodies(e.Filled)
    assert [fill.fee_in_quote for fill in (*placed.fills, later.fill)] == [value and Decimal(value)] * 2
    account = it.engine.parts.state.book.account("paper")
    assert account.holdings["BTC/USDT"].cost == 100 + 2 * Decimal(value or 0)
    assert account.fees == {"BNB": Decimal("0.0002")}
    assert account.unvalued_fees == ({} if value else {"BNB": Decimal("0.0002")})


def test_fees_in_the_currencies_traded_carry_no_value(trading):
    it = trading(Acknowledged(venue_order_id="v1", status=OrderStatus.CLOSED, fills=(part("t"),)))
    it.run(11)
    assert [fill.fee_in_quote for placed in it.bodies(e.Placed) for fill in placed.fills] == [None]
