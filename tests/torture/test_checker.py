"""The checker finds each way in which a history can break the promise, and nothing in one that keeps it."""

from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.events import Recorded
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.signal import Side
from tidegate.torture import identities
from tidegate.torture.checker import check
from tidegate.torture.faulty import FeesIn, Kind, Lag, Mishap, Planned
from tidegate.torture.faulty.ledger import Ban
from tidegate.torture.kept import kept_by

BOUGHT_AND_SOLD = [Planned("s1", 1, "BTC/USDT", "buy"), Planned("s2", 35, "BTC/USDT", "sell")]


@pytest.fixture
def history(happen):
    """One signal, placed and filled."""
    history = happen()
    assert [e.kind_of(event.body) for event in history.lives[0].events] == ["accepted", "intent", "placed"]
    assert check(history) == []
    return history


def told(history):
    return [violation.invariant for violation in check(history)]


def with_events(history, *events: Recorded):
    """The history with another life of its signal, and the books that follow from it."""
    (life,) = history.lives
    others = [event for event in history.events if event.number != life.number]
    told_now = sorted([*others, *events], key=lambda event: event.position)
    state = State()
    with suppress(IllegalTransition, KeyError):
        state.fold(told_now)
    lives = [replace(life, events=tuple(events))]
    return replace(history, lives=lives, events=told_now, kept=None, restored=kept_by(state))


def test_a_signal_without_an_end_breaks_i1(history):
    accepted = history.lives[0].events[0]
    assert "I1" in told(with_events(history, accepted))


def test_an_event_that_cannot_follow_breaks_i1(history):
    accepted, intent, placed = history.lives[0].events
    again = replace(
        placed,
        body=e.Deferred(client_order_id=placed.body.client_order_id, reason="rejected", detail="", retry_at_ns=0),
    )
    assert "I1" in told(with_events(history, accepted, intent, placed, again))


def test_a_signal_that_is_accepted_twice_breaks_i1(history):
    twin = replace(history.lives[0], number=77, signal_id="other")
    assert "I1" in told(replace(history, lives=[*history.lives, twin]))


def test_a_ledger_that_is_not_the_sum_of_the_events_breaks_i1(history):
    for books in ("kept", "restored"):
        kept = getattr(history, books)
        assert told(replace(history, **{books: replace(kept, received=kept.received + 1)})) == ["I1"]
        assert told(replace(history, **{books: replace(kept, outcomes={"failed": 1})})) == ["I1"]


@pytest.mark.parametrize(("late_s", "skew_s", "broken"), [(0.1, 0, ["I1"]), (5, 0, []), (0.1, 40, [])])
def test_a_new_signal_that_is_refused_for_its_age_breaks_i1(happen, late_s, skew_s, broken):
    history = happen(signals=[Planned("s1", 1, "BTC/USDT", "buy", stamped=True)])
    accepted = history.lives[0].events[0]
    history.ledger.sent.clear()
    history.ledger.taken.clear()
    history.books["paper"].__init__({"USDT": Decimal(160)})
    given = [replace(history.given[0], at_ns=history.given[0].at_ns + int(late_s * 1e9))]
    aged = with_events(history, replace(accepted, body=e.Refused(reason="stale")))
    aged = replace(aged, given=given, wall_off=[(0, int(skew_s * 1e9))], in_time=True)
    assert [name for name in told(aged) if name != "I6"] == broken


def test_two_orders_of_one_signal_break_i2(history):
    history.ledger.taken.append(history.ledger.taken[0])
    assert told(history) == ["I2"]


def test_one_order_that_is_sent_twice_breaks_i2(history):
    history.ledger.sent.append(history.ledger.sent[0])
    assert told(history) == ["I2"]


def test_trading_more_than_was_asked_for_breaks_i2(history):
    taken = history.ledger.taken[0]
    fill = Fill(trade_id="more", amount=Decimal(9), price=Decimal(1), fee=Decimal(0), fee_currency="USDT")
    taken.fills.append(fill)
    assert "I2" in told(history)


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
    history = happen(signals=[asked])
    assert check(history) == []
    accepted, intent, placed = history.lives[0].events
    changed = replace(intent, body=replace(intent.body, **other))
    assert "I2" in told(with_events(history, accepted, changed, placed))


def test_selling_more_than_our_trades_hold_breaks_i2(happen):
    history = happen(signals=BOUGHT_AND_SOLD)
    bought, sold = history.lives
    amount = bought.events[1].body.amount
    intent = sold.events[1]
    assert (intent.body.amount, check(history)) == (amount, [])
    more = replace(intent, body=replace(intent.body, amount=amount + Decimal("0.00001")))
    events = [more if event is intent or event.position == intent.position else event for event in history.events]
    assert "I2" in told(replace(history, events=events))
    assert "I2" not in told(replace(history, events=events, bounds=replace(history.bounds, sells_holdings=True)))


def test_a_sale_that_grows_when_it_is_tried_again_breaks_i2(happen):
    closed = Mishap(kind=Kind.MARKET_CLOSED, nth=2, seconds=5, trader="paper")
    history = happen(closed, signals=BOUGHT_AND_SOLD)
    assert check(history) == []
    accepted, first, deferred, second, placed = history.lives[1].events
    assert first.body.amount == second.body.amount
    for other in ({"amount": first.body.amount * 2}, {"trader": "twin"}):
        changed = replace(second, body=replace(second.body, **other))
        lives = [history.lives[0], replace(history.lives[1], events=(accepted, first, deferred, changed, placed))]
        assert "I2" in told(replace(history, lives=lives))


def test_attempts_that_cost_nothing_do_not_use_up_an_order_or_break_i1(happen):
    limits = [
        Mishap(kind=Kind.RATE_LIMITED, nth=nth, seconds=1, trader=t) for nth in range(1, 6) for t in ("paper", "twin")
    ]
    history = happen(*limits)
    assert check(history) == []
    assert len(history.lives[0].events) > 8
    accepted, *others = history.lives[0].events
    bodies = [event for event in others if isinstance(event.body, e.Intended | e.Deferred)][:5]
    order_id = bodies[-1].body.client_order_id
    given_up = replace(bodies[-1], position=bodies[-1].position + 1)
    failed = replace(given_up, body=e.Failed(client_order_id=order_id, reason="attempts_used_up", detail=""))
    assert "I1" in told(with_events(history, accepted, *bodies, failed))


def test_an_order_beyond_the_limits_breaks_i2(history):
    notional_max = {"BTC/USDT": Decimal(99)}
    assert told(replace(history, bounds=replace(history.bounds, notional_max=notional_max))) == ["I2"]
    assert told(replace(history, bounds=replace(history.bounds, positions_max=0))) == ["I2"]


def test_an_order_that_no_venue_has_breaks_i3(history):
    history.ledger.taken.clear()
    assert told(history) == ["I3"]


def test_an_order_that_the_journal_gave_up_and_a_venue_has_breaks_i3(history):
    accepted, intent, placed = history.lives[0].events
    order_id = placed.body.client_order_id
    failed = replace(placed, body=e.Failed(client_order_id=order_id, reason="rejected", detail="no"))
    assert set(told(with_events(history, accepted, intent, failed))) == {"I3", "I6"}  # the balances show it too


def test_an_order_that_was_never_meant_to_be_sent_breaks_i3_and_i4(history):
    accepted = history.lives[0].events[0]
    refused = replace(accepted, position=accepted.position + 1, body=e.Refused(reason="no_position"))
    assert set(told(with_events(history, accepted, refused))) == {"I3", "I4", "I6"}


def test_a_send_after_the_time_to_live_breaks_i4(history):
    history.ledger.sent[0] = replace(history.ledger.sent[0], at_ns=history.lives[0].events[0].body.expires_at_ns)
    assert told(history) == ["I4"]


def test_a_send_before_its_intent_is_durable_breaks_i4(history):
    history.ledger.sent[0] = replace(history.ledger.sent[0], believed=history.lives[0].events[0].position)
    assert told(history) == ["I4"]


@pytest.mark.parametrize(
    ("halted", "broken"),
    [
        ([e.Halted(reduce_only=False, why="x")], ["I4"]),
        ([e.Halted(reduce_only=True, why="x")], ["I4"]),
        ([e.Halted(reduce_only=True, why="x"), e.Resumed()], []),
    ],
)
def test_a_send_during_a_halt_breaks_i4(history, halted, broken):
    first = history.events[0]
    halts = [replace(first, body=body) for body in halted]
    assert told(replace(history, events=[*halts, *history.events])) == broken


def test_a_send_during_a_ban_that_was_told_before_it_was_decided_breaks_i4(history):
    sent = history.ledger.sent[0]
    history.ledger.bans.append(Ban(sent.at_ns - 1, sent.at_ns + 1, sent.life + 1))  # another life does not know
    assert told(history) == []
    history.ledger.bans.append(Ban(sent.at_ns - 1, sent.at_ns + 1, sent.life))
    assert told(history) == ["I4"]


def test_what_is_acknowledged_under_the_id_of_something_else_breaks_i5(history):
    (payload,) = history.acknowledged
    other = payload.replace(b'"strength":1.0', b'"strength":0.9')
    same = payload.replace(b'"strength":1.0', b'"strength":1.000')
    (signal_id,) = history.acknowledged.values()
    assert told(replace(history, acknowledged={payload: signal_id, other: signal_id})) == ["I5"]
    assert told(replace(history, acknowledged={payload: signal_id, same: signal_id})) == []
    twin = replace(history.lives[0], signal_id="other")
    twice = replace(history, lives=[*history.lives, twin], acknowledged={payload: signal_id, same: "other"})
    assert "I5" in told(twice)


def test_an_id_that_is_not_what_it_has_to_be_breaks_i5(history):
    accepted, intent, placed = history.lives[0].events
    order_id = identities.order_id("tidegate", "twin", history.lives[0].signal_id, 1)
    renamed = with_events(
        history,
        accepted,
        replace(intent, body=replace(intent.body, client_order_id=order_id)),
        replace(placed, body=replace(placed.body, client_order_id=order_id)),
    )
    assert "I5" in told(renamed)
    (life,) = history.lives
    assert "I5" in told(replace(history, lives=[replace(life, signal_id="0" * 20)]))


def test_an_acknowledged_signal_that_is_not_there_breaks_i5(history):
    assert told(replace(history, acknowledged={b"{}": "nowhere"})) == ["I5"]


def test_a_trade_that_is_booked_twice_breaks_i6(history):
    accepted, intent, placed = history.lives[0].events
    twice = replace(placed, body=replace(placed.body, fills=placed.body.fills * 2))
    assert set(told(with_events(history, accepted, intent, twice))) == {"I6"}


def test_an_order_that_is_over_at_the_venue_only_breaks_i6(history):
    accepted, intent, placed = history.lives[0].events
    still = replace(placed, body=replace(placed.body, status=OrderStatus.OPEN, fills=()))
    assert set(told(with_events(history, accepted, intent, still))) == {"I6"}


def test_a_secret_in_a_record_breaks_i7(history):
    secret = history.lives[0].events[1].body.client_order_id
    assert set(told(replace(history, secrets=[secret]))) == {"I7"}


def test_what_is_not_settled_in_time_breaks_i8(history):
    assert told(replace(history, in_time=False)) == ["I8"]
    assert told(replace(history, errors=["the pipeline failed"])) == ["I8"]


HIDDEN = [Mishap(kind=kind, nth=1, seconds=50, trader="paper") for kind in (Kind.REPLY_LOST, Kind.HIDDEN)]


def test_a_second_order_is_excused_only_where_it_is_said_and_the_venue_lied(happen):
    history = happen(*HIDDEN, lag=Lag(fence_s=None, hidden_max_s=60, proves=True))
    assert len(history.ledger.taken) == 2
    assert told(history) == []
    unsaid = [event for event in history.events if not isinstance(event.body, e.Halted | e.Faulted | e.Reopened)]
    assert {"I2", "I3"} <= set(told(replace(history, events=unsaid)))
    honest = replace(history, script=replace(history.script, lag=Lag()))
    assert {"I2", "I3"} <= set(told(honest))


def test_balances_that_differ_from_the_venues_break_i6(history):
    history.books["paper"].move("USDT", 1)
    assert told(history) == ["I6"]


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
    history = happen(signals=[BOUGHT_AND_SOLD[0], part, rests])
    assert check(history) == []
    kept = getattr(history, books)
    values = getattr(kept, what)
    assert values[of]
    wrong = replace(kept, **{what: {**values, of: values[of] + Decimal("1e-17")}})
    assert set(told(replace(history, **{books: wrong}))) == {"I6"}
    none = replace(kept, **{what: {}})
    assert set(told(replace(history, **{books: none}))) == {"I6"}


def test_positions_that_are_counted_otherwise_break_i6(history):
    assert told(replace(history, kept=replace(history.kept, positions={}))) == ["I6"]


def test_balances_of_a_moment_before_a_booked_trade_break_i6(history):
    counted = next(event for event in history.events if isinstance(event.body, e.Counted))
    again = replace(counted, position=history.events[-1].position + 1)
    state = State()
    state.fold([*history.events, again])
    stale = replace(history, events=[*history.events, again], kept=None, restored=kept_by(state))
    assert set(told(stale)) == {"I6"}
    assert any("is none that there ever was" in violation.what for violation in check(stale))


def test_a_balance_that_is_taken_over_though_the_events_add_up_to_it_breaks_i6(history):
    counted = next(
        event for event in history.events if isinstance(event.body, e.Counted) and event.body.trader == "paper"
    )
    total = history.books["paper"].totals()["USDT"]
    right = e.Counted(trader="paper", balances={"USDT": total})
    again = replace(counted, position=history.events[-1].position + 1, body=right)
    events = [*history.events, again]
    assert set(told(replace(history, events=events))) == {"I6"}
    assert told(replace(history, events=[*events, replace(again, position=again.position + 1)])).count("I6") == 1


def test_a_fee_in_a_third_coin_that_was_worth_something_else_breaks_i6(happen):
    history = happen(fees_in=FeesIn.COIN)
    assert check(history) == []
    accepted, intent, placed = history.lives[0].events
    (fill,) = placed.body.fills
    assert fill.fee_in_quote == fill.fee * 600
    wrong = replace(fill, fee_in_quote=fill.fee)
    assert set(
        told(with_events(history, accepted, intent, replace(placed, body=replace(placed.body, fills=(wrong,)))))
    ) == {"I6"}


def test_where_there_is_no_secret_to_look_for_i7_is_broken(history):
    assert told(replace(history, secrets=[])) == ["I7"]
    assert told(replace(history, secrets=["", "key"])) == ["I7"]


def test_a_stranger_that_is_reported_twice_in_a_life_breaks_i8(history):
    history.ledger.foreign.append("paper-7")
    last = history.events[-1]
    reports = [
        replace(
            last, number=0, position=last.position + n, body=e.Faulted(where="x", error="stranger: paper-7: not ours")
        )
        for n in (1, 2)
    ]
    assert told(replace(history, events=[*history.events, reports[0]])) == []
    assert told(replace(history, events=[*history.events, *reports])) == ["I8"]
