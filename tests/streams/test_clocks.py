"""Durations count steady time, stored times the wall clock of the moment: whatever is done to the machine's clock."""

import pytest

from tidegate.domain import events as e
from tidegate.domain.market import Quote
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.reasons import Reason

ACK = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
SILENCE = Unanswered(detail="no answer in time")
NEVER_SENT = NotPlaced(reason=Reason.NEVER_SENT, detail="no route to host", final=False)
NOTHING = NotFound(detail="no such order")
START_NS = 1_735_689_600_000_000_000
HOUR_S = 3_600


def journal_in(tmp_path):
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.mark.parametrize("step_s", [40, HOUR_S, -40, -HOUR_S])
def test_a_wall_clock_that_is_set_while_an_order_is_unknown_proves_nothing(trading, machine, step_s):
    it = trading(SILENCE, ACK, found=NOTHING, machine=machine)
    it.run(15)
    assert it.ledger() == {"unknown": 1}
    machine.wall_s += step_s
    it.run(50)
    assert len(it.venue.sent) == 1
    assert it.ledger() == {"unknown": 1}
    it.run(20)
    assert len(it.venue.sent) == 2
    assert it.venue.sent_at_s[1] >= 70  # 60 s after the end of the first send
    assert it.ledger() == {"placed": 1}


def test_after_a_restart_the_window_of_an_unknown_order_begins_anew(trading, machines, tmp_path):
    first = trading(SILENCE, url=journal_in(tmp_path), found=SILENCE, machine=machines())
    first.run(30)
    first.kill()
    again = trading(
        ACK,
        url=journal_in(tmp_path),
        found=NOTHING,
        machine=machines(wall_s=100),
        signals=0,
        execution__signal_ttl_s="900",
    )
    again.run(58)
    assert again.venue.sent == []
    assert again.ledger() == {"unknown": 1}
    again.run(40)
    assert [e.kind_of(body) for body in again.bodies(e.Deferred)] == ["deferred"]


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_a_backoff_is_as_long_as_it_is_whatever_the_wall_clock_shows(trading, machine, step_s):
    it = trading(NEVER_SENT, NEVER_SENT, ACK, machine=machine)
    it.run(10.5)
    machine.wall_s += step_s
    it.run(5)
    assert len(it.venue.sent) == 3
    assert it.ledger() == {"placed": 1}
    first, second = it.bodies(e.Deferred)
    assert (second.retry_at_ns - first.retry_at_ns) / 1e9 == pytest.approx(step_s, abs=5)  # it is stored as shown


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_a_time_to_live_counts_steady_time(trading, machine, step_s):
    it = trading(ACK, machine=machine, execution__signal_ttl_s="100", execution__first_after_s="300")
    it.run(50)
    machine.wall_s += step_s
    it.run(49)
    assert it.ledger() == {"waiting": 1}
    it.run(2)
    assert it.ledger() == {"expired": 1}
    accepted, expired = (event for event in it.journal.read() if event.number)
    assert (expired.at_ns - accepted.at_ns) / 1e9 == pytest.approx(100 + step_s, abs=1)


@pytest.mark.parametrize(
    ("wall_s", "expires_after_s"),
    [
        pytest.param(0, 55, id="what is left is left"),
        pytest.param(-HOUR_S, 100, id="set back, it is never more than it ever was"),
        pytest.param(HOUR_S, 0, id="set forward, it is over"),
    ],
)
def test_what_is_left_of_a_time_to_live_after_a_restart(trading, machines, tmp_path, wall_s, expires_after_s):
    late = {"execution__signal_ttl_s": "100", "execution__first_after_s": "300"}
    first = trading(ACK, url=journal_in(tmp_path), machine=machines(), **late)
    first.run(45)
    first.kill()
    again = trading(
        ACK,
        url=journal_in(tmp_path),
        start_ns=START_NS + 45 * 10**9,
        machine=machines(wall_s=wall_s),
        signals=0,
        **late,
    )
    if expires_after_s:
        again.run(expires_after_s - 1)
        assert again.ledger() == {"waiting": 1}
    again.run(2)
    assert again.ledger() == {"expired": 1}


@pytest.mark.parametrize(("wall_s", "least_s", "most_s"), [(0, 15, 21), (-HOUR_S, 19, 21)])
def test_what_is_left_of_a_backoff_after_a_restart(trading, machines, tmp_path, wall_s, least_s, most_s):
    banned = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="slow down", final=False, retry_after_s=20)
    first = trading(banned, url=journal_in(tmp_path), machine=machines(), execution__first_after_s="1")
    first.run(5)
    assert len(first.venue.sent) == 1
    first.kill()
    again = trading(
        ACK,
        url=journal_in(tmp_path),
        start_ns=START_NS + 5 * 10**9,
        machine=machines(wall_s=wall_s),
        signals=0,
        execution__first_after_s="1",
    )
    again.run(40)
    assert least_s <= again.venue.sent_at_s[0] <= most_s


def test_a_time_to_live_that_ran_out_in_a_suspend_lets_nothing_be_sent(trading, machine):
    it = trading(ACK, machine=machine, execution__signal_ttl_s="100")
    it.run(5)
    machine.stood_s += 200
    it.run(30)
    assert it.venue.sent == []
    assert it.ledger() == {"expired": 1}


def test_a_suspend_between_intent_and_send_lets_nothing_be_sent_either(trading, machine):
    it = trading(ACK, machine=machine, execution__signal_ttl_s="100")
    it.journal.takes_s = 2
    it.run(11)
    assert it.kinds() == ["accepted"]  # the intent is being committed
    machine.stood_s += 200
    it.run(30)
    assert it.venue.sent == []
    assert it.kinds() == ["accepted", "intent", "deferred", "expired"]


def test_signals_are_judged_by_the_wall_clock_of_the_moment_and_fresh_again_when_it_is_right(trading, machine):
    it = trading(ACK, machine=machine, signals=0)
    it.run(1)

    def send(key, age_s=0.0):
        it.send(key, timestamp=(START_NS + it.loop.time_ns() - int(age_s * 1e9)) // 1_000_000)
        it.loop.advance(0.1)
        return it.receipts[-1].reason

    assert send("before") is None
    machine.wall_s += HOUR_S
    assert send("in the glitch") is Reason.STALE
    machine.wall_s -= HOUR_S
    assert send("after it") is None
    machine.wall_s -= HOUR_S
    assert send("set back") is Reason.FROM_FUTURE
    machine.wall_s += HOUR_S
    assert send("right again") is None
    assert send("old", age_s=HOUR_S) is Reason.STALE


def test_a_repeat_is_none_when_the_clock_came_back_from_an_hour_ahead(trading, machine):
    it = trading(ACK, machine=machine, signals=0, dedup__window_s="10")
    machine.wall_s += HOUR_S
    it.send("a")
    it.run(1)
    machine.wall_s -= HOUR_S
    it.send("b")
    it.run(1)
    it.send("c")
    it.run(1)
    assert [receipt.reason for receipt in it.receipts] == [None, None, Reason.REPEAT]


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_market_data_ages_by_the_steady_clock(trading, machine, step_s):
    it = trading(ACK, machine=machine, signals=0)
    machine.wall_s += step_s
    it.send("a")
    it.loop.advance(11)
    assert it.ledger() == {"placed": 1}
    it.send("b")
    it.loop.advance(30)  # the prices are 41 s old, whatever the clock shows
    assert it.ledger() == {"placed": 1, "waiting": 1}
    (entry,) = it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.STALE_MARKET_DATA
    assert entry.obstacle.measured == pytest.approx(41, abs=2)


def test_a_quote_is_as_old_as_its_stamp_says_when_it_comes(trading, machine):
    it = trading(ACK, machine=machine)
    late = it.engine.parts.markets.quotes["BTC/USDT"]
    it.loop.advance(9)
    it.news.on_next(Quote("BTC/USDT", it.clock.wall_ns() - 30 * 10**9, bid=late.bid, ask=late.ask, depth=late.depth))
    it.loop.advance(2)
    (entry,) = it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.STALE_MARKET_DATA
    assert entry.obstacle.measured == pytest.approx(31, abs=1)


def test_events_are_stamped_with_what_the_wall_clock_shows(trading, machine):
    it = trading(ACK, machine=machine)
    it.run(1)
    machine.wall_s -= HOUR_S
    it.run(11)
    it.venue.update(OrderStatus.CANCELED)
    it.run(1)
    stamps = {e.kind_of(event.body): (event.at_ns - START_NS) / 1e9 for event in it.journal.read() if event.number}
    assert stamps["accepted"] == pytest.approx(0, abs=1)
    for kind in ("intent", "placed", "order_changed"):
        assert stamps[kind] == pytest.approx(-HOUR_S + 11, abs=2)
