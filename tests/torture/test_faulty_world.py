"""Every mishap is what it says: seen from the ledger, and from what the pipeline made of it."""

from decimal import Decimal

import pytest

from tidegate.clock import VirtualLoop
from tidegate.domain import events as e
from tidegate.torture.checker import check
from tidegate.torture.faulty import FeesIn, Lag, Planned, Points, Script, VenueFault, VenueFaultKind, draw
from tidegate.torture.faulty.fault import OF_A_SEND
from tidegate.torture.faulty.world import FaultyWorld

BOTH = ("paper", "twin")
START_NS = 1_735_689_600_000_000_000


def kinds(past, number=0):
    return [e.kind_of(event.body) for event in past.histories[number].events]


def fault_schedule(kind, seconds=5.0, nth=1):
    return [VenueFault(kind=kind, nth=nth, seconds=seconds, trader=trader) for trader in BOTH]


@pytest.mark.parametrize(
    ("venue_faults", "taken", "history"),
    [
        pytest.param([], 1, ["intent", "placed"], id="nothing"),
        pytest.param(
            fault_schedule(VenueFaultKind.REQUEST_LOST),
            1,
            ["intent", "unknown", "deferred", "intent", "placed"],
            id="lost",
        ),
        pytest.param(fault_schedule(VenueFaultKind.REPLY_LOST), 1, ["intent", "unknown", "placed"], id="reply lost"),
        pytest.param(fault_schedule(VenueFaultKind.REPLY_LATE), 1, ["intent", "placed"], id="reply late"),
        pytest.param(
            fault_schedule(VenueFaultKind.DELIVERED_LATE, 4),
            1,
            ["intent", "unknown", "placed"],
            id="late, within the fence",
        ),
        pytest.param(
            fault_schedule(VenueFaultKind.DELIVERED_LATE, 6),
            1,
            ["intent", "unknown", "deferred", "intent", "placed"],
            id="beyond it",
        ),
        pytest.param(fault_schedule(VenueFaultKind.RAISED), 1, ["intent", "unknown", "placed"], id="raised"),
        pytest.param(
            [*fault_schedule(VenueFaultKind.REPLY_LOST), *fault_schedule(VenueFaultKind.HIDDEN, 8)],
            1,
            ["intent", "unknown", "placed"],
            id="hidden",
        ),
        pytest.param(
            [*fault_schedule(VenueFaultKind.REPLY_LOST), *fault_schedule(VenueFaultKind.LOOKUP_FAILS)],
            1,
            ["intent", "unknown", "placed"],
            id="no lookup",
        ),
        pytest.param(
            fault_schedule(VenueFaultKind.REJECTED), 0, ["intent", "deferred", "intent", "failed"], id="rejected"
        ),
        *[
            pytest.param(fault_schedule(kind)[:1], 1, ["intent", "deferred", "intent", "placed"], id=kind)
            for kind in (
                VenueFaultKind.NEVER_SENT,
                VenueFaultKind.RATE_LIMITED,
                VenueFaultKind.CLOCK_SKEW,
                VenueFaultKind.MARKET_CLOSED,
            )
        ],
    ],
)
def test_what_becomes_of_a_send(happen, venue_faults, taken, history):
    past = happen(*venue_faults)
    assert check(past) == []
    assert len(past.ledger.taken) == taken
    assert kinds(past) == ["accepted", *history]
    assert all(past.struck[venue_fault.kind] for venue_fault in venue_faults if venue_fault.trader == "paper")


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [*((VenueFaultKind.WALL_STEPPED, step_s) for step_s in (-3600, -40, 40, 3600)), (VenueFaultKind.SUSPENDED, 100)],
)
def test_no_clock_proves_that_an_order_that_is_hidden_is_not_there(happen, kind, seconds):
    hidden = [*fault_schedule(VenueFaultKind.REPLY_LOST), *fault_schedule(VenueFaultKind.HIDDEN, 20)]
    past = happen(*hidden, VenueFault(kind=kind, at_s=22, seconds=seconds), lag=Lag(hidden_max_s=20))
    assert check(past) == []
    assert past.struck[kind] == 1
    assert len(past.ledger.sent) == 1
    assert kinds(past) == ["accepted", "intent", "unknown", "placed"]


@pytest.mark.parametrize("kind", [VenueFaultKind.BANNED, VenueFaultKind.MAINTENANCE])
def test_a_venue_that_sends_us_away_is_left_alone(happen, kind):
    past = happen(*fault_schedule(kind, 25))
    assert check(past) == []
    assert not any(sent.while_banned for sent in past.ledger.sent)
    first, *others = past.ledger.sent
    assert kind is VenueFaultKind.MAINTENANCE or all(sent.at_ns - first.at_ns >= 25e9 for sent in others)


def test_a_venue_that_is_away_takes_nothing(happen):
    away = [VenueFault(kind=VenueFaultKind.AWAY, at_s=0, seconds=60, trader=trader) for trader in BOTH]
    past = happen(*away)
    assert check(past) == []
    assert all(taken.at_ns - START_NS > 60e9 for taken in past.ledger.taken)


def test_an_order_may_fill_in_parts_or_end_by_itself(happen):
    thin = VenueFault(kind=VenueFaultKind.THIN_BOOK, at_s=0, seconds=60)
    parts = happen(thin)
    assert check(parts) == []
    assert len(parts.ledger.taken[0].fills) > 1
    ended = happen(thin, *fault_schedule(VenueFaultKind.CANCELED, 3))
    assert check(ended) == []
    assert (ended.ledger.taken[0].status, kinds(ended)[-1]) == ("canceled", "order_changed")
    assert 0 < ended.ledger.taken[0].filled < ended.ledger.taken[0].request.amount


@pytest.mark.parametrize("kind", [VenueFaultKind.UPDATE_LOST, VenueFaultKind.UPDATE_TWICE])
def test_words_of_a_venue_get_lost_and_come_twice(happen, kind):
    past = happen(VenueFault(kind=VenueFaultKind.THIN_BOOK, at_s=0, seconds=60), *fault_schedule(kind))
    assert check(past) == []
    assert past.struck[kind] == 1


def test_rules_that_change_are_read_again_after_an_order_did_not_fit(happen):
    changed = [VenueFault(kind=VenueFaultKind.RULES_CHANGED, at_s=0.5, trader=trader) for trader in BOTH]
    signals = [Planned("s1", 1, "BTC/USDT", "buy"), Planned("s2", 41, "BTC/USDT", "buy")]
    past = happen(*changed, signals=signals)
    assert check(past) == []
    assert kinds(past) == ["accepted", "intent", "deferred", "intent", "placed"]
    assert kinds(past, 1)[-1] == "placed"
    assert past.ledger.sent[0].request.amount % Decimal("0.0001")
    assert not past.ledger.taken[-1].request.amount % Decimal("0.0001")


def test_what_a_signal_asks_for_is_what_is_ordered(happen):
    asked = Planned("s1", 1, "BTC/USDT", "buy", price=0.8, quantity=0.5, stamped=True)
    past = happen(VenueFault(kind=VenueFaultKind.SWEPT, at_s=100, trader="paper"), signals=[asked])
    assert check(past) == []
    (taken,) = past.ledger.taken
    assert (taken.request.price, taken.request.amount, taken.filled) == (80, Decimal("0.5"), Decimal("0.5"))
    (payload,) = past.sent
    assert (b'"key"' in payload, b"1735689601000" in payload) == (False, True)


def test_a_clock_that_is_set_comes_back(happen):
    glitch = VenueFault(kind=VenueFaultKind.WALL_GLITCH, at_s=0.5, seconds=3600)
    signals = [Planned("s1", 1, "BTC/USDT", "buy", stamped=True), Planned("s2", 70, "BTC/USDT", "buy", stamped=True)]
    past = happen(glitch, signals=signals)
    assert check(past) == []
    assert [kinds(past, number)[0] for number in range(2)] == ["refused", "accepted"]
    assert [off_ns for _, off_ns in past.wall_off] == [0, 3_600_000_000_000, 0]


def test_a_person_has_everything_compared_at_once(happen):
    before = happen().reached.count("listing of balances")
    assert happen(VenueFault(kind=VenueFaultKind.COMPARED, at_s=3)).reached.count("listing of balances") == before + 2


def test_a_gap_in_the_market_holds_orders_back(happen):
    gap = VenueFault(kind=VenueFaultKind.GAP, at_s=1, seconds=50)
    past = happen(gap, signals=[Planned("s1", 15, "BTC/USDT", "buy")])
    assert check(past) == []
    assert past.ledger.sent[0].at_ns - START_NS > 51e9


@pytest.mark.parametrize("asked", [{}, {"price": 1.05}, {"quantity": 0.5}])
@pytest.mark.parametrize(
    ("kind", "lines", "redelivered"),
    [
        (VenueFaultKind.REDELIVERED, 1, 1),
        (VenueFaultKind.RESPELLED, 1, 1),
        (VenueFaultKind.FLOOD, 1, 10),
        (VenueFaultKind.MUTATED, 2, 0),
    ],
)
def test_a_sender_sends_again_and_otherwise(happen, kind, lines, redelivered, asked):
    past = happen(VenueFault(kind=kind, nth=1, seconds=1), signals=[Planned("s1", 1, "BTC/USDT", "buy", **asked)])
    assert len(set(past.sent)) == (1 if kind in (VenueFaultKind.REDELIVERED, VenueFaultKind.FLOOD) else 2)
    assert check(past) == []
    assert len(past.histories) == lines
    assert kinds(past).count("redelivered") == redelivered
    assert len(past.ledger.taken) == 1


def test_a_signal_is_sent_until_it_is_acknowledged(happen):
    past = happen(*[VenueFault(kind=VenueFaultKind.DISK_FAILS, nth=nth, seconds=2) for nth in (3, 4)])
    assert check(past) == []
    assert past.struck[VenueFaultKind.DISK_FAILS] == 2
    assert kinds(past)[-1] == "placed"


def test_a_slow_disk_takes_time(happen):
    slow = [VenueFault(kind=VenueFaultKind.DISK_SLOW, nth=nth, seconds=4) for nth in range(1, 30)]
    past = happen(*slow)
    assert check(past) == []
    assert past.ledger.sent[0].at_ns - START_NS > 14e9


@pytest.mark.parametrize("nth", range(1, 12))
def test_whatever_commit_fails_nothing_is_sent_before_its_intent_is_there(happen, nth):
    past = happen(VenueFault(kind=VenueFaultKind.DISK_FAILS, nth=nth, seconds=30))
    assert check(past) == []
    assert len(past.ledger.taken) == 1


def test_the_worlds_time_goes_on_while_the_process_is_suspended_and_its_clock_follows():
    world = FaultyWorld(Script(signals=()), Points(), start_ns=START_NS)
    loop = VirtualLoop()
    clock = world.enter(loop)
    happened = []
    world.after(30, lambda: happened.append(clock.now_ns() - START_NS))
    loop.advance(1)
    world.suspend(100)
    loop.advance(0)
    assert happened == [101_000_000_000]
    assert clock.now_ns() - START_NS == 101_000_000_000


def test_what_is_due_happens_also_while_nobody_lives_and_clocks_that_are_set_back_do_not_go_back():
    world = FaultyWorld(Script(signals=()), Points(), start_ns=START_NS)
    first = VirtualLoop()
    clock = world.enter(first)
    first.advance(10)
    happened = []
    world.after(2, lambda: happened.append(world.now_ns() - START_NS))
    world.set_wall(-60)
    assert clock.now_ns() - START_NS == 10_000_000_000
    dead = VirtualLoop()
    world.enter(dead)
    dead.advance(3)
    first.advance(3)
    assert happened == [12_000_000_000]
    assert world.enter(VirtualLoop()).now_ns() - START_NS == -47_000_000_000


def test_the_same_seed_draws_the_same_script_and_seeds_differ():
    drawn = [draw(seed, symbols=["A/B", "C/B"], traders=["x", "y"]) for seed in range(200)]
    assert drawn == [draw(seed, symbols=["A/B", "C/B"], traders=["x", "y"]) for seed in range(200)]
    assert len({str(script) for script in drawn}) == 200
    assert {venue_fault.kind for script in drawn for venue_fault in script.venue_faults} == set(VenueFaultKind)
    for script in drawn:
        sends = [(m.trader, m.nth) for m in script.venue_faults if m.kind in OF_A_SEND]
        assert len(sends) == len(set(sends))
    assert {script.lag.is_as_declared for script in drawn} == {True, False}
    assert {script.fees_in for script in drawn} == set(FeesIn)
    assert {bool(script.lag.trades_s) for script in drawn} == {True, False}
    for habit in ("pushes", "images", "power_cut", "orders_per_10s", "positions_max"):
        assert {bool(getattr(script, habit)) for script in drawn} == {True, False}
    planned = [signal for script in drawn for signal in script.signals]
    for asked in ("price", "quantity", "order_type", "stamped"):
        assert {bool(getattr(signal, asked)) for signal in planned} == {True, False}


def test_a_script_is_told_in_words():
    venue_faults = (
        VenueFault(kind=VenueFaultKind.HIDDEN, nth=2, seconds=3, trader="x"),
        VenueFault(kind=VenueFaultKind.GAP, at_s=7, seconds=5),
    )
    signals = (Planned("s1", 1.5, "A/B", "buy"), Planned("s2", 2, "A/B", "sell", 0.8, 3.0, "limit", stamped=True))
    lag = Lag(fence_s=None, trades_s=20)
    assert str(lag) == (
        "requests are taken at any time, orders may be hidden for 8 s, trades for 20 s; "
        "not found after 30 s proves that there is none"
    )
    plain = Script(signals=signals[:1])
    assert str(plain).splitlines()[2:] == ["a crash kills the process"]
    script = Script(
        signals=signals,
        venue_faults=venue_faults,
        lag=lag,
        power_cut=True,
        fees_in=FeesIn.COIN,
        pushes=False,
        orders_per_10s=2,
        positions_max=1,
        images=True,
    )
    assert str(script).splitlines() == [
        "s1: buy A/B after 1.5 s",
        "s2: sell A/B after 2 s, at 0.8 of the price, 3 of the amount, limit, stamped",
        "hidden no. 2 of x, 3 s",
        "gap after 7 s, 5 s",
        str(lag),
        "fees are taken in an own coin",
        "venues say nothing by themselves",
        "2 orders in 10 s are taken from one address",
        "1 open positions are allowed",
        "an image of the state goes along with every commit",
        "a crash cuts the power",
    ]
