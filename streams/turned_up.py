"""Orders that turn up at a venue though the journal has none of them alive: what they mean, and what is done."""

from __future__ import annotations

from collections.abc import Iterator

from clock import Clock
from domain import events as e
from domain.difference import Difference, Kind, difference
from domain.identity import client_order_id
from domain.lifecycle import Outcome, course
from domain.order import OrderRequest, OrderStatus, VenueOrder
from domain.order_line import orders_of, request_of
from domain.ports import Item, Journal, OpenSignal, Venue
from domain.signal import OrderType, Side
from operators.record import GroupCommit
from streams.state import State
from streams.waiting import Entry, WaitingRoom

__all__ = ["TurnedUp"]

_GENERATIONS = 17


class TurnedUp:
    """Judges orders of ours that are not alive in the journal.

    One of a signal that was given up reopens that signal. Where the signal has another order alive, entries are halted.
    One that is not in the journal at all shows that the journal lost a part of its past: everything is halted, and the
    order is taken back by the waiting signal from which its id follows, if there is one. A halt is asked for once for
    each order: a person may resume. What is queued for a signal counts. Memory: the orders for which that was done.
    """

    def __init__(
        self, state: State, journal: Journal, room: WaitingRoom, *, clock: Clock, commits: GroupCommit, tag: str
    ) -> None:
        self._state, self._journal, self._room = state, journal, room
        self._clock, self._commits, self._tag = clock, commits, tag
        self._halted_for: set[str] = set()

    def judge(self, venue: Venue, order: VenueOrder, order_id: str, *, settle: bool) -> Iterator[Difference]:
        """What differs, if anything does; with `settle` the journal follows the venue where it can."""
        life = self._journal.life_of_order(order_id)
        if life is None:
            yield from self._forgotten(venue, order, order_id, settle=settle)
            return
        if any(line.client_order_id == order_id and line.placed_at for line in orders_of(life)):
            return  # it is over, as the journal says
        outcome = self._commits.outcome(life.number) or _outcome_of(life)
        if outcome in (Outcome.PLACING, Outcome.UNKNOWN, Outcome.PLACED, Outcome.PARKED):
            yield difference(venue, Kind.SECOND_ORDER, order_id, f"signal {outcome} by another order", order.status)
            if settle:
                self._halt(f"signal {life.signal_id} has a second order {order_id} on {venue.trader}", order_id)
            return
        yield difference(venue, Kind.REOPENED, order_id, str(outcome), order.status, settled=settle)
        if settle and outcome is not None:
            self._reopen(life, order, order_id, outcome)

    def _forgotten(self, venue: Venue, order: VenueOrder, order_id: str, *, settle: bool) -> Iterator[Difference]:
        yield difference(venue, Kind.NOT_IN_JOURNAL, order_id, "never sent", f"{order.status} {order.symbol}")
        if not settle:
            return
        why = f"{venue.trader} has an order {order_id} that carries our mark and is not in the journal"
        self._halt(f"{why}: is it an older copy?", order_id, reduce_only=False)
        for entry in list(self._room.entries.values()):
            for generation in range(entry.attempts + 1, entry.attempts + _GENERATIONS):
                if client_order_id(self._tag, venue.trader, entry.signal.id, generation) == order_id:
                    self._take_back(entry, order, _request_like(venue, order, order_id, generation))

    def _take_back(self, entry: Entry, order: VenueOrder, request: OrderRequest) -> None:
        self._room.leave(entry.number)
        placed = e.Placed(
            client_order_id=request.client_order_id,
            venue_order_id=order.venue_order_id,
            status=order.status,
            fills=order.fills,
        )
        done = order.status is not OrderStatus.OPEN
        item = Item(self._clock.wall_ns(), (request, placed), entry.number, entry.signal.id, done=done)
        self._commits.submit(item, must=True)

    def _reopen(self, life: OpenSignal, order: VenueOrder, order_id: str, outcome: Outcome) -> None:
        self._room.leave(life.number)
        reopened = e.Reopened(
            client_order_id=order_id,
            venue_order_id=order.venue_order_id,
            detail=f"the venue has it, though the signal was {outcome}",
            outcome=outcome,
            request=request_of(life, order_id),
            status=order.status,
            fills=order.fills,
        )
        done = order.status is not OrderStatus.OPEN
        item = Item(self._clock.wall_ns(), (reopened,), life.number, life.signal_id, done=done, reopens=not done)
        self._commits.submit(item, must=True)

    def _halt(self, why: str, order_id: str, *, reduce_only: bool = True) -> None:
        if order_id in self._halted_for:  # a person may have resumed since
            return
        self._halted_for.add(order_id)
        halted = self._state.halted
        if halted is None or (halted.reduce_only and not reduce_only):
            self._commits.submit(Item(self._clock.wall_ns(), (e.Halted(reduce_only=reduce_only, why=why),)), must=True)


def _outcome_of(life: OpenSignal) -> Outcome | None:
    outcomes = [outcome for _, _, outcome in course(life.events)]
    return outcomes[-1] if outcomes else None


def _request_like(venue: Venue, order: VenueOrder, order_id: str, generation: int) -> OrderRequest:
    """What must have been sent, by what came of it: market orders are over, and set nothing aside any more."""
    price = order.price
    cost = order.amount if order.side is Side.SELL else order.amount * (price or 0)
    return OrderRequest(
        client_order_id=order_id,
        trader=venue.trader,
        symbol=order.symbol,
        side=order.side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        amount=order.amount,
        price=price,
        generation=generation,
        reserved=cost,
    )
