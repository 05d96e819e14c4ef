"""The checker finds each way in which a history can break the promise, and nothing in one that keeps it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain import events as e
from domain.events import Recorded
from domain.order import Fill, OrderStatus
from simulation.faulty import Kind, Lag, Mishap
from simulation.torture.checker import check


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
    (life,) = history.lives
    others = [event for event in history.events if event.number != life.number]
    return replace(history, lives=[replace(life, events=tuple(events))], events=[*others, *events])


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


def test_an_order_that_no_venue_has_breaks_i3(history):
    history.ledger.taken.clear()
    assert told(history) == ["I3"]


def test_an_order_that_the_journal_gave_up_and_a_venue_has_breaks_i3(history):
    accepted, intent, placed = history.lives[0].events
    order_id = placed.body.client_order_id
    failed = replace(placed, body=e.Failed(client_order_id=order_id, reason="rejected", detail="no"))
    assert told(with_events(history, accepted, intent, failed)) == ["I3", "I6"]  # the balances show it too


def test_an_order_that_was_never_meant_to_be_sent_breaks_i3_and_i4(history):
    accepted = history.lives[0].events[0]
    refused = replace(accepted, position=accepted.position + 1, body=e.Refused(reason="no_position"))
    assert told(with_events(history, accepted, refused)) == ["I3", "I4", "I6"]


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
    more = {trader: {**totals, "USDT": totals["USDT"] + 1} for trader, totals in history.balances.items()}
    assert set(told(replace(history, balances=more))) == {"I6"}
