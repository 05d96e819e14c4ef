"""Orders that turn up at a venue though the journal has none of them alive: what they mean, and what is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from operators.group_commit import GroupCommit
from streams.pending import PendingQueue, PendingSignal
from streams.state import State
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.difference import Difference, DifferenceKind, difference
from tidegate.domain.identity import client_order_id
from tidegate.domain.lifecycle import Outcome, course
from tidegate.domain.order import OrderRequest, OrderStatus, VenueOrder
from tidegate.domain.order_summary import orders_of, request_of
from tidegate.domain.ports import Item, Journal, NewSignal, SignalHistory, Venue
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import OrderType, Raw, Side

__all__ = ["ADOPTED", "UnexpectedOrders"]

ADOPTED = "adopted"
"""The source of the signals under which adopted orders are booked."""

_ATTEMPTS_AHEAD = 17
_NAMED_MAX = 5


class _Unexpected(Struct):
    """An order that a person has to decide on: how it differs, what the venue said last, what was sent."""

    found: Difference
    order: VenueOrder
    request: OrderRequest
    why: str
    taken_back: bool = False


class UnexpectedOrders:
    """Judges orders of ours that are not alive in the journal.

    One of a signal that was given up reopens that signal. Where the signal has another order alive, entries are halted.
    One that is not in the journal at all shows that the journal lost a part of its past: everything is halted, and the
    order is taken back by the waiting signal from which its id follows, if there is one. The others are reported until
    a person adopts or ignores them. A halt is asked for once for each order, over all runs: a person may resume. What
    is queued for a signal counts. Memory: the orders that wait for a person.
    """

    def __init__(
        self, state: State, journal: Journal, pending: PendingQueue, *, clock: Clock, commits: GroupCommit, tag: str
    ) -> None:
        self._state, self._journal, self._pending = state, journal, pending
        self._clock, self._commits, self._tag = clock, commits, tag
        self._unexpected: dict[str, _Unexpected] = {}
        self._halted_for: set[str] = set()  # also before the journal has it

    def judge(self, venue: Venue, order: VenueOrder, order_id: str, *, apply: bool) -> Difference | None:
        """What differs, if anything does; with `apply` the journal follows the venue where it can."""
        self._unexpected.pop(order_id, None)
        if order_id in self._state.decided:
            return None
        history = self._journal.history_of_order(order_id)
        if history is None:
            return self._forgotten(venue, order, order_id, apply=apply)
        if any(line.client_order_id == order_id and line.placed_at for line in orders_of(history)):
            return None  # it is over, as the journal says
        outcome = self._commits.outcome(history.number) or _outcome_of(history)
        if outcome in (Outcome.PLACING, Outcome.UNKNOWN, Outcome.PLACED, Outcome.PARKED):
            ours = f"signal {outcome} by another order"
            found = difference(venue.trader, DifferenceKind.SECOND_ORDER, order_id, ours, order.status)
            why = f"signal {history.signal_id} has a second order {order_id} on {venue.trader}"
            self._unexpected[order_id] = _Unexpected(found, order, request_of(history, order_id), why)
            return found
        if apply and outcome is not None:
            self._reopen(history, order, order_id, outcome)
        return difference(venue.trader, DifferenceKind.REOPENED, order_id, str(outcome), order.status, applied=apply)

    def unlisted(self, venue: Venue, listed: Sequence[VenueOrder]) -> Iterator[Difference]:
        """Earlier differences of orders that are no longer listed and still undecided."""
        here = {order.client_order_id for order in listed}
        for order_id, it in list(self._unexpected.items()):
            if it.found.trader != venue.trader or order_id in here:
                continue
            if it.taken_back or order_id in self._state.decided:
                del self._unexpected[order_id]
            else:
                yield it.found

    def halt(self, venue: Venue) -> None:
        """Halt because of the orders of an account for which that was not done yet."""
        mine = {name: it for name, it in self._unexpected.items() if it.found.trader == venue.trader}
        new = {name: it for name, it in mine.items() if name not in self._state.noticed | self._halted_for}
        if not new:
            return
        self._halted_for |= new.keys()
        halted = self._state.halted
        words = [f"{it.why}: {it.found.remedy}" for it in list(new.values())[:_NAMED_MAX]]
        if len(new) > _NAMED_MAX:
            words.append(f"and {len(new) - _NAMED_MAX} more, see `reconcile`")
        why = f"{'; '.join(words)}; then `resume`"
        reduce_only = all(it.found.kind is DifferenceKind.SECOND_ORDER for it in new.values())
        if halted is not None:
            why, reduce_only = f"{halted.why}; {why}", reduce_only and halted.reduce_only
        self._record(e.Halted(reduce_only=reduce_only, why=why, orders=tuple(new)))

    def adopt(self, order_id: str) -> bool:
        """Book an order on a person's word, as a signal of its own, which is placed. False: none by this id waits."""
        it = self._unexpected.get(order_id)
        if it is None or it.taken_back or order_id in self._state.decided:
            return False
        adopted = e.Adopted(
            client_order_id=order_id,
            venue_order_id=it.order.venue_order_id,
            detail=f"adopted by hand: {it.why}",
            request=it.request,
            status=it.order.booked_as,
            fills=it.order.fills,
        )
        now_ns = self._clock.wall_ns()
        signal, _ = read_signal(Raw(_as_signal(order_id, it.order)), now_ns)
        new = NewSignal(signal.id, signal.content, signal.raw)
        self._commits.submit(Item(now_ns, (adopted,), new=new, done=_is_over(it.order)), must=True)
        del self._unexpected[order_id]
        return True

    def _forgotten(self, venue: Venue, order: VenueOrder, order_id: str, *, apply: bool) -> Difference:
        found = difference(
            venue.trader, DifferenceKind.NOT_IN_JOURNAL, order_id, "never sent", f"{order.status} {order.symbol}"
        )
        why = f"{venue.trader} has an order {order_id} that carries our mark and is not in the journal"
        why = f"{why} (is it an older copy?)"
        it = _Unexpected(found, order, _request_like(venue, order, order_id, 1), why)
        self._unexpected[order_id] = it
        for entry in list(self._pending.entries.values()) if apply else ():
            for attempt in range(entry.attempts + 1, entry.attempts + _ATTEMPTS_AHEAD):
                if client_order_id(self._tag, venue.trader, entry.signal.id, attempt) == order_id:
                    self._take_back(entry, order, _request_like(venue, order, order_id, attempt))
                    it.taken_back = True
        return found

    def _take_back(self, entry: PendingSignal, order: VenueOrder, request: e.Intent) -> None:
        self._pending.remove(entry.number)
        placed = e.Placed(
            client_order_id=request.client_order_id,
            venue_order_id=order.venue_order_id,
            status=order.booked_as,
            fills=order.fills,
        )
        item = Item(self._clock.wall_ns(), (request, placed), entry.number, entry.signal.id, done=_is_over(order))
        self._commits.submit(item, must=True)

    def _reopen(self, history: SignalHistory, order: VenueOrder, order_id: str, outcome: Outcome) -> None:
        self._pending.remove(history.number)
        reopened = e.Reopened(
            client_order_id=order_id,
            venue_order_id=order.venue_order_id,
            detail=f"the venue has it, though the signal was {outcome}",
            outcome=outcome,
            request=request_of(history, order_id),
            status=order.booked_as,
            fills=order.fills,
        )
        done = _is_over(order)
        item = Item(self._clock.wall_ns(), (reopened,), history.number, history.signal_id, done=done, reopens=not done)
        self._commits.submit(item, must=True)

    def _record(self, body: e.Body) -> None:
        self._commits.submit(Item(self._clock.wall_ns(), (body,)), must=True)


def _outcome_of(history: SignalHistory) -> Outcome | None:
    outcomes = [outcome for _, _, outcome in course(history.events)]
    return outcomes[-1] if outcomes else None


def _is_over(order: VenueOrder) -> bool:
    return order.booked_as is not OrderStatus.OPEN


def _as_signal(order_id: str, order: VenueOrder) -> bytes:
    """What a sender would have written who asked for an order."""
    said: dict[str, object] = {
        "symbol": order.symbol,
        "side": order.side,
        "strength": 1,
        "timestamp": max(order.at_ns // 1_000_000, 1),
        "source": ADOPTED,
        "key": order_id,
        "quantity": format(order.amount, "f"),
    }
    return msgspec.json.encode(said)


def _request_like(venue: Venue, order: VenueOrder, order_id: str, attempt: int) -> e.Intent:
    """What must have been sent, by what came of it: market orders are over, and set nothing aside any more."""
    price = order.price
    cost = order.amount if order.side is Side.SELL else order.amount * (price or 0)
    return e.Intent(
        client_order_id=order_id,
        trader=venue.trader,
        symbol=order.symbol,
        side=order.side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        amount=order.amount,
        price=price,
        attempt=attempt,
        reserved=cost,
    )
