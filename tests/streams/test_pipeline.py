"""The life of a signal, from the door to its recorded outcome."""

from decimal import Decimal

import pytest
from reactivex import Subject

from streams.pipeline import pipeline
from streams.reconciliation_schedule import reconcile
from tidegate.domain import events as e
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.market import Quote
from tidegate.domain.order import Acknowledged, OrderStatus, Unanswered
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw


def test_a_signal_becomes_an_order_at_the_next_execution(stage):
    it = stage().start()
    it.send("a")
    it.run(9)
    assert it.ledger() == {"waiting": 1}
    it.run(2)
    assert it.kinds() == ["accepted", "intent", "placed"]
    assert it.ledger() == {"placed": 1}
    (placed,) = it.bodies(e.Placed)
    assert placed.status is OrderStatus.CLOSED
    assert sum(fill.amount * fill.price for fill in placed.fills) == Decimal(100)


def test_the_sender_is_told_after_the_commit(stage):
    it = stage().start()
    it.send("a")
    assert it.receipts == []
    it.run(1)
    (receipt,) = it.receipts
    assert it.journal.find([receipt.signal_id]) == {receipt.signal_id: 3}
    assert (receipt.reason, receipt.redelivered) == (None, False)


@pytest.mark.parametrize(
    ("fields", "reason", "measured", "limit"),
    [
        pytest.param({"strength": 0.2}, Reason.WEAK, 0.2, 0.5, id="weak"),
        pytest.param({"timestamp": 1_735_689_590_000}, Reason.STALE, 10_000.0, 5000.0, id="stale"),
        pytest.param({"timestamp": 1_735_689_606_000}, Reason.FROM_FUTURE, 6000.0, 5000.0, id="from the future"),
        pytest.param(
            {"strength": 2}, Reason.MALFORMED, "Expected `float` <= 1.0 - at `$.strength`", None, id="malformed"
        ),
        pytest.param(
            {"leverage": 3}, Reason.MALFORMED, "Object contains unknown field `leverage`", None, id="unknown field"
        ),
    ],
)
def test_what_is_refused_at_receipt_is_recorded_with_measure_and_limit(stage, fields, reason, measured, limit):
    it = stage().start()
    it.send("a", **fields)
    it.run(1)
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.measured, refused.limit) == (reason, measured, limit)
    assert it.receipts[0].reason is reason
    assert it.ledger() == {"refused": 1}


def test_a_redelivery_changes_nothing_and_is_recorded(stage):
    it = stage().start()
    it.send("a")
    it.send("a")
    it.run(1)
    assert it.kinds() == ["accepted", "redelivered"]
    assert [receipt.redelivered for receipt in it.receipts] == [False, True]
    assert it.receipts[0].signal_id == it.receipts[1].signal_id
    assert (it.ledger(), it.engine.parts.state.ledger.redelivered) == ({"waiting": 1}, 1)


def test_a_known_id_with_other_content_is_a_refused_line_of_its_own(stage):
    it = stage().start()
    it.send("a")
    it.send("a", strength=0.8)
    it.send("a", strength=0.8)
    it.run(12)
    assert it.kinds() == ["accepted", "refused", "redelivered", "intent", "placed"]
    assert it.bodies(e.Refused)[0].reason is Reason.CONFLICT
    assert it.ledger() == {"refused": 1, "placed": 1}
    assert len({receipt.signal_id for receipt in it.receipts}) == 2


def test_a_repeat_within_the_window_is_refused(stage):
    it = stage(dedup__window_s="60").start()
    it.send("a")
    it.send("b")
    it.send("c", side="sell")
    it.run(1)
    assert [refused.reason for refused in it.bodies(e.Refused)] == [Reason.REPEAT]
    assert it.ledger() == {"waiting": 2, "refused": 1}


def test_a_signal_nobody_can_execute_expires_with_its_last_obstacle(stage):
    it = stage().start(price=None)
    it.send("a", ttl_s=25)
    it.run(24)
    assert it.ledger() == {"waiting": 1}
    it.run(2)
    (expired,) = it.bodies(e.Expired)
    assert (expired.reason, expired.measured) == (Reason.NO_MARKET_DATA, "BTC/USDT")
    assert it.ledger() == {"expired": 1}


def test_old_market_data_is_an_obstacle_that_goes_away(stage):
    it = stage().start()
    it.loop.advance(1)
    it.send("a")
    it.loop.advance(29)
    assert it.ledger() == {"placed": 1}  # at 10 s the data was ten seconds old, within two timeframes
    it.send("b", symbol="ETH/USDT")
    it.loop.advance(30)
    assert it.ledger() == {"placed": 1, "waiting": 1}
    it.quote("ETH/USDT", "100")
    it.engine.trigger()
    it.loop.advance(1)
    assert it.ledger() == {"placed": 2}


@pytest.mark.parametrize(
    ("changes", "fields", "reason"),
    [
        pytest.param({"limits__max_order_notional": "99"}, {}, Reason.NOTIONAL_LIMIT, id="too large"),
        pytest.param({}, {"quantity": "0.0001"}, Reason.BELOW_MINIMUM, id="too small"),
        pytest.param({}, {"symbol": "XRP/USDT", "side": "sell"}, Reason.NO_POSITION, id="nothing to sell"),
        pytest.param(
            {"limits__max_order_notional": "99999"}, {"quantity": "500"}, Reason.INSUFFICIENT_BALANCE, id="no money"
        ),
    ],
)
def test_our_own_limits_refuse_at_the_time_of_execution(stage, changes, fields, reason):
    it = stage(**changes).start()
    it.send("a", **fields)
    it.run(11)
    assert it.kinds() == ["accepted", "refused"]
    assert it.bodies(e.Refused)[0].reason is reason
    assert it.ledger() == {"refused": 1}


@pytest.mark.parametrize(
    ("changes", "fields", "reason", "limit"),
    [
        pytest.param({}, {"symbol": "DOGE/USDT"}, Reason.UNKNOWN_SYMBOL,
                     "BTC/USDT, ETH/USDT, SOL/USDT, XRP/USDT", id="a symbol nobody follows"),
        pytest.param({"traders": '[{"id": "a", "symbols": ["ETH/USDT"]}]'}, {}, Reason.UNKNOWN_SYMBOL, "a",
                     id="a symbol that is followed, but that no account trades"),
        pytest.param({}, {"trader": "other"}, Reason.UNKNOWN_TRADER, "paper", id="a trader nobody has"),
    ],
)  # fmt: skip
def test_what_nobody_can_trade_is_refused_when_it_comes_in(stage, changes, fields, reason, limit):
    it = stage(**changes).start()
    it.send("a", **fields)
    it.run(1)
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.limit) == (reason, limit)
    assert [receipt.reason for receipt in it.receipts] == [reason]
    assert it.kinds() == ["refused"]


def test_a_symbol_that_is_followed_no_more_after_a_restart_is_refused_when_its_turn_comes(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/j.db"
    before = stage(url, execution__signal_ttl_s="600").start()
    before.send("a", symbol="SOL/USDT")
    before.run(1)
    before.wait(before.engine.stop())
    it = stage(url, symbols='["BTC/USDT"]', start_ns=before.clock.now_ns()).start()
    it.run(11)
    assert [refused.reason for refused in it.bodies(e.Refused)] == [Reason.UNKNOWN_SYMBOL]


def test_positions_are_limited_over_all_symbols_with_orders_of_the_same_tick_counted(stage):
    it = stage(limits__max_open_positions="2").start()
    for symbol, strength in (("BTC", 0.6), ("ETH", 0.9), ("SOL", 0.8), ("ETH", 0.7)):
        it.send(f"{symbol}{strength}", symbol=f"{symbol}/USDT", strength=strength)
    it.run(11)
    assert it.ledger() == {"placed": 3, "refused": 1}
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.measured, refused.limit) == (Reason.POSITION_LIMIT, 3, 2)
    assert {intent.symbol for intent in it.bodies(e.Intent)} == {"ETH/USDT", "SOL/USDT"}  # the best scores first


def test_selling_closes_what_our_trades_hold(stage):
    it = stage().start()
    it.send("in", symbol="XRP/USDT")
    it.run(11)
    it.quote("XRP/USDT", "110")
    it.send("out", symbol="XRP/USDT", side="sell")
    it.run(30)
    account = it.engine.parts.state.book.accounts["paper"]
    assert account.held("XRP/USDT") == 0
    assert account.holdings["XRP/USDT"].realized > 9
    assert it.ledger() == {"placed": 2}


def test_a_holding_is_closed_once_however_many_signals_sell_in_one_tick(stage):
    it = stage(traders__0__balances='{"USDT": "1000"}').start()
    it.send("in")
    it.run(11)
    for key in ("out", "out too", "and out"):
        it.send(key, side="sell")
    it.run(30)
    assert it.ledger() == {"placed": 2, "refused": 2}
    assert {refused.reason for refused in it.bodies(e.Refused)} == {Reason.NO_POSITION}


def test_an_urgent_signal_does_not_wait_for_the_tick_and_takes_no_other_along(stage):
    it = stage(execution__urgent_score="0.9").start()
    it.send("calm", strength=0.6)
    it.send("urgent", strength=1.0)
    it.run(1)
    assert it.ledger() == {"waiting": 1, "placed": 1}


def test_a_trigger_executes_all_that_waits(stage):
    it = stage().start()
    it.send("a")
    it.run(1)
    it.engine.trigger()
    it.run(1)
    assert it.ledger() == {"placed": 1}


@pytest.mark.parametrize(
    ("reduce_only", "placed"), [pytest.param(False, 0, id="halt"), pytest.param(True, 1, id="reduce-only")]
)
def test_a_halt_keeps_orders_back_and_survives_a_restart(stage, tmp_path, reduce_only, placed):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = stage(url).start()
    first.send("held before")
    first.run(11)
    first.engine.record(e.Halted(reduce_only=reduce_only, why="a test"))
    first.run(1)
    first.wait(first.engine.stop())
    it = stage(url, start_ns=first.clock.now_ns()).start()
    it.send("in")
    it.send("out", side="sell", quantity="0.1")
    it.run(40)
    assert it.ledger()["placed"] == 1 + placed
    it.engine.record(e.Resumed())
    it.run(40)
    assert it.ledger() == {"placed": 3}


def test_what_is_partly_filled_is_filled_by_later_news_and_booked_once(stage):
    it = stage().start(price=None)
    it.quote("BTC/USDT", "100", depth="0.4")
    it.send("a")
    it.run(11)
    assert [placed.status for placed in it.bodies(e.Placed)] == [OrderStatus.OPEN]
    it.run(3)
    account = it.engine.parts.state.book.accounts["paper"]
    assert it.bodies(e.OrderChanged)[0].status is OrderStatus.CLOSED
    assert sum(filled.fill.amount for filled in it.bodies(e.Filled)) + it.bodies(e.Placed)[0].fills[0].amount == 1
    assert account.held("BTC/USDT") == 1
    assert account.balances["USDT"].locked == 0
    assert it.engine.parts.state.statuses == {}


def test_the_door_is_full_while_as_many_signals_wait_as_may(stage):
    it = stage(intake__max_waiting="2", intake__capacity="1", intake__max_delay_ms="5000").start()
    for key in "abcd":
        it.send(key, symbol="BTC/USDT")
        it.run(1)
    assert it.ledger() == {"waiting": 2}
    it.engine.trigger()
    it.run(1)
    assert it.ledger() == {"placed": 2, "waiting": 1}  # c waited at the door, d was turned away
    assert [receipt.reason for receipt in it.receipts] == [None, None, Reason.DOOR_FULL, None]


def outcomes(it):
    return {outcome.value: count for outcome, count in it.engine.parts.state.ledger.outcomes.items() if count}


def test_building_the_pipeline_does_nothing_and_each_subscription_starts_one_of_its_own(stage):
    both, line = [stage(), stage()], b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":"now","key":"a"}'
    signals, left = Subject(), list(both)
    built = pipeline(signals, both[0].engine.rules, lambda: left.pop(0).engine.parts)
    signals.on_next(Raw(line, may_say_now=True))
    for it in both:
        it.run(11)
        assert it.kinds() == []
        assert it.bodies()[-1] == it.bodies(e.Funded)[-1]
    started = [built.subscribe(), built.subscribe()]
    assert left == []
    for it in both:
        quote = Quote("BTC/USDT", it.clock.wall_ns(), bid=Decimal(100), ask=Decimal(100), depth=Decimal(1000))
        it.engine.parts.markets.follow(quote)
        for trader in it.engine.parts.traders:
            trader.venue.on_quote(quote)
    signals.on_next(Raw(line, may_say_now=True))
    for it in both:
        it.loop.advance(11)
        assert it.kinds() == ["accepted", "intent", "placed"]
        assert outcomes(it) == {"placed": 1}
    started[0].dispose()
    signals.on_next(Raw(line.replace(b'"a"', b'"b"'), may_say_now=True))
    for it in both:
        it.loop.advance(1)
    assert [outcomes(it) for it in both] == [{"placed": 1}, {"placed": 1, "waiting": 1}]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_raising_subscriber_of_what_is_published_kills_nothing(stage, when):
    it = stage()
    published = it.engine.parts.published
    if when == "after":
        it.start()
    for stream in (published.events, published.executions, published.verdicts):
        stream.stream.subscribe(lambda _: 1 / 0)
    if when == "before":
        it.start()
    it.send("a")
    it.run(11)
    assert it.ledger() == {"placed": 1}
    assert not it.engine.failed.done()
    assert len(it.bodies(e.Incident)) == 3


def test_unsubscribing_ends_resolution_and_leaves_the_order_to_the_next_start(trading):
    it = trading(Unanswered(detail="?"), found=Unanswered(detail="still?"))
    it.run(15)
    assert it.ledger() == {"unknown": 1}
    asked = len(it.venue.asked_at_s)
    assert asked > 0
    it.engine._subscriptions.dispose()
    it.venue.found = [Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)]
    it.run(60)
    assert it.ledger() == {"unknown": 1}
    assert len(it.venue.asked_at_s) <= asked + 1


def test_reconciliation_closes_every_account_until_it_was_compared_and_ends_with_its_subscription(trading):
    it = trading(Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN), signals=0)
    parts = it.engine.parts
    it.venue.down = it.venue.silent = VenueUnavailable("no route")
    subscribed = reconcile(parts.reconciliations, parts.availability).subscribe()
    assert parts.availability.check_trader("paper", it.clock.now_ns()).why.reason is Reason.NOT_RECONCILED
    it.run(2)
    assert parts.availability.check_trader("paper", it.clock.now_ns()).why.reason is Reason.NOT_RECONCILED
    it.venue.down = it.venue.silent = None
    it.run(10)
    assert parts.availability.check_trader("paper", it.clock.now_ns()) is None
    subscribed.dispose()
    it.venue.down = it.venue.silent = VenueUnavailable("no route")
    before = len(it.bodies(e.Incident))
    it.run(200)
    assert len(it.bodies(e.Incident)) == before
