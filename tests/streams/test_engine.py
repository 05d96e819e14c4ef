"""One running pipeline: when it is idle, how it stops, and what happens when something goes wrong."""

import asyncio
from contextlib import closing
from decimal import Decimal

from reactivex import Subject, never, throw

from tidegate.domain import events as e
from tidegate.domain.difference import DifferenceKind
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.incident import IncidentKind
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.order import Acknowledged, OrderStatus, Unanswered, VenueOrder
from tidegate.domain.ports import Item
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Side
from tidegate.insight.report import report_of
from tidegate.insight.telemetry import Telemetry
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)


def line(key: str) -> Raw:
    said = b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":"now","key":"%s"}' % key.encode()
    return Raw(said, may_say_now=True)


def faults(it) -> list[tuple[str, str]]:
    return [(body.where, body.text) for body in it.bodies(e.Incident)]


def test_it_is_idle_once_the_inputs_are_at_their_end_and_nothing_waits(trading):
    it = trading(OPEN, signals=0)
    assert it.engine.idle
    it.send("a")
    assert not it.engine.idle
    it.run(1)
    assert not it.engine.idle
    idle = it.engine.when_idle()
    it.run(8)
    assert not idle.done()
    it.run(2)
    assert idle.done()
    assert it.engine.idle


def test_an_order_on_its_way_is_not_idle(trading):
    it = trading(OPEN, takes_s=5)
    idle = it.engine.when_idle()
    it.run(14)
    assert not idle.done()
    it.run(2)
    assert idle.done()


def test_what_is_unknown_is_not_idle(trading):
    it = trading(Unanswered(detail="?"))
    it.run(200)
    assert not it.engine.idle


def test_it_waits_for_its_inputs_and_not_for_the_background(stage):
    it = stage()
    first, second = Subject(), Subject()
    it.wait(it.engine.start([first, second], background=[never()]))
    idle = it.engine.when_idle()
    first.on_completed()
    it.run(1)
    assert not idle.done()
    second.on_completed()
    it.run(1)
    assert idle.done()


def test_the_end_of_the_input_executes_what_came_with_it(stage):
    it = stage()
    lines = Subject()
    it.start(inputs=[lines])
    lines.on_next(line("a"))
    lines.on_completed()
    idle = it.engine.when_idle()
    it.loop.advance(0.001)
    assert it.kinds() == ["accepted", "intent", "placed"]
    assert idle.done()


def test_stopping_tells_what_is_left_and_records_it(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = stage(url).start(price=None)
    it.send("a")
    it.send("b")
    assert it.wait(it.engine.stop()) == {"waiting": 2}
    again = stage(url)
    assert [body.left for body in again.bodies(e.Stopped)] == [{"waiting": 2}]
    behind = again.journal.read(again.journal.snapshots()["state"].position)
    assert [e.kind_of(event.body) for event in behind] == ["stopped", "started"]


def test_after_a_stop_nothing_is_taken_and_senders_are_told(stage):
    it = stage().start()
    it.wait(it.engine.stop())
    it.engine.inbox.hand_in(Raw(b"{}", reply=it.receipts.append))
    it.receipts.append(it.wait(it.engine.submit(b"{}")))
    assert [(receipt.signal_id, receipt.reason) for receipt in it.receipts] == [(None, Reason.STOPPING)] * 2


def test_what_waits_at_the_door_is_told_when_it_stops(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = stage(url, intake__capacity="1").start()
    it.send("a")
    it.send("b")
    it.send("c")
    it.wait(it.engine.stop())
    assert [receipt.reason for receipt in it.receipts] == [Reason.DOOR_FULL, Reason.STOPPING, None]
    turned_away = stage(url).bodies(e.TurnedAway)
    assert {body.reason: body.count for body in turned_away} == {Reason.DOOR_FULL: 1, Reason.STOPPING: 1}


def test_what_is_turned_away_is_recorded_with_each_execution(stage):
    it = stage(intake__capacity="1").start()
    for key in "abcd":
        it.send(key)
    it.run(9)
    assert it.bodies(e.TurnedAway) == []
    it.run(2)
    assert it.bodies(e.TurnedAway) == [e.TurnedAway(count=2, reason=Reason.DOOR_FULL)]
    assert it.engine.parts.state.ledger.turned_away == 2
    it.engine.trigger()
    it.run(1)
    assert len(it.bodies(e.TurnedAway)) == 1


def test_what_a_full_disk_turned_away_is_recorded_when_it_is_over(trading):
    it = trading(OPEN, signals=0)
    it.journal.full_for = (e.Accepted,)
    it.send("a")
    it.run(1)
    assert [receipt.reason for receipt in it.receipts] == [Reason.JOURNAL_UNAVAILABLE]
    it.engine.trigger()
    it.run(1)
    assert it.bodies(e.TurnedAway) == []
    it.journal.full_for = ()
    it.engine.record(e.Resumed())
    it.run(1)
    it.engine.trigger()
    it.run(1)
    assert it.bodies(e.TurnedAway) == [e.TurnedAway(count=1, reason=Reason.JOURNAL_UNAVAILABLE)]


def test_what_an_observer_raises_is_recorded_once_a_commit_and_stops_nothing(stage):
    it = stage()
    seen = []
    it.engine.observe("the screen", lambda events: 1 / 0)
    it.engine.observe("the log", seen.extend)
    it.start()
    before = len(faults(it))
    it.send("a")
    it.run(11)
    assert {(where, error.partition(":")[0]) for where, error in faults(it)} == {("the screen", "ZeroDivisionError")}
    assert {body.kind for body in it.bodies(e.Incident)} == {IncidentKind.SUBSCRIBER_RAISED}
    assert len(faults(it)) == before + 3  # accepted, intent, placed
    assert it.ledger() == {"placed": 1}
    assert [type(event.body) for event in seen if event.number] == [e.Accepted, e.Intent, e.Placed]
    assert not it.engine.failed.done()


def test_an_event_that_cannot_follow_what_is_queued_is_not_written_and_halts_entries(trading):
    it = trading(OPEN)
    it.run(1)
    (entry,) = it.engine.parts.pending.entries.values()
    expired_twice = e.Expired(reason=Reason.HALTED)
    it.engine.parts.pending.end(entry, expired_twice)
    it.engine.parts.pending.end(entry, expired_twice)
    it.send("b")
    it.run(100)
    assert not it.engine.failed.done()
    assert it.kinds() == ["accepted", "expired", "accepted"]
    assert it.venue.sent == []
    (halted,) = it.bodies(e.Halted)
    assert halted.reduce_only
    why = f"expired of signal {entry.signal.id} was not recorded: expired cannot follow expired"
    assert faults(it) == [("journal", why)]
    assert [(body.kind, body.severity) for body in it.bodies(e.Incident)] == [("journal_refused", "critical")]
    assert halted.why == why
    assert it.ledger() == {"expired": 1, "waiting": 1}


def test_a_stream_that_breaks_fails_the_pipeline(stage):
    it = stage()
    it.wait(it.engine.start([throw(OSError("gone"))]))
    it.loop.advance(1)
    assert isinstance(it.engine.failed.exception(), OSError)
    it.send("a")
    assert [receipt.reason for receipt in it.receipts] == [Reason.STOPPING]
    it.loop.advance(20)
    assert it.kinds() == []
    it.wait(it.engine.stop())


def test_a_signal_on_which_the_execution_raises_is_refused_and_the_others_go_on(trading):
    it = trading(OPEN)
    rules = it.venue.rules
    it.venue.rules = lambda symbol: 1 / 0 if symbol == "ETH/USDT" else rules(symbol)
    it.send("b", symbol="ETH/USDT", strength=1.0)
    it.run(11)
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.measured, refused.rule) == (
        Reason.CHECK_FAILED,
        "ZeroDivisionError('division by zero')",
        "decide",
    )
    assert it.ledger() == {"refused": 1, "placed": 1}


def test_a_ledger_that_does_not_balance_halts_entries(stage):
    it = stage().start()
    it.engine.parts.state.ledger.received += 1
    it.send("a")
    it.run(1)
    (halted,) = it.bodies(e.Halted)
    assert halted.reduce_only
    assert it.engine.parts.state.halted == halted
    it.run(20)
    assert "intent" not in it.kinds()


def test_silence_of_the_market_is_a_gap_and_no_fault_recorded_once_and_again_after_news(stage):
    it = stage()
    telemetry = Telemetry.of(it.engine)
    it.start()
    it.loop.advance(19)
    assert it.bodies(e.Gap) == []
    it.loop.advance(100)
    assert it.bodies(e.Gap) == [e.Gap(where="market data", silent_s=20)]
    it.quote("BTC/USDT", "100")
    it.send("a")
    it.engine.trigger()
    it.loop.advance(15)
    assert it.ledger() == {"placed": 1}
    assert len(it.bodies(e.Gap)) == 1
    it.loop.advance(10)
    assert len(it.bodies(e.Gap)) == 2
    assert faults(it) == []
    assert (telemetry.faults, telemetry.counts["gap"]) == (0, 2)


def test_the_end_of_a_recording_is_no_silence(stage):
    it = stage().start()
    it.loop.advance(5)
    it.news.on_completed()
    it.loop.advance(100)
    assert it.bodies(e.Gap) == []


def test_submitting_waits_for_the_receipt(stage):
    it = stage().start()
    said = b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":"now","key":"a"}'
    receipt = it.wait(it.engine.submit(said, may_say_now=True))
    assert it.journal.find([receipt.signal_id])
    again = it.wait(it.engine.submit(said, may_say_now=True))
    assert (again.signal_id, again.redelivered) == (receipt.signal_id, True)


def test_a_senders_reply_that_raises_harms_nobody(stage):
    it = stage().start()
    said = b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":"now","key":"a"}'
    it.engine.inbox.give((Raw(said, may_say_now=True, reply=lambda _: 1 / 0),))
    it.send("b")
    it.loop.advance(11)
    assert [type(report["exception"]) for report in it.loop.unhandled] == [ZeroDivisionError]
    assert it.engine.parts.state.ledger.outcomes[Outcome.PLACED] == 2
    assert not it.engine.failed.done()


def written(url, *items):
    """What a program wrote that checked nothing."""
    journal = SqliteJournal(url, mode="paper")
    asyncio.run(journal.commit(items, {}))
    journal.close()


def test_a_journal_with_an_event_that_cannot_be_opens_halted_until_a_person_resumes(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(OPEN, url=url)
    first.run(11)
    (signal_id,) = {event.signal_id for event in first.journal.read() if event.number}
    number = next(event.number for event in first.journal.read() if event.number)
    first.kill()
    written(url, Item(first.clock.now_ns(), (e.Expired(reason=Reason.HALTED),), number, signal_id, done=True))
    second = trading(OPEN, url=url, start_ns=first.clock.now_ns(), signals=0)
    second.send("b")
    second.run(15)
    assert second.ledger() == {"placed": 1, "waiting": 1}
    (halted,) = second.bodies(e.Halted)
    assert halted == second.engine.parts.state.halted
    assert halted.reduce_only
    assert f"signal {signal_id}: expired cannot follow placed" in halted.why
    assert second.venue.sent == []
    with closing(SqliteReader(url)) as reader:
        assert report_of(reader)["placed"] == 1
    second.engine.record(e.Resumed())
    second.run(30)
    assert second.ledger() == {"placed": 2}
    second.kill()
    third = trading(OPEN, url=url, start_ns=second.clock.now_ns(), signals=0)
    third.send("c")
    third.run(15)
    assert third.engine.parts.state.halted is None
    assert third.ledger() == {"placed": 3}


def test_an_order_whose_end_could_not_be_is_asked_for_after_all(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(Unanswered(detail="?"), url=url)
    first.run(11)
    number, signal_id = next((event.number, event.signal_id) for event in first.journal.read() if event.number)
    first.kill()
    written(url, Item(first.clock.now_ns(), (e.Expired(reason=Reason.HALTED),), number, signal_id, done=True))
    second = trading(OPEN, url=url, start_ns=first.clock.now_ns(), signals=0, found=OPEN)
    second.run(5)
    assert second.ledger() == {"placed": 1}


def test_an_event_that_cannot_be_encoded_is_told_and_takes_no_other_with_it(trading):
    it = trading(OPEN)
    it.engine.record(e.Incident.of(IncidentKind.STRATEGY_RAISED, "a strategy", "f\udcfcr"))
    it.engine.record(e.Halted(reduce_only=True, why="f\udcfcr"))
    it.run(1)
    assert it.ledger() == {"waiting": 1}
    assert [where for where, _ in faults(it)] == ["journal", "journal"]
    assert all("surrogates not allowed" in error for _, error in faults(it))
    assert it.engine.parts.state.halted == e.Halted(reduce_only=True, why=r"'f\udcfcr'")
    assert not it.engine.failed.done()


def test_an_outcome_that_cannot_be_encoded_halts_entries_and_the_next_start_asks_the_venue(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = trading(Acknowledged(venue_order_id="f\udcfcr", status=OrderStatus.OPEN), OPEN, url=url, signals=2)
    it.run(11)
    assert sorted(it.kinds()) == ["accepted", "accepted", "intent", "intent", "placed"]
    assert it.engine.parts.in_flight.count == 0
    (halted,) = it.bodies(e.Halted)
    assert it.ledger() == {"placed": 1, "placing": 1}
    assert any(stood.signal_id in halted.why for stood in it.engine.parts.state.statuses.values())
    it.kill()
    again = trading(OPEN, url=url, start_ns=it.clock.now_ns(), signals=0, found=OPEN)
    again.run(1)
    assert again.ledger() == {"placed": 2}


def test_a_fault_in_text_that_cannot_be_encoded_is_recorded_like_any_other(stage):
    it = stage().start()
    it.engine.fault(IncidentKind.STRATEGY_RAISED, "strategy f\udcfcr", ValueError("f\udcfcr\ud800"))
    it.send("a")
    it.run(1)
    assert faults(it) == [(r"strategy f\xfcr", r"ValueError: f\udcfcr\ud800")]
    assert it.ledger() == {"waiting": 1}
    assert not it.engine.failed.done()


def test_differences_are_recorded_as_data_and_a_failed_comparison_as_an_incident(trading):
    it = trading(OPEN, signals=0)
    telemetry = Telemetry.of(it.engine)
    it.venue.orders = [
        VenueOrder(
            venue_order_id="x1",
            client_order_id=None,
            symbol="BTC/USDT",
            side=Side.BUY,
            amount=Decimal(1),
            price=Decimal(100),
            status=OrderStatus.OPEN,
            filled=Decimal(0),
            at_ns=0,
        )
    ]
    it.engine.parts.reconciliations.start()
    it.run(1)
    (differed,) = it.bodies(e.Differed)
    assert [(found.kind, found.what) for found in differed.differences] == [(DifferenceKind.STRANGER, "x1")]
    assert it.bodies(e.Incident) == []
    it.venue.down = VenueUnavailable("no route")
    it.run(100)
    assert {(body.kind, body.severity) for body in it.bodies(e.Incident)} == {("reconciliation_failed", "warning")}
    assert telemetry.faults == 1 + len(it.bodies(e.Incident))
