"""The promise, held against the whole history of a run: eight invariants.

I1  a signal that was received has exactly one outcome, with its reason, and the ledger balances
I2  at any moment at most one order of a signal is alive or may be; no more than it asked for is bought or sold, no more
    is sold than our trades hold, and nothing beyond the limits
I3  an order is placed in the journal exactly where a venue has it
I4  no send begins after the time to live is over, during a halt, or before its intent is durable
I5  what was acknowledged to its sender is in the journal, under the id that it has everywhere
I6  every trade is booked, once; balances are those of the venues; and the books are what the events add up to
I7  no secret is in any record
I8  when nothing goes wrong any more, everything is settled within a bound, or parked
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import Outcome, advance
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal import Side
from tidegate.torture import identities
from tidegate.torture.booking import Booking, agrees, bookings_of
from tidegate.torture.history import TortureHistory, Violation
from tidegate.torture.identities import said_in
from tidegate.torture.money import against_books, against_state, reckon

__all__ = ["Judgement", "check", "judge"]

_SETTLED = frozenset(Outcome) - {Outcome.WAITING, Outcome.PLACING, Outcome.UNKNOWN}
_REASONS = (e.Refused, e.Expired, e.Failed)
_OF_AGE = frozenset({"stale", "from_future"})
_USED_UP = frozenset({"attempts_used_up"})
_FREE = frozenset({"rejected_for_now", "banned", "halted", "paced", "in_flight_full"})
_NEW_NS = 4_900_000_000
_TICKS = 1000  # a price is rounded by less than a thousandth


class Judgement(Struct, frozen=True):
    """What a history comes to: how it breaks the promise, and how many signals ended in which outcome.

    `caught` counts the signals of which a venue took a second order, being later than it says, where this was said.
    """

    violations: Sequence[Violation]
    outcomes: Counter[Outcome]
    caught: int


def judge(past: TortureHistory) -> Judgement:
    """Hold a history against the promise."""
    read = _Read(past)
    violations = [violation for rule in _RULES for violation in rule(read)]
    outcomes = Counter(outcome for outcome in read.outcomes.values() if outcome is not None)
    return Judgement(violations, outcomes, sum(1 for history in past.histories if read.caught(history)))


def check(past: TortureHistory) -> Sequence[Violation]:
    """Every way in which a history breaks the promise; none where it keeps it."""
    return judge(past).violations


class _Read:
    """A history, with what follows from it."""

    def __init__(self, past: TortureHistory) -> None:
        self.past = past
        self.sums, self.broken = reckon(past)
        self.outcomes: dict[str, Outcome | None] = {}
        self.illegal: list[str] = []
        self.bookings: dict[str, Booking] = {}
        self.signal_of: dict[str, SignalHistory] = {}
        for history in past.histories:
            self.outcomes[history.signal_id] = self._outcome(history)
            for booking in bookings_of(history):
                self.bookings[booking.order_id] = booking
                self.signal_of[booking.order_id] = history
        alarms = e.Halted | e.Reopened | e.Incident | e.Differed
        self._alarms = [event for event in past.events if isinstance(event.body, alarms)]

    def caught(self, history: SignalHistory) -> bool:
        """Whether a venue is later than it says, and the pipeline said so of an order of this signal."""
        if self.past.script.lag.is_as_declared:
            return False
        names = [history.signal_id, *(order_id for order_id, of in self.signal_of.items() if of is history)]
        return any(
            event.number == history.number if isinstance(event.body, e.Reopened) else _names(event.body, names)
            for event in self._alarms
        )

    def _outcome(self, history: SignalHistory) -> Outcome | None:
        outcome: Outcome | None = None
        for event in history.events:
            try:
                outcome = advance(outcome, event.body)
            except IllegalTransition as error:
                self.illegal.append(f"{history.signal_id}: {error}")
        return outcome


def _i1_one_outcome(read: _Read) -> Iterator[Violation]:
    for what in read.illegal:
        yield Violation("I1", what)
    for history in read.past.histories:
        if read.outcomes[history.signal_id] not in _SETTLED:
            yield Violation("I1", f"{history.signal_id} is {read.outcomes[history.signal_id]} at the end")
        for event in history.events:
            if isinstance(event.body, _REASONS) and not event.body.reason:
                yield Violation("I1", f"{history.signal_id} has no reason")
    accepted = Counter(
        said_in(history.raw).get("key")
        for history in read.past.histories
        if isinstance(history.events[0].body, e.Accepted)
    )
    for key, times in accepted.items():
        if key is not None and times > 1:
            yield Violation("I1", f"{key} was accepted {times} times")
    for history in read.past.histories:
        failed = [ev.body for ev in history.events if isinstance(ev.body, e.Failed) and ev.body.reason in _USED_UP]
        free = sum(isinstance(ev.body, e.Deferred) and ev.body.reason in _FREE for ev in history.events)
        attempts = sum(isinstance(ev.body, e.Intent) for ev in history.events) - free
        if failed and attempts < read.past.bounds.attempts_max:
            yield Violation("I1", f"{history.signal_id} used up its attempts with {attempts} that cost one")
        body = history.events[0].body
        if isinstance(body, e.Refused) and body.reason in _OF_AGE and not _may_seem_old(read.past, history):
            yield Violation("I1", f"{history.signal_id} was refused as {body.reason}, and was new when it came")


def _may_seem_old(past: TortureHistory, history: SignalHistory) -> bool:
    """Whether a signal with a time of its own came late, or to a machine whose clock was wrong."""
    made_ns = int(str(said_in(history.raw)["timestamp"])) * 1_000_000
    given = [given for given in past.given if given.payload == history.raw]
    return any(g.at_ns - made_ns > _NEW_NS or past.skew_ns(g.at_ns) for g in given)


def _i2_one_order(read: _Read) -> Iterator[Violation]:
    ledger = read.past.ledger
    for order_id, times in Counter(sent.request.client_order_id for sent in ledger.sent).items():
        if times > 1:
            yield Violation("I2", f"{order_id} was sent {times} times")
    taken_ids = [taken.request.client_order_id for taken in ledger.taken]
    for history in read.past.histories:
        times = sum(1 for order_id in taken_ids if read.signal_of.get(order_id) is history)
        if times > 1 and not read.caught(history):
            yield Violation("I2", f"{history.signal_id} has {times} orders")
    for taken in ledger.taken:
        if taken.filled > taken.request.amount:
            yield Violation("I2", f"{taken.request.client_order_id} traded {taken.filled} of {taken.request.amount}")
    yield from (violation for violation in read.broken if violation.invariant == "I2")
    yield from _terms(read)
    if not read.past.script.lag.is_as_declared or ledger.strangers_acted:
        return
    for event in read.past.events:
        body = event.body
        if isinstance(body, e.Deferred | e.Failed) and "insufficient balance" in body.detail:
            yield Violation("I2", f"{body.client_order_id} spent what was reserved for another order")


def _terms(read: _Read) -> Iterator[Violation]:
    """An order has the terms that its signal asked for."""
    for name, booking in read.bookings.items():
        intent, said = booking.intent, said_in(read.signal_of[name].raw)
        price, quantity, order_type = said.get("price"), said.get("quantity"), said.get("order_type")
        if isinstance(quantity, Decimal) and intent.amount > quantity:
            yield Violation("I2", f"{name} is for {intent.amount}, and {quantity} was asked for")
        if (intent.symbol, intent.side) != (said["symbol"], said["side"]):
            yield Violation("I2", f"{name} is to {intent.side} {intent.symbol}, which the signal did not ask for")
        if order_type is not None and intent.order_type != order_type:
            yield Violation("I2", f"{name} is a {intent.order_type} order, and {order_type} was asked for")
        if isinstance(price, Decimal) and intent.price is not None and abs(intent.price - price) > price / _TICKS:
            yield Violation("I2", f"{name} is at {intent.price}, and {price} was asked for")
        if (intent.price is None) is not (intent.order_type == "market"):
            yield Violation("I2", f"{name} is a {intent.order_type} order at {intent.price}")
    for history in read.past.histories:
        sales = [ev.body for ev in history.events if isinstance(ev.body, e.Intent) and ev.body.side is Side.SELL]
        for sale in sales[1:]:
            if sale.amount > sales[0].amount or sale.trader != sales[0].trader:
                yield Violation("I2", f"{sale.client_order_id} sells more, or elsewhere, than the attempt before it")


def _i3_placed_where_it_is(read: _Read) -> Iterator[Violation]:
    taken_ids = {taken.request.client_order_id for taken in read.past.ledger.taken}
    for order_id, booking in read.bookings.items():
        if booking.status is not None and order_id not in taken_ids:
            yield Violation("I3", f"{order_id} is placed in the journal, and no venue took it")
        declared = read.past.script.lag.is_as_declared
        if booking.not_placed and order_id in taken_ids and not declared and not read.caught(read.signal_of[order_id]):
            yield Violation("I3", f"{order_id} is proved not placed in the journal, and a venue took it")
    if read.past.script.lag.is_as_declared:
        for event in read.past.events:
            body = event.body
            if isinstance(body, e.Deferred | e.Failed) and body.client_order_id in taken_ids:
                yield Violation(
                    "I3", f"{body.client_order_id} was thought to be proved not placed, and a venue took it"
                )
    for order_id in taken_ids - read.bookings.keys():
        yield Violation("I3", f"{order_id} was taken by a venue, and the journal never meant to send it")
    for taken in read.past.ledger.taken:
        ours = read.bookings.get(taken.request.client_order_id)
        if ours is not None and ours.intent != taken.request:
            yield Violation("I3", f"{ours.order_id} is another order at the venue than was meant")


def _i4_no_late_send(read: _Read) -> Iterator[Violation]:
    past = read.past
    halts = [event for event in past.events if isinstance(event.body, e.Halted | e.Resumed)]
    for sent in past.ledger.sent:
        order_id = sent.request.client_order_id
        history = read.signal_of.get(order_id)
        if history is None or read.bookings[order_id].position > sent.believed:
            yield Violation("I4", f"{order_id} was sent before its intent was durable")
            continue
        accepted = history.events[0].body
        if isinstance(accepted, e.Accepted):
            expires_at_ns, received_at_ns = accepted.expires_at_ns, history.events[0].at_ns
            over_ns = _true_ns(past, received_at_ns) + expires_at_ns - received_at_ns
            late = sent.at_ns - over_ns, sent.by_own_clock_ns - expires_at_ns
            # Where the wall clock was set, what was left after a restart is by what it showed then.
            late_ns = max(late) if len(past.wall_off) == 1 else min(late)
            if late_ns >= 0:
                yield Violation("I4", f"{order_id} was sent {late_ns / 1e9:g} s too late")
        halted = next((h.body for h in reversed(halts) if h.position <= sent.believed), None)
        closing = isinstance(halted, e.Halted) and halted.reduce_only and sent.request.side is Side.SELL
        if isinstance(halted, e.Halted) and not closing:
            yield Violation("I4", f"{order_id} was sent during a halt")

    for ban in past.ledger.bans:
        for sent in past.ledger.sent:
            intent = read.bookings.get(sent.request.client_order_id)
            decided_ns = sent.at_ns if intent is None else _true_ns(past, intent.at_ns, by_ns=sent.at_ns)
            if ban.history == sent.history and ban.told_ns < decided_ns and sent.at_ns < ban.until_ns:
                yield Violation("I4", f"{sent.request.client_order_id} was sent though all of us are banned")


def _true_ns(past: TortureHistory, at_ns: int, *, by_ns: int | None = None) -> int:
    """The last moment, at `by_ns` the latest, at which the machine's wall clock showed `at_ns`."""
    ends_ns = [*(begun_ns for begun_ns, _ in past.wall_off[1:]), past.ended_ns + 1]
    periods = zip(past.wall_off, ends_ns, strict=True)
    shown = (at_ns - off_ns for (from_ns, off_ns), to_ns in periods if from_ns <= at_ns - off_ns <= to_ns)
    return max((true_ns for true_ns in shown if by_ns is None or true_ns <= by_ns), default=at_ns)


def _i5_acknowledged_is_recorded(read: _Read) -> Iterator[Violation]:
    past = read.past
    raw_of = {history.signal_id: history.raw for history in past.histories}
    ids: dict[str, set[str]] = defaultdict(set)
    for payload, signal_id in past.acknowledged.items():
        if signal_id not in raw_of:
            yield Violation("I5", f"{signal_id} was acknowledged, and is not in the journal: {payload.decode()}")
        elif said_in(raw_of[signal_id]) != said_in(payload):
            yield Violation("I5", f"{signal_id} was acknowledged, and says something else: {payload.decode()}")
        ids[str(said_in(payload))].add(signal_id)
    for said, of in ids.items():
        if len(of) > 1:
            yield Violation("I5", f"one signal was acknowledged under {len(of)} ids: {said}")
    for history in past.histories:
        said_here = said_in(history.raw)
        key, source = said_here.get("key"), said_here.get("source", "unnamed")
        accepted = isinstance(history.events[0].body, e.Accepted)
        if accepted and isinstance(key, str) and history.signal_id != identities.keyed_id(str(source), key):
            yield Violation("I5", f"{history.signal_id} is not the id of {key} of {source}")
        for nth, intent in enumerate((ev.body for ev in history.events if isinstance(ev.body, e.Intent)), 1):
            if intent.client_order_id != identities.order_id(past.installation, intent.trader, history.signal_id, nth):
                yield Violation("I5", f"{intent.client_order_id} is not the id of order {nth} of {history.signal_id}")


def _i6_trades_once(read: _Read) -> Iterator[Violation]:
    past = read.past
    for order_id, booking in read.bookings.items():
        twice = [name for name, n in Counter(fill.trade_id for fill in booking.fills).items() if n > 1]
        if twice:
            yield Violation("I6", f"{order_id} has trades that were booked more than once: {twice}")
    for taken in past.ledger.taken:
        order_id = taken.request.client_order_id
        ours = read.bookings.get(order_id)
        if ours is not None and ours.status is not None and not agrees(taken, {order_id: ours}):
            booked, done = _described(ours.status, len(ours.fills)), _described(taken.status, len(taken.fills))
            yield Violation("I6", f"{order_id} is {booked} in the journal, {done} at the venue")
    if read.illegal:
        return
    yield from (violation for violation in read.broken if violation.invariant == "I6")
    yield from against_state(past, read.sums)
    if past.in_time and past.script.lag.is_as_declared:
        yield from against_books(past, past.kept or past.restored)


def _i7_no_secret(read: _Read) -> Iterator[Violation]:
    if not all(read.past.secrets) or not read.past.secrets:
        yield Violation("I7", "there is no secret to look for")
        return
    for event in read.past.events:
        said = e.encode_body(event.body).decode()
        for secret in read.past.secrets:
            if secret in said:
                yield Violation("I7", f"the event at {event.position} has a secret")


def _i8_settled(read: _Read) -> Iterator[Violation]:
    if not read.past.in_time:
        yield Violation("I8", "not everything was settled in time")
    for error in read.past.errors:
        yield Violation("I8", error)
    starts = sum(isinstance(event.body, e.Started) for event in read.past.events)
    differed = [event.body for event in read.past.events if isinstance(event.body, e.Differed)]
    for name in read.past.ledger.foreign:
        times = sum(found.what == name for body in differed for found in body.differences)
        if times > starts:
            yield Violation("I8", f"{name}, which is not ours, was reported {times} times")


def _names(alarm: e.Body, names: Sequence[str]) -> bool:
    said = alarm.why if isinstance(alarm, e.Halted) else ""
    if isinstance(alarm, e.Incident | e.Differed):
        said = alarm.text
    return any(name in said for name in names)


def _described(status: OrderStatus, trades: int) -> str:
    return f"{status} with {trades} trades"


_RULES = (
    _i1_one_outcome,
    _i2_one_order,
    _i3_placed_where_it_is,
    _i4_no_late_send,
    _i5_acknowledged_is_recorded,
    _i6_trades_once,
    _i7_no_secret,
    _i8_settled,
)
