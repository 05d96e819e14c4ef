"""The waiting room: who waits how long, and who takes whose place."""

import pytest

from tidegate.domain import events as e
from tidegate.domain.order import NotPlaced
from tidegate.domain.reasons import Reason


def waiting(it) -> list[str]:
    """The keys of the signals that wait, by age."""
    return [entry.signal.key for _, entry in sorted(it.engine.parts.pending.entries.items())]


def superseded(it) -> dict[str, str]:
    """Keys of superseded signals, and of those that took their place."""
    keys = {history.signal_id: history.raw for history in it.journal.histories()}
    key_of = {signal_id: raw.partition(b'"key":"')[2].partition(b'"')[0].decode() for signal_id, raw in keys.items()}
    return {
        key_of[event.signal_id]: key_of[event.body.by]
        for event in it.journal.read()
        if isinstance(event.body, e.Superseded)
    }


@pytest.mark.parametrize(
    ("fields", "ttl_s"),
    [pytest.param({}, 120, id="the setting's"), pytest.param({"ttl_s": 7.5}, 7.5, id="the signal's own")],
)
def test_a_signal_waits_for_its_time_to_live_and_not_longer(stage, fields, ttl_s):
    it = stage().start(price=None)
    it.send("a", **fields)
    it.loop.advance(ttl_s - 0.001)
    assert it.ledger() == {"waiting": 1}
    it.loop.advance(0.001)
    assert it.ledger() == {"expired": 1}
    accepted, expired = [event for event in it.journal.read() if event.number]
    assert accepted.body.expires_at_ns == expired.at_ns == accepted.at_ns + int(ttl_s * 1e9)


def test_each_expires_at_its_own_time(stage):
    it = stage().start(price=None)
    for key, ttl_s in (("long", 50), ("short", 5), ("middle", 20)):
        it.send(key, ttl_s=ttl_s)
    left = []
    for _ in range(3):
        left.append(waiting(it))
        it.run(16)
    assert left[1:] == [["long", "middle"], ["long"]]
    it.run(5)
    assert it.ledger() == {"expired": 3}


@pytest.mark.parametrize(
    ("ttl_s", "reason"),
    [
        pytest.param(5, Reason.AWAITING_TICK, id="none before the first execution"),
        pytest.param(15, Reason.NO_MARKET_DATA, id="that of the last execution afterwards"),
    ],
)
def test_it_expires_with_the_last_obstacle_it_met(stage, ttl_s, reason):
    it = stage().start(price=None)
    it.send("a", ttl_s=ttl_s)
    it.run(16)
    assert [body.reason for body in it.bodies(e.Expired)] == [reason]


def test_a_signal_whose_time_is_over_at_the_very_execution_is_not_sent(stage):
    it = stage().start()
    it.send("a", ttl_s=10)
    it.run(20)
    assert it.kinds() == ["accepted", "expired"]


OLDER, NEWER = 1_735_689_598_000, 1_735_689_599_000


@pytest.mark.parametrize(
    ("first", "second", "then"),
    [
        pytest.param({}, {}, {"first": "second"}, id="the later one, at the same timestamp"),
        pytest.param({"timestamp": OLDER}, {"timestamp": NEWER}, {"first": "second"}, id="the newer one"),
        pytest.param({"timestamp": NEWER}, {"timestamp": OLDER}, {"second": "first"}, id="newer by timestamp first"),
        pytest.param({}, {"symbol": "ETH/USDT"}, {}, id="none of another symbol"),
        pytest.param({}, {"source": "strategy:t"}, {}, id="none of another strategy"),
        pytest.param({"side": "sell"}, {"side": "sell"}, {}, id="no exit"),
        pytest.param({}, {"side": "sell"}, {}, id="no entry by an exit"),
        pytest.param({"side": "sell"}, {}, {}, id="no exit by an entry"),
        pytest.param({"generated": False}, {}, {}, id="none from outside"),
        pytest.param({}, {"generated": False}, {}, id="none by one from outside"),
    ],
)
def test_of_generated_entries_the_newest_takes_the_place_of_the_other(stage, first, second, then):
    it = stage().start()
    for key, fields in (("first", first), ("second", second)):
        it.send(key, **{"generated": True, "source": "strategy:s", **fields})
        it.run(1)
    assert superseded(it) == then
    assert waiting(it) == [key for key in ("first", "second") if key not in then]


def test_superseding_can_be_turned_off(stage):
    it = stage(execution__supersede="false").start()
    it.send("first", generated=True, source="strategy:s")
    it.send("second", generated=True, source="strategy:s")
    it.run(1)
    assert it.ledger() == {"waiting": 2}


def test_a_chain_of_newer_ones_leaves_the_last(stage):
    it = stage().start()
    for key in "abcd":
        it.send(key, generated=True, source="strategy:s")
    it.run(1)
    assert superseded(it) == {"a": "b", "b": "c", "c": "d"}
    it.run(11)
    assert it.ledger() == {"superseded": 3, "placed": 1}


def test_what_left_the_room_is_not_superseded(stage):
    it = stage().start()
    it.send("first", generated=True, source="strategy:s")
    it.run(11)
    it.send("second", generated=True, source="strategy:s")
    it.run(1)
    assert it.ledger() == {"placed": 1, "waiting": 1}


def test_a_newer_one_that_expired_leaves_its_place_to_the_next(stage):
    it = stage().start(price=None)
    it.send("new", generated=True, source="strategy:s", ttl_s=1)
    it.run(2)
    it.send("old", generated=True, source="strategy:s", timestamp=OLDER)
    it.run(1)
    assert waiting(it) == ["old"]


def test_an_urgent_signal_that_is_superseded_at_once_is_not_executed(stage):
    it = stage(execution__urgent_score="0.9").start()
    it.send("new", generated=True, source="strategy:s", timestamp=NEWER)
    it.send("old", generated=True, source="strategy:s", timestamp=OLDER, strength=1.0, confidence=1.0)
    it.run(1)
    assert it.kinds() == ["accepted", "accepted", "superseded"]
    assert it.engine.parts.activity.executions == 0


def test_a_redelivered_signal_does_not_enter_twice(stage):
    it = stage().start()
    it.send("a")
    it.run(11)
    it.send("a")
    it.run(40)
    assert it.kinds() == ["accepted", "intent", "placed", "redelivered"]


def test_what_the_first_attempt_was_for_is_kept(trading):
    """A later one may have been for less."""
    busy = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="busy", final=False)
    it = trading(busy, execution__order_creation_retries="9")
    it.run(12)
    (entry,) = it.engine.parts.pending.entries.values()
    assert entry.attempts == 2
    assert entry.first == it.venue.sent[0] != it.venue.sent[1]
