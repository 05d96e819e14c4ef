"""After a restart: what waits waits on, and what became of orders without an outcome is asked, not guessed."""

from decimal import Decimal

import pytest

from tests.builders import fill
from tidegate.domain import events as e
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.reasons import Reason

DOWN = NotPlaced(reason=Reason.NEVER_SENT, detail="connection refused", final=False)
BUSY = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="too many requests", final=False)
OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
SILENCE = Unanswered(detail="timed out")
NEVER_CAME = NotFound(detail="not among the orders")
AT_ONCE = UnknownOrderPolicy(window_s=0, absence_is_proof=True)
NO_PROOF = UnknownOrderPolicy(window_s=60, absence_is_proof=False)
A_SECOND_NS = 1_000_000_000


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


def killed(it, down_s: float = 0.0) -> int:
    """End it as a power cut would; gives the moment of the restart."""
    it.kill()
    return it.clock.now_ns() + int(down_s * 1e9)


def account_of(it):
    return it.engine.parts.state.book.account("paper")


def test_a_waiting_signal_waits_on_for_what_is_left_of_its_time(stage, url):
    first = stage(url).start(price=None)
    first.send("a", ttl_s=60)
    first.run(5)
    it = stage(url, start_ns=killed(first, down_s=20)).start(price=None)
    assert it.ledger() == {"waiting": 1}
    it.run(34)
    assert it.ledger() == {"waiting": 1}
    it.run(1)
    accepted, expired = [event for event in it.journal.read() if event.number]
    assert expired.at_ns == accepted.body.expires_at_ns
    assert expired.body.reason is Reason.NO_MARKET_DATA


def test_a_signal_whose_time_ran_out_meanwhile_expires_at_once(stage, url):
    first = stage(url).start()
    first.send("a", ttl_s=9)
    first.run(5)
    it = stage(url, start_ns=killed(first, down_s=5)).start()
    it.run(0)
    assert it.ledger() == {"expired": 1}
    it.run(20)
    assert it.kinds() == ["accepted", "expired"]


def test_a_waiting_signal_is_executed_after_the_restart_as_it_was_sent(stage, url):
    first = stage(url).start()
    first.send("in")
    first.run(11)
    first.send("out", side="sell", quantity="0.25", tags=["x"])
    first.run(5)
    it = stage(url, start_ns=killed(first)).start()
    it.run(11)
    _, intent = it.bodies(e.Intent)
    assert (intent.side, intent.amount) == ("sell", Decimal("0.25"))
    assert it.ledger() == {"placed": 2}


def test_supersede_holds_across_a_restart(stage, url):
    first = stage(url).start()
    first.send("old", generated=True, source="strategy:s")
    first.run(5)
    it = stage(url, start_ns=killed(first)).start()
    it.send("new", generated=True, source="strategy:s")
    it.run(1)
    assert it.kinds() == ["accepted", "accepted", "superseded"]


def test_an_intent_without_outcome_is_proved_not_placed_on_paper_and_tried_again(trading, stage, url):
    first = trading(OPEN, url=url, takes_s=60)
    first.run(11)
    assert first.kinds() == ["accepted", "intent"]
    it = stage(url, start_ns=killed(first)).start()
    it.run(5)
    assert it.kinds() == ["accepted", "intent", "deferred", "intent", "placed"]
    (deferred,) = it.bodies(e.Deferred)
    assert deferred.reason is Reason.INTERRUPTED
    assert [intent.attempt for intent in it.bodies(e.Intent)] == [1, 2]
    assert account_of(it).held("BTC/USDT") == 1
    assert account_of(it).balances["USDT"].total == 10_000 - 100 - Decimal("0.1")
    assert account_of(it).balances["USDT"].locked == 0
    assert it.engine.parts.in_flight.count == 0


@pytest.mark.parametrize(
    ("changes", "fields", "kinds"),
    [
        pytest.param({}, {"ttl_s": 12}, ["deferred", "expired"], id="its time is over"),
        pytest.param({"execution__order_creation_retries": "1"}, {}, ["failed"], id="its attempts are used up"),
    ],
)
def test_an_intent_without_outcome_is_not_tried_again_when(trading, stage, url, changes, fields, kinds):
    first = trading(OPEN, url=url, takes_s=60, signals=0)
    first.send("a", **fields)
    first.run(11)
    it = stage(url, start_ns=killed(first, down_s=5), **changes).start()
    it.run(60)
    assert it.kinds() == ["accepted", "intent", *kinds]
    assert account_of(it).orders == {}
    assert account_of(it).balances["USDT"].locked == 0


def test_attempts_count_across_a_restart(trading, url):
    first = trading(DOWN, url=url)
    first.run(10.1)
    assert first.kinds() == ["accepted", "intent", "deferred"]
    it = trading(DOWN, url=url, start_ns=killed(first), signals=0)
    it.run(60)
    assert [sent.attempt for sent in it.venue.sent] == [2, 3]
    assert it.ledger() == {"failed": 1}


def test_backoff_holds_across_a_restart(trading, url):
    busy_for_long = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="banned", final=False, retry_after_s=50)
    first = trading(busy_for_long, url=url)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0)
    it.run(39)
    assert it.venue.sent == []
    (entry,) = it.engine.parts.pending.entries.values()
    assert (entry.obstacle.reason, entry.obstacle.measured) == (Reason.REJECTED_FOR_NOW, "banned")
    it.run(40)
    assert it.ledger() == {"placed": 1}


@pytest.mark.parametrize(
    ("found", "kinds", "ledger"),
    [
        pytest.param(OPEN, ["placed"], {"placed": 1}, id="found"),
        pytest.param(SILENCE, ["unknown"], {"unknown": 1}, id="no answer"),
        pytest.param(OSError("reset"), ["unknown"], {"unknown": 1}, id="the lookup raises"),
    ],
)
def test_of_an_intent_without_outcome_the_venue_is_asked(trading, url, found, kinds, ledger):
    first = trading(OPEN, url=url, takes_s=60)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, found=found)
    it.run(100)
    assert it.kinds() == ["accepted", "intent", *kinds]
    assert it.ledger() == ledger
    assert it.venue.sent == []
    assert account_of(it).balances["USDT"].locked == 100
    assert it.engine.parts.in_flight.count == 0


def test_an_intent_of_a_trader_that_is_gone_is_unknown(trading, url):
    first = trading(OPEN, url=url, takes_s=60)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, trader="another")
    it.run(1)
    assert [body.detail for body in it.bodies(e.Unknown)] == ["paper is not among the traders"]
    assert it.ledger() == {"unknown": 1}


def test_what_was_unknown_and_is_still_unanswered_stays_so_without_an_event(trading, url):
    first = trading(SILENCE, url=url)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, found=SILENCE)
    it.run(100)
    assert it.kinds() == ["accepted", "intent", "unknown"]
    assert it.venue.sent == []
    assert account_of(it).balances["USDT"].locked == 100


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        pytest.param(OPEN, ["placed"], id="found"),
        pytest.param(NEVER_CAME, ["deferred", "intent", "placed"], id="proved not placed"),
    ],
)
def test_what_was_unknown_is_decided_by_a_proof(trading, url, found, kinds):
    first = trading(SILENCE, url=url)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, found=found, unknown_order_policy=AT_ONCE)
    it.run(20)
    assert it.kinds() == ["accepted", "intent", "unknown", *kinds]
    assert it.ledger() == {"placed": 1}
    assert account_of(it).balances["USDT"].locked == 100


def test_an_order_found_filled_is_booked(trading, url):
    filled = fill()
    closed = Acknowledged(venue_order_id="v1", status=OrderStatus.CLOSED, fills=(filled,))
    first = trading(SILENCE, url=url)
    first.run(11)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, found=closed)
    it.run(1)
    assert account_of(it).held("BTC/USDT") == 1
    assert account_of(it).orders == {}
    assert list(it.journal.open()) == []


def test_an_open_order_goes_on_being_filled_after_a_restart(stage, url):
    first = stage(url).start(price=None)
    first.quote("BTC/USDT", "100", depth="0.4")
    first.send("a")
    first.loop.advance(10.5)
    assert account_of(first).held("BTC/USDT") == Decimal("0.4")
    it = stage(url, start_ns=killed(first, down_s=3600)).start(price=None)
    assert account_of(it).held("BTC/USDT") == Decimal("0.4")
    it.quote("BTC/USDT", "100", depth="0.4")
    it.loop.advance(0.5)
    assert account_of(it).held("BTC/USDT") == Decimal("0.8")
    it = stage(url, start_ns=killed(it)).start(price=None)
    it.quote("BTC/USDT", "99", depth="0.4")
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "placed", "filled", "filled", "order_changed"]
    assert account_of(it).held("BTC/USDT") == 1
    assert account_of(it).orders == {}
    assert account_of(it).balances["USDT"].locked == 0


def test_a_new_paper_account_is_funded_once(stage, url):
    first = stage(url).start()
    it = stage(url, start_ns=killed(first)).start()
    assert len(it.bodies(e.Funded)) == 1
    assert account_of(it).free("USDT") == 10_000


def test_a_repeat_is_refused_after_a_restart_too(stage, url):
    first = stage(url, dedup__window_s="60").start()
    first.send("weak", strength=0.1, side="sell")
    first.send("a")
    first.run(11)
    it = stage(url, start_ns=killed(first), dedup__window_s="60").start()
    it.send("b")
    it.send("a")
    it.send("c", side="sell")
    it.run(48)
    it.send("d")
    it.run(1)
    it.send("e")
    it.run(1)
    assert [(body.reason, body.measured) for body in it.bodies(e.Refused)] == [
        (Reason.WEAK, 0.1),
        (Reason.REPEAT, 11.0),
        (Reason.REPEAT, 59.0),
    ]
    assert it.kinds().count("accepted") == 3
    assert it.kinds().count("redelivered") == 1


def test_no_more_repeats_are_remembered_across_a_restart_than_max_keys(stage, url):
    first = stage(url, dedup__window_s="60").start()
    for source in "abc":
        first.send(source, source=source)
    first.run(1)
    it = stage(url, start_ns=killed(first), dedup__window_s="60", dedup__max_keys="2").start()
    for source in "cba":
        it.send(f"{source} again", source=source)
    it.run(1)
    assert [receipt.reason for receipt in it.receipts] == [Reason.REPEAT, Reason.REPEAT, None]


def unknown(trading, *found, **given):
    """An order sent at 10 s whose answer is lost; the venue says to each lookup what `found` says."""
    return trading(SILENCE, OPEN, found=list(found), **{"execution__signal_ttl_s": "600", **given})


def test_an_order_whose_answer_was_lost_is_looked_up_at_once_and_later_each_time(trading):
    it = unknown(trading, NEVER_CAME, unknown_order_policy=UnknownOrderPolicy(window_s=3600, absence_is_proof=True))
    it.run(100)
    assert it.venue.asked_at_s == [10, 11, 13, 17, 25, 41, 71]
    assert it.ledger() == {"unknown": 1}


def test_found_within_the_window_it_is_placed(trading):
    it = unknown(trading, NEVER_CAME, SILENCE, OPEN)
    it.run(20)
    assert it.kinds() == ["accepted", "intent", "unknown", "placed"]
    assert len(it.venue.sent) == 1


def test_not_found_within_the_window_proves_nothing_and_after_it_everything(trading):
    it = unknown(trading, NEVER_CAME)
    it.run(69)
    assert it.ledger() == {"unknown": 1}
    it.run(1.2)
    assert it.venue.asked_at_s[-1] == 70
    assert it.kinds() == ["accepted", "intent", "unknown", "deferred"]
    assert [(body.reason, body.detail) for body in it.bodies(e.Deferred)] == [
        (Reason.NO_ANSWER, "not among the orders")
    ]
    it.run(2)
    assert it.kinds()[4:] == ["intent", "placed"]
    assert [request.attempt for request in it.venue.sent] == [1, 2]


def test_proved_not_placed_after_its_time_it_expires(trading):
    it = unknown(trading, NEVER_CAME, execution__signal_ttl_s="40")
    it.run(80)
    assert it.kinds() == ["accepted", "intent", "unknown", "deferred", "expired"]
    assert account_of(it).balances["USDT"].locked == 0


def test_a_lookup_that_fails_is_no_proof_however_late(trading):
    it = unknown(trading, SILENCE, OSError("reset"))
    it.run(600)
    assert it.kinds() == ["accepted", "intent", "unknown"]
    assert account_of(it).balances["USDT"].locked == 100
    assert it.venue.asked_at_s[-1] > 570


def test_a_lookup_that_began_before_the_window_was_over_is_no_proof(trading):
    it = unknown(trading, NEVER_CAME)

    async def slowly(request):
        it.venue.asked_at_s.append(it.loop.time())
        answered = it.loop.create_future()
        it.loop.call_later(80, answered.set_result, None)
        await answered
        return NEVER_CAME

    it.venue.find_order = slowly
    it.run(100)
    assert it.ledger() == {"unknown": 1}
    it.run(80)
    assert it.kinds()[:4] == ["accepted", "intent", "unknown", "deferred"]


def test_where_not_found_proves_nothing_it_is_parked_and_keeps_its_capital(trading):
    it = unknown(trading, NEVER_CAME, unknown_order_policy=NO_PROOF)
    it.run(600)
    assert it.kinds() == ["accepted", "intent", "unknown", "parked"]
    assert it.ledger() == {"parked": 1}
    assert account_of(it).balances["USDT"].locked == 100
    assert it.venue.asked_at_s[-1] == 70
    assert len(it.venue.sent) == 1


@pytest.mark.parametrize(
    ("decided", "kinds", "ledger", "locked"),
    [
        pytest.param(lambda r, n: r.found(n, OPEN), ["placed"], {"placed": 1}, 100, id="placed"),
        pytest.param(
            lambda r, n: r.resolve_as_not_placed(n, "looked it up"), ["failed"], {"failed": 1}, 0, id="not placed"
        ),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_person_decides_what_is_parked(trading, url, restart, decided, kinds, ledger, locked):
    it = unknown(trading, NEVER_CAME, unknown_order_policy=NO_PROOF, url=url)
    it.run(100)
    if restart:
        it = trading(OPEN, url=url, start_ns=killed(it), signals=0, unknown_order_policy=NO_PROOF)
        it.run(100)
        assert it.venue.asked_at_s == []
    (number,) = it.engine.resolution.lookup
    assert decided(it.engine.resolution, number)
    it.run(1)
    assert it.kinds() == ["accepted", "intent", "unknown", "parked", *kinds]
    assert it.ledger() == ledger
    assert account_of(it).balances["USDT"].locked == locked
    assert not decided(it.engine.resolution, number)


def test_after_a_restart_the_window_counts_from_the_start(trading, url):
    first = unknown(trading, NEVER_CAME, url=url)
    first.run(60)
    it = trading(OPEN, url=url, start_ns=killed(first), signals=0, found=NEVER_CAME, execution__signal_ttl_s="600")
    it.run(59)
    assert it.ledger() == {"unknown": 1}
    it.run(3)
    assert it.ledger() == {"placed": 1}


def test_what_was_decided_meanwhile_is_not_decided_again(trading):
    it = unknown(trading, NEVER_CAME)
    it.run(20)
    (number,) = it.engine.resolution.lookup
    assert it.engine.resolution.found(number, OPEN)
    it.run(100)
    assert it.kinds() == ["accepted", "intent", "unknown", "placed"]
