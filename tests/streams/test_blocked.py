"""However many signals wait for the same, it takes a few looks to find out whether it is over."""

import pytest
from reactivex import Subject

from streams.availability import FOR_EVER, Watch
from streams.blocked import BlockedSignals, WaitCondition
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.order import Acknowledged, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal
from tidegate.venues.ccxt.pace import OrderPace

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
WHY = Refusal(Reason.NO_TRADER, measured="a: paced")
MANY = 400
S = 1_000_000_000


def waiting(trading, *script, **changes):
    """Many signals, enough money for all, and no account that takes them."""
    it = trading(
        *script,
        signals=MANY,
        sizing__notional="10",
        execution__signal_ttl_s="3600",
        limits__max_open_positions="1000",
        **changes,
    )
    it.run(1)
    return it, it.engine.parts.availability


def looks(it) -> int:
    return it.engine.parts.activity.decisions


def test_signals_that_wait_for_an_account_to_be_compared_are_looked_at_once_it_is(trading):
    it, availability = waiting(trading, OPEN)
    availability.await_reconciliation("paper")
    it.run(10)
    assert looks(it) <= MANY
    before = looks(it)
    it.run(600)
    assert looks(it) - before <= 600 / 30 + 1  # one at each execution
    before = looks(it)
    availability.reconciled("paper")
    it.run(1)
    assert it.ledger() == {"placed": MANY}
    assert looks(it) - before == MANY


def test_signals_that_keep_the_pace_are_looked_at_as_it_allows_and_the_best_go_first(trading):
    it, availability = waiting(trading, OPEN)
    availability.pace("paper", OrderPace((), {10: 20}))
    it.send("the best", strength=1)
    it.run(9)
    before, sent = looks(it), len(it.venue.sent)
    it.run(60)
    placed = len(it.venue.sent) - sent
    assert placed == pytest.approx(120, abs=12)
    assert looks(it) - before <= MANY + 3 * placed
    before, sent = looks(it), len(it.venue.sent)
    it.run(60)
    assert looks(it) - before <= 3 * (len(it.venue.sent) - sent) + 3
    best = next(event.number for event in it.journal.read() if isinstance(event.body, e.Intent))
    assert it.journal.history(best).events[0].body.score == max(body.score for body in it.bodies(e.Accepted))


def test_signals_wait_for_a_ban_to_end_and_are_looked_at_then(trading):
    banned = NotPlaced(reason=Reason.BANNED, detail="418", final=False, retry_after_s=300)
    it, _ = waiting(trading, banned, *[OPEN] * 3, execution__max_in_flight="1")
    it.run(10)
    assert len(it.venue.sent) == 1
    before = looks(it)
    it.run(280)
    assert looks(it) - before <= 11
    assert it.ledger() == {"waiting": MANY}
    it.run(25)
    assert it.ledger() == {"placed": MANY}


def test_signals_wait_for_an_open_circuit_to_close(trading):
    it, availability = waiting(trading, OPEN)
    for _ in range(5):
        availability.report_trader_failure("paper", Refusal(Reason.NO_ANSWER), it.clock.now_ns(), watch=Watch.READS)
    it.run(25)
    assert looks(it) <= MANY + 2
    assert it.venue.sent == []
    it.run(10)  # the probe has succeeded, 30 s after the circuit opened
    assert it.ledger() == {"placed": MANY}


def test_a_blocked_signal_expires_with_what_blocked_it_last(trading):
    it, availability = waiting(trading, OPEN)
    availability.await_reconciliation("paper")
    it.run(30)
    why = Refusal(Reason.BANNED, measured="418")
    availability.report_trader_failure("paper", why, it.clock.now_ns(), retry_after_s=7200)
    availability.reconciled("paper")
    it.run(3600)
    assert it.ledger() == {"expired": MANY}
    assert {body.measured for body in it.bodies(e.Expired)} == {"paper: banned: 418"}
    assert len(it.engine.parts.pending.blocked._pools) == 0


def blocked(freed=None):
    loop = VirtualLoop()
    clock = Clock.simulated(loop, 0)
    it = BlockedSignals(clock, freed or Subject())
    over = []
    it.over.subscribe(lambda _: over.append(clock.now_ns() // S))
    return loop, it, over


def test_it_tells_once_in_a_turn_when_a_moment_has_come_or_a_trader_is_freed():
    freed = Subject()
    loop, it, over = blocked(freed)
    it.add(1, 0.5, WaitCondition(WHY, 10 * S, frozenset({"a"})))
    it.add(2, 0.5, WaitCondition(WHY, 10 * S, frozenset({"b"})))
    it.add(3, 0.5, WaitCondition(WHY, 25 * S, frozenset({"b"}), "BTC/USDT"))
    it.add(4, 0.5, WaitCondition(WHY, FOR_EVER, frozenset({"c", "d"})))
    loop.call_later(30, freed.on_next, "d")
    loop.call_later(30, freed.on_next, "c")
    loop.call_later(40, freed.on_next, "nobody's")
    loop.advance(10)
    assert it.take(10) == [1, 2]
    loop.advance(50)
    assert over == [10, 25, 30]
    assert it.take(10) == [3, 4]


def test_it_gives_the_best_first_and_twice_as_many_until_one_is_blocked_again():
    loop, it, _ = blocked()
    blocker = WaitCondition(WHY, 10 * S, frozenset({"a"}))
    for number in range(1, 101):
        it.add(number, number / 100, blocker)
    assert it.take(50) == []
    loop.advance(10)
    assert [it.take(50), it.take(50), it.take(50)] == [[100], [99, 98], [97, 96, 95, 94]]
    it.add(94, 0.94, WaitCondition(WHY, 20 * S, frozenset({"a"})))
    assert it.take(50) == []
    it.discard(93)
    it.discard(93)
    loop.advance(10)
    assert [it.take(0), it.take(1), it.take(9)] == [[94], [92], [91, 90, 89, 88]]
    assert 91 not in it
    assert 87 in it
    assert (it.why(87), it.why(91)) == (WHY, None)


def test_it_keeps_nothing_of_those_that_are_gone():
    loop, it, over = blocked()
    for number in range(10_000):
        it.add(number, 0.5, WaitCondition(WHY, 10 * S, frozenset({"a"})))
        it.discard(number - 3)
    (pool,) = it._pools.values()
    assert len(pool._heap) < 100
    for number in range(10_000):
        it.discard(number)
    assert it._pools == {}
    loop.advance(20)
    assert over == []
