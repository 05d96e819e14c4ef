import json
from decimal import Decimal

import pytest

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.order_summary import orders_of
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side
from tidegate.domain.signal_summary import SignalSummary, line_of

SAID = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": 1, "source": "desk", "key": "k"}
ACCEPTED = e.Accepted(score=0.75, parts=(), expires_at_ns=10**12)
UNKNOWN = e.Unknown(client_order_id="c1", detail="timeout")
PARKED = e.Parked(client_order_id="c1", detail="no lookup")
FAILED = e.Failed(client_order_id="c1", reason=Reason.REJECTED, detail="no money")


def history(*bodies, raw=None, **said):
    """A life with one event each second, from 1970 on."""
    raw = json.dumps(SAID | said).encode() if raw is None else raw
    told = tuple(e.Recorded(9 + n, 9, "a1", n * 10**9, body) for n, body in enumerate(bodies))
    return SignalHistory(9, "a1", b"", raw, told)


def intent(order_id="c1", price="0.00000012"):
    return e.Intent(
        client_order_id=order_id,
        trader="paper",
        symbol="BTC/USDT",
        side=Side.BUY,
        order_type=OrderType.LIMIT if price else OrderType.MARKET,
        amount=Decimal("1E+2"),
        price=Decimal(price) if price else None,
        attempt=1,
        reserved=Decimal(1),
    )


def placed(order_id="c1", *fills, status=OrderStatus.OPEN):
    return e.Placed(client_order_id=order_id, venue_order_id=f"V-{order_id}", status=status, fills=fills)


def fill(amount, price):
    return Fill(trade_id="t", amount=Decimal(amount), price=Decimal(price), fee=Decimal(0), fee_currency="USDT")


def deferred(order_id="c1"):
    return e.Deferred(client_order_id=order_id, reason=Reason.NEVER_SENT, detail="no route", retry_at_ns=0)


def reopened(order_id="c1"):
    return e.Reopened(
        client_order_id=order_id,
        venue_order_id=f"V-{order_id}",
        detail="seen on the venue",
        outcome="failed",
        request=intent(order_id),
        status=OrderStatus.OPEN,
    )


@pytest.mark.parametrize(
    ("bodies", "outcome", "reason", "measured", "limit", "decided_s"),
    [
        pytest.param([e.Refused(reason=Reason.WEAK, measured=0.2, limit=0.5)], "refused", "weak", 0.2, 0.5, 0,
                     id="refused at receipt"),
        pytest.param([ACCEPTED, e.Refused(reason=Reason.POSITION_LIMIT, measured=3, limit=2)], "refused",
                     "position_limit", 3, 2, 1, id="refused by our limits"),
        pytest.param([ACCEPTED, e.Superseded(by="b2")], "superseded", "newer_signal", "b2", None, 1, id="superseded"),
        pytest.param([ACCEPTED, e.Expired(reason=Reason.HALTED, measured="by hand")], "expired", "halted", "by hand",
                     None, 1, id="expired, with its last obstacle"),
        pytest.param([ACCEPTED], "waiting", "awaiting_tick", None, None, 0, id="waiting for its first tick"),
        pytest.param([ACCEPTED, intent(), deferred()], "waiting", "never_sent", "no route", None, 2,
                     id="waiting for another attempt"),
        pytest.param([ACCEPTED, intent()], "placing", None, None, None, 1, id="placing"),
        pytest.param([ACCEPTED, intent(), UNKNOWN], "unknown", "no_answer", "timeout", None, 2, id="unknown"),
        pytest.param([ACCEPTED, intent(), UNKNOWN, PARKED], "parked", "no_proof", "no lookup", None, 3, id="parked"),
        pytest.param([ACCEPTED, intent(), FAILED], "failed", "rejected", "no money", None, 2, id="failed"),
        pytest.param([ACCEPTED, intent(), placed()], "placed", None, None, None, 2, id="placed"),
        pytest.param([ACCEPTED, intent(), UNKNOWN, placed()], "placed", "found", None, None, 3, id="found"),
        pytest.param([ACCEPTED, intent(), UNKNOWN, PARKED, placed()], "placed", "found", None, None, 4,
                     id="found after it was parked"),
        pytest.param([ACCEPTED, intent(), FAILED, reopened()], "placed", "found", "seen on the venue", None, 3,
                     id="reopened"),
        pytest.param([ACCEPTED, e.Redelivered()], "waiting", "awaiting_tick", None, None, 0,
                     id="a redelivery decides nothing"),
        pytest.param([ACCEPTED, intent(), placed(), e.OrderChanged(client_order_id="c1", status=OrderStatus.CANCELED)],
                     "placed", None, None, None, 2, id="nor does what becomes of the order"),
    ],
)  # fmt: skip
def test_the_outcome_and_its_cause(bodies, outcome, reason, measured, limit, decided_s):
    line = line_of(history(*bodies))
    assert (line.outcome, line.reason, line.measured, line.limit) == (outcome, reason, measured, limit)
    assert line.decided_at == f"1970-01-01T00:00:0{decided_s}.000Z"
    assert line.received_at == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("bodies", "status", "orders", "venue_id", "filled", "average", "placed_at"),
    [
        pytest.param([], None, [], None, "0", None, None, id="no order yet"),
        pytest.param([intent()], None, ["c1"], None, "0", None, None, id="in flight"),
        pytest.param([intent(), FAILED], None, ["c1"], None, "0", None, None, id="not placed"),
        pytest.param([intent(), placed()], "open", ["c1"], "V-c1", "0", None, 2, id="open"),
        pytest.param([intent(), deferred(), intent("c2"), placed("c2")], "open", ["c1", "c2"], "V-c2", "0", None, 4,
                     id="placed at the second attempt"),
        pytest.param([intent(), placed("c1", fill("1", "10"), fill("2", "13"), status=OrderStatus.CLOSED)], "closed",
                     ["c1"], "V-c1", "3", "12", 2, id="filled at once"),
        pytest.param([intent(), placed("c1", fill("1", "1")), e.Filled(client_order_id="c1", fill=fill("2", "2"))],
                     "open", ["c1"], "V-c1", "3", "1.666666666666667", 2, id="partly filled"),
        pytest.param([intent(), placed(), e.OrderChanged(client_order_id="c1", status=OrderStatus.CANCELED)],
                     "canceled", ["c1"], "V-c1", "0", None, 2, id="canceled"),
        pytest.param([intent(), deferred(), intent("c2"), deferred("c2"), reopened("c1")], "open", ["c1", "c2"],
                     "V-c1", "0", None, 5, id="an earlier order turns up"),
    ],
)  # fmt: skip
def test_the_order_of_a_signal(bodies, status, orders, venue_id, filled, average, placed_at):
    line = line_of(history(ACCEPTED, *bodies))
    assert (line.order_status, line.client_order_ids, line.venue_order_id) == (status, orders, venue_id)
    assert (line.filled, line.average) == (filled, average)
    assert line.placed_at == (None if placed_at is None else iso_of(placed_at * 10**9))
    assert line.trader == ("paper" if orders else None)


@pytest.mark.parametrize(
    ("bodies", "quantity", "price"),
    [
        pytest.param([], "2.50", "7", id="before there is an order, the signal's"),
        pytest.param([intent()], "100", "0.00000012", id="then the order's, without exponents"),
        pytest.param([intent(price=None)], "100", None, id="a market order has no price"),
    ],
)
def test_quantity_and_price(bodies, quantity, price):
    line = line_of(history(ACCEPTED, *bodies, quantity="2.50", price="7"))
    assert (line.quantity, line.price) == (quantity, price)


def test_what_the_sender_said_and_what_we_made_of_it():
    line = line_of(history(ACCEPTED))
    assert (line.signal_id, line.key, line.source, line.symbol, line.side) == ("a1", "k", "desk", "BTC/USDT", "buy")
    assert (line.strength, line.score, line.quantity, line.price) == (0.9, 0.75, None, None)


def said(**changes):
    return json.dumps({name: value for name, value in {**SAID, **changes}.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        pytest.param(b"\xff{", (None, None, None), id="no text: nothing"),
        pytest.param(said()[:-5], (None, None, None), id="cut short: nothing"),
        pytest.param(b'["key"]', (None, None, None), id="no object: nothing"),
        pytest.param(said(strength="x"), ("k", "desk", "BTC/USDT"), id="a wrong field elsewhere: all three"),
        pytest.param(said(bogus=1, source=None), ("k", None, "BTC/USDT"), id="no sender: the others"),
        pytest.param(said(key=7), (None, "desk", "BTC/USDT"), id="a key of a wrong type: the others"),
        pytest.param(said(symbol="B" * 99), ("k", "desk", None), id="a symbol that is too long: the others"),
        pytest.param(said(side=None, key=""), (None, "desk", "BTC/USDT"), id="an empty key is none"),
        pytest.param(said() + b" " * 10, ("k", "desk", "BTC/USDT"), id="too long, though its beginning can be read"),
    ],
)
def test_of_a_malformed_signal_only_what_names_it_is_kept_where_it_can_be_read(raw, named):
    line = line_of(history(e.Refused(reason=Reason.MALFORMED, measured="bad"), raw=raw))
    assert (line.key, line.source, line.symbol) == named
    assert (line.side, line.strength, line.score, line.quantity, line.price) == (None,) * 5
    assert (line.outcome, line.reason, line.measured) == ("refused", "malformed", "bad")


def test_a_signal_from_a_file_that_said_now_is_read_again():
    assert line_of(history(ACCEPTED, timestamp="now")).symbol == "BTC/USDT"


def test_the_fields_are_those_that_others_script_against():
    assert SignalSummary.__struct_fields__ == (
        *("signal_id", "key", "source", "symbol", "side", "strength", "score", "received_at", "outcome", "reason"),
        *("measured", "limit", "trader", "client_order_ids", "venue_order_id", "order_status", "quantity", "price"),
        *("filled", "average", "decided_at", "placed_at", "cut_from", "rule"),
    )


def test_an_event_that_cannot_follow_is_left_out_and_a_life_without_a_beginning_is_an_error():
    assert line_of(history(ACCEPTED, placed())).outcome is Outcome.WAITING
    assert line_of(history(ACCEPTED, placed(), intent())).outcome is Outcome.PLACING
    with pytest.raises(IllegalTransition, match="a1 begins with placed"):
        line_of(history(placed()))


def test_each_order_keeps_its_own_fills_and_words():
    first, second = orders_of(history(ACCEPTED, intent(), deferred(), intent("c2"), placed("c2", fill("1", "2"))))
    assert (first.status, first.detail, first.filled, first.placed_at) == ("not_placed", "no route", "0", None)
    assert (second.status, second.detail, second.filled, second.average) == ("open", None, "1", "2")
    assert first.status.over
    assert not second.status.over


@pytest.mark.parametrize(
    ("at_ns", "text"),
    [
        pytest.param(0, "1970-01-01T00:00:00.000Z", id="the epoch"),
        pytest.param(1_515_628_800_123_999_999, "2018-01-11T00:00:00.123Z", id="what is under a millisecond is cut"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(at_ns, text):
    assert iso_of(at_ns) == text
