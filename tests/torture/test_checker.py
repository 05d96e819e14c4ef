"""The checker finds each way in which a history can break the promise, and nothing in one that keeps it."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.difference import DifferenceKind, difference
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.events import Recorded
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.signal import Side
from tidegate.torture import identities
from tidegate.torture.checker import check
from tidegate.torture.faulty import FeesIn, Lag, Planned, VenueFault, VenueFaultKind
from tidegate.torture.faulty.ledger import Ban
from tidegate.torture.kept import kept_by

BOUGHT_AND_SOLD = [Planned("s1", 1, "BTC/USDT", "buy"), Planned("s2", 35, "BTC/USDT", "sell")]


@pytest.fixture
def past(happen):
    """One signal, placed and filled."""
    past = happen()
    assert [e.kind_of(event.body) for event in past.histories[0].events] == ["accepted", "intent", "placed"]
    assert check(past) == []
    return past


def told(past):
    return [violation.invariant for violation in check(past)]


def with_events(past, *events: Recorded):
    """The history with another life of its signal, and the books that follow from it."""
    (history,) = past.histories
    others = [event for event in past.events if event.number != history.number]
    told_now = sorted([*others, *events], key=lambda event: event.position)
    state = State()
    with suppress(IllegalTransition, KeyError):
        state.fold(told_now)
    histories = [replace(history, events=tuple(events))]
    return replace(past, histories=histories, events=told_now, kept=None, restored=kept_by(state))


def test_a_signal_without_an_end_breaks_i1(past):
    accepted = past.histories[0].events[0]
    assert "I1" in told(with_events(past, accepted))


def test_an_event_that_cannot_follow_breaks_i1(past):
    accepted, intent, placed = past.histories[0].events
    again = replace(
        placed,
        body=e.Deferred(client_order_id=placed.body.client_order_id, reason="rejected", detail="", retry_at_ns=0),
    )
    assert "I1" in told(with_events(past, accepted, intent, placed, again))


def test_a_signal_that_is_accepted_twice_breaks_i1(past):
    twin = replace(past.histories[0], number=77, signal_id="other")
    assert "I1" in told(replace(past, histories=[*past.histories, twin]))


def test_a_ledger_that_is_not_the_sum_of_the_events_breaks_i1(past):
    for books in ("kept", "restored"):
        kept = getattr(past, books)
        assert told(replace(past, **{books: replace(kept, received=kept.received + 1)})) == ["I1"]
        assert told(replace(past, **{books: replace(kept, outcomes={"failed": 1})})) == ["I1"]


@pytest.mark.parametrize(("late_s", "skew_s", "broken"), [(0.1, 0, ["I1"]), (5, 0, []), (0.1, 40, [])])
def test_a_new_signal_that_is_refused_for_its_age_breaks_i1(happen, late_s, skew_s, broken):
    past = happen(signals=[Planned("s1", 1, "BTC/USDT", "buy", stamped=True)])
    accepted = past.histories[0].events[0]
    past.ledger.sent.clear()
    past.ledger.taken.clear()
    past.books["paper"].__init__({"USDT": Decimal(160)})
    given = [replace(past.given[0], at_ns=past.given[0].at_ns + int(late_s * 1e9))]
    aged = with_events(past, replace(accepted, body=e.Refused(reason="stale")))
    aged = replace(aged, given=given, wall_off=[(0, int(skew_s * 1e9))], in_time=True)
    assert [name for name in told(aged) if name != "I6"] == broken


def test_two_orders_of_one_signal_break_i2(past):
    past.ledger.taken.append(past.ledger.taken[0])
    assert told(past) == ["I2"]


def test_one_order_that_is_sent_twice_breaks_i2(past):
    past.ledger.sent.append(past.ledger.sent[0])
    assert told(past) == ["I2"]


def test_trading_more_than_was_asked_for_breaks_i2(past):
    taken = past.ledger.taken[0]
    fill = Fill(trade_id="more", amount=Decimal(9), price=Decimal(1), fee=Decimal(0), fee_currency="USDT")
    taken.fills.append(fill)
    assert "I2" in told(past)


@pytest.mark.parametrize(
    "other",
    [
        {"amount": Decimal("0.5")},
        {"price": Decimal(99)},
        {"side": Side.SELL},
        {"symbol": "ETH/USDT"},
        {"order_type": "market"},
        {"order_type": "market", "price": None},
    ],
)
def test_an_order_on_other_terms_than_its_signal_asked_for_breaks_i2(happen, other):
    asked = Planned("s1", 1, "BTC/USDT", "buy", price=1.05, quantity=0.25, order_type="limit")
    past = happen(signals=[asked])
    assert check(past) == []
    accepted, intent, placed = past.histories[0].events
    changed = replace(intent, body=replace(intent.body, **other))
    assert "I2" in told(with_events(past, accepted, changed, placed))


def test_selling_more_than_our_trades_hold_breaks_i2(happen):
    past = happen(signals=BOUGHT_AND_SOLD)
    bought, sold = past.histories
    amount = bought.events[1].body.amount
    intent = sold.events[1]
    assert (intent.body.amount, check(past)) == (amount, [])
    more = replace(intent, body=replace(intent.body, amount=amount + Decimal("0.00001")))
    events = [more if event is intent or event.position == intent.position else event for event in past.events]
    assert "I2" in told(replace(past, events=events))
    assert "I2" not in told(replace(past, events=events, bounds=replace(past.bounds, sells_holdings=True)))


def test_a_sale_that_grows_when_it_is_tried_again_breaks_i2(happen):
    closed = VenueFault(kind=VenueFaultKind.MARKET_CLOSED, nth=2, seconds=5, trader="paper")
    past = happen(closed, signals=BOUGHT_AND_SOLD)
    assert check(past) == []
    accepted, first, deferred, second, placed = past.histories[1].events
    assert first.body.amount == second.body.amount
    for other in ({"amount": first.body.amount * 2}, {"trader": "twin"}):
        changed = replace(second, body=replace(second.body, **other))
        histories = [past.histories[0], replace(past.histories[1], events=(accepted, first, deferred, changed, placed))]
        assert "I2" in told(replace(past, histories=histories))


def test_attempts_that_cost_nothing_do_not_use_up_an_order_or_break_i1(happen):
    limits = [
        VenueFault(kind=VenueFaultKind.RATE_LIMITED, nth=nth, seconds=1, trader=t)
        for nth in range(1, 6)
        for t in ("paper", "twin")
    ]
    past = happen(*limits)
    assert check(past) == []
    assert len(past.histories[0].events) > 8
    accepted, *others = past.histories[0].events
    bodies = [event for event in others if isinstance(event.body, e.Intent | e.Deferred)][:5]
    order_id = bodies[-1].body.client_order_id
    given_up = replace(bodies[-1], position=bodies[-1].position + 1)
    failed = replace(given_up, body=e.Failed(client_order_id=order_id, reason="attempts_used_up", detail=""))
    assert "I1" in told(with_events(past, accepted, *bodies, failed))


def test_an_order_beyond_the_limits_breaks_i2(past):
    notional_max = {"BTC/USDT": Decimal(99)}
    assert told(replace(past, bounds=replace(past.bounds, notional_max=notional_max))) == ["I2"]
    assert told(replace(past, bounds=replace(past.bounds, positions_max=0))) == ["I2"]


def test_an_order_that_no_venue_has_breaks_i3(past):
    past.ledger.taken.clear()
    assert told(past) == ["I3"]


def test_an_order_that_the_journal_gave_up_and_a_venue_has_breaks_i3(past):
    accepted, intent, placed = past.histories[0].events
    order_id = placed.body.client_order_id
    failed = replace(placed, body=e.Failed(client_order_id=order_id, reason="rejected", detail="no"))
    assert set(told(with_events(past, accepted, intent, failed))) == {"I3", "I6"}  # the balances show it too


def test_an_order_that_was_never_meant_to_be_sent_breaks_i3_and_i4(past):
    accepted = past.histories[0].events[0]
    refused = replace(accepted, position=accepted.position + 1, body=e.Refused(reason="no_position"))
    assert set(told(with_events(past, accepted, refused))) == {"I3", "I4", "I6"}


def test_a_send_after_the_time_to_live_breaks_i4(past):
    past.ledger.sent[0] = replace(past.ledger.sent[0], at_ns=past.histories[0].events[0].body.expires_at_ns)
    assert told(past) == ["I4"]


def test_a_send_before_its_intent_is_durable_breaks_i4(past):
    past.ledger.sent[0] = replace(past.ledger.sent[0], believed=past.histories[0].events[0].position)
    assert told(past) == ["I4"]


@pytest.mark.parametrize(
    ("halted", "broken"),
    [
        ([e.Halted(reduce_only=False, why="x")], ["I4"]),
        ([e.Halted(reduce_only=True, why="x")], ["I4"]),
        ([e.Halted(reduce_only=True, why="x"), e.Resumed()], []),
    ],
)
def test_a_send_during_a_halt_breaks_i4(past, halted, broken):
    first = past.events[0]
    halts = [replace(first, body=body) for body in halted]
    assert told(replace(past, events=[*halts, *past.events])) == broken


def test_a_send_during_a_ban_that_was_told_before_it_was_decided_breaks_i4(past):
    sent = past.ledger.sent[0]
    past.ledger.bans.append(Ban(sent.at_ns - 1, sent.at_ns + 1, sent.history + 1))  # another life does not know
    assert told(past) == []
    past.ledger.bans.append(Ban(sent.at_ns - 1, sent.at_ns + 1, sent.history))
    assert told(past) == ["I4"]


def test_what_is_acknowledged_under_the_id_of_something_else_breaks_i5(past):
    (payload,) = past.acknowledged
    other = payload.replace(b'"strength":1.0', b'"strength":0.9')
    same = payload.replace(b'"strength":1.0', b'"strength":1.000')
    (signal_id,) = past.acknowledged.values()
    assert told(replace(past, acknowledged={payload: signal_id, other: signal_id})) == ["I5"]
    assert told(replace(past, acknowledged={payload: signal_id, same: signal_id})) == []
    twin = replace(past.histories[0], signal_id="other")
    twice = replace(past, histories=[*past.histories, twin], acknowledged={payload: signal_id, same: "other"})
    assert "I5" in told(twice)


def test_an_id_that_is_not_what_it_has_to_be_breaks_i5(past):
    accepted, intent, placed = past.histories[0].events
    order_id = identities.order_id("tidegate", "twin", past.histories[0].signal_id, 1)
    renamed = with_events(
        past,
        accepted,
        replace(intent, body=replace(intent.body, client_order_id=order_id)),
        replace(placed, body=replace(placed.body, client_order_id=order_id)),
    )
    assert "I5" in told(renamed)
    (history,) = past.histories
    assert "I5" in told(replace(past, histories=[replace(history, signal_id="0" * 20)]))


def test_an_acknowledged_signal_that_is_not_there_breaks_i5(past):
    assert told(replace(past, acknowledged={b"{}": "nowhere"})) == ["I5"]


def test_a_trade_that_is_booked_twice_breaks_i6(past):
    accepted, intent, placed = past.histories[0].events
    twice = replace(placed, body=replace(placed.body, fills=placed.body.fills * 2))
    assert set(told(with_events(past, accepted, intent, twice))) == {"I6"}


def test_an_order_that_is_over_at_the_venue_only_breaks_i6(past):
    accepted, intent, placed = past.histories[0].events
    still = replace(placed, body=replace(placed.body, status=OrderStatus.OPEN, fills=()))
    assert set(told(with_events(past, accepted, intent, still))) == {"I6"}


def test_a_secret_in_a_record_breaks_i7(past):
    secret = past.histories[0].events[1].body.client_order_id
    assert set(told(replace(past, secrets=[secret]))) == {"I7"}


def test_what_is_not_settled_in_time_breaks_i8(past):
    assert told(replace(past, in_time=False)) == ["I8"]
    assert told(replace(past, errors=["the pipeline failed"])) == ["I8"]


HIDDEN = [
    VenueFault(kind=kind, nth=1, seconds=50, trader="paper")
    for kind in (VenueFaultKind.REPLY_LOST, VenueFaultKind.HIDDEN)
]


def test_a_second_order_is_excused_only_where_it_is_said_and_the_venue_lied(happen):
    past = happen(*HIDDEN, lag=Lag(fence_s=None, hidden_max_s=60, proves=True))
    assert len(past.ledger.taken) == 2
    assert told(past) == []
    unsaid = [
        event for event in past.events if not isinstance(event.body, e.Halted | e.Incident | e.Differed | e.Reopened)
    ]
    assert {"I2", "I3"} <= set(told(replace(past, events=unsaid)))
    honest = replace(past, script=replace(past.script, lag=Lag()))
    assert {"I2", "I3"} <= set(told(honest))


def test_balances_that_differ_from_the_venues_break_i6(past):
    past.books["paper"].move("USDT", 1)
    assert told(past) == ["I6"]


@pytest.mark.parametrize("books", ["kept", "restored"])
@pytest.mark.parametrize(
    ("what", "of"),
    [
        ("totals", ("paper", "USDT")),
        ("locked", ("paper", "USDT")),
        ("held", ("paper", "BTC/USDT")),
        ("cost", ("paper", "BTC/USDT")),
        ("realized", ("paper", "BTC/USDT")),
    ],
)
def test_books_that_are_off_by_the_last_digit_break_i6(happen, books, what, of):
    part = Planned("s2", 35, "BTC/USDT", "sell", quantity=0.5)
    rests = Planned("s3", 65, "BTC/USDT", "buy", price=0.8, quantity=0.5)
    past = happen(signals=[BOUGHT_AND_SOLD[0], part, rests])
    assert check(past) == []
    kept = getattr(past, books)
    values = getattr(kept, what)
    assert values[of]
    wrong = replace(kept, **{what: {**values, of: values[of] + Decimal("1e-17")}})
    assert set(told(replace(past, **{books: wrong}))) == {"I6"}
    none = replace(kept, **{what: {}})
    assert set(told(replace(past, **{books: none}))) == {"I6"}


def test_positions_that_are_counted_otherwise_break_i6(past):
    assert told(replace(past, kept=replace(past.kept, positions={}))) == ["I6"]


def test_balances_of_a_moment_before_a_booked_trade_break_i6(past):
    counted = next(event for event in past.events if isinstance(event.body, e.BalancesSynced))
    again = replace(counted, position=past.events[-1].position + 1)
    state = State()
    state.fold([*past.events, again])
    stale = replace(past, events=[*past.events, again], kept=None, restored=kept_by(state))
    assert set(told(stale)) == {"I6"}
    assert any("is none that there ever was" in violation.what for violation in check(stale))


def test_a_balance_that_is_taken_over_though_the_events_add_up_to_it_breaks_i6(past):
    counted = next(
        event for event in past.events if isinstance(event.body, e.BalancesSynced) and event.body.trader == "paper"
    )
    total = past.books["paper"].totals()["USDT"]
    right = e.BalancesSynced(trader="paper", balances={"USDT": total})
    again = replace(counted, position=past.events[-1].position + 1, body=right)
    events = [*past.events, again]
    assert set(told(replace(past, events=events))) == {"I6"}
    assert told(replace(past, events=[*events, replace(again, position=again.position + 1)])).count("I6") == 1


def test_a_fee_in_a_third_coin_that_was_worth_something_else_breaks_i6(happen):
    past = happen(fees_in=FeesIn.COIN)
    assert check(past) == []
    accepted, intent, placed = past.histories[0].events
    (fill,) = placed.body.fills
    assert fill.fee_in_quote == fill.fee * 600
    wrong = replace(fill, fee_in_quote=fill.fee)
    assert set(
        told(with_events(past, accepted, intent, replace(placed, body=replace(placed.body, fills=(wrong,)))))
    ) == {"I6"}


def test_where_there_is_no_secret_to_look_for_i7_is_broken(past):
    assert told(replace(past, secrets=[])) == ["I7"]
    assert told(replace(past, secrets=["", "key"])) == ["I7"]


def test_a_stranger_that_is_reported_twice_in_a_life_breaks_i8(past):
    past.ledger.foreign.append("paper-7")
    last = past.events[-1]
    stranger = difference("paper", DifferenceKind.STRANGER, "paper-7", "not ours", "buy 1 BTC/USDT")
    reports = [replace(last, number=0, position=last.position + n, body=e.Differed.of((stranger,))) for n in (1, 2)]
    assert told(replace(past, events=[*past.events, reports[0]])) == []
    assert told(replace(past, events=[*past.events, *reports])) == ["I8"]
