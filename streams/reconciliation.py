"""The journal against the venues: adopts what is ours, books each trade once, and tells of everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from clock import Clock
from domain import events as e
from domain.difference import Difference, Kind, difference
from domain.lifecycle import Outcome
from domain.order import Acknowledged, NotFound, OrderStatus, OrderUpdate, VenueOrder
from domain.order_line import plain, request_of
from domain.ports import Item, Journal, Venue
from operators.record import GroupCommit
from streams.orders import OrderUpdates
from streams.resolution import Resolution
from streams.state import State
from streams.turned_up import TurnedUp
from streams.waiting import WaitingRoom

__all__ = ["Reconciliation"]

_A_DAY_NS = 86_400_000_000_000
_OVERLAP_NS = 3_600_000_000_000
_ORDER_ID_LENGTH = 18
_GENERATIONS = 17


class Reconciliation:
    """Compares what a venue lists with what the journal says of its account, and lets the journal follow the venue.

    Orders are known by their client order id. A trade is booked once, whatever tells of it first. Orders that should
    not be there are for `TurnedUp` to judge; strangers' orders are left alone.
    Memory: one moment for each account, and what a venue lists at a time.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        room: WaitingRoom,
        updates: OrderUpdates,
        resolution: Resolution,
        *,
        clock: Clock,
        commits: GroupCommit,
        tag: str,
    ) -> None:
        self._state, self._journal, self._room = state, journal, room
        self._updates, self._resolution = updates, resolution
        self._clock, self._commits, self._tag = clock, commits, tag
        self._turned_up = TurnedUp(state, journal, room, clock=clock, commits=commits, tag=tag)
        self._since_ns: dict[str, int] = {}

    async def compare(self, venue: Venue, *, settle: bool = True) -> Sequence[Difference]:
        """What differs on one account; with `settle` the journal follows the venue wherever it can.

        Raises:
            VenueUnavailable: the venue did not tell all of it.
        """
        begun_ns, begun_at_ns = self._clock.now_ns(), self._clock.wall_ns()
        placing_before = self._placing(venue.trader)
        totals = await venue.balances()
        since_ns = self._since_ns.get(venue.trader, begun_ns - _A_DAY_NS)
        listed = await venue.orders_since(begun_at_ns - (begun_ns - since_ns))
        differences = [found for order in listed.orders for found in self._order(venue, order, settle=settle)]
        seen = {order.client_order_id for order in listed.orders}
        differences += await self._unlisted(venue, seen)
        if not (placing_before or self._placing(venue.trader) or differences):  # else the books are in motion
            differences += self._balances(venue, totals, settle=settle)
        if settle:
            self._since_ns[venue.trader] = begun_ns - _OVERLAP_NS
        return differences

    def knows_balances(self, trader: str) -> bool:
        """Whether the balances of an account were ever counted: before that nothing of it can be spent."""
        account = self._state.book.accounts.get(trader)
        return account is not None and bool(account.balances)

    def _order(self, venue: Venue, order: VenueOrder, *, settle: bool) -> Iterator[Difference]:
        order_id = order.client_order_id
        if order_id is None or len(order_id) != _ORDER_ID_LENGTH or not order_id.startswith(self._tag):
            if order.status is OrderStatus.OPEN:
                theirs = f"{order.side} {order.amount} {order.symbol}"
                yield difference(venue, Kind.STRANGER, order.venue_order_id, "not ours", theirs)
            return
        number = self._state.signal_of_order(order_id)
        if number is None:
            yield from self._turned_up.judge(venue, order, order_id, settle=settle)
            return
        outcome = self._state.standing[number].outcome
        if outcome is Outcome.PLACED:
            yield from self._changed(venue, order, order_id, settle=settle)
        elif outcome in (Outcome.UNKNOWN, Outcome.PARKED):
            settled = settle and self._resolution.found(number, _acknowledged(order))
            yield difference(venue, Kind.FOUND, order_id, outcome, order.status, settled=settled)

    def _changed(self, venue: Venue, order: VenueOrder, order_id: str, *, settle: bool) -> Iterator[Difference]:
        known = self._state.book.account(venue.trader).orders[order_id]
        new = self._updates.unheard(order_id, order.fills)
        listed = known.filled + sum(fill.amount for fill in new)
        whole = listed >= order.filled
        if not whole:
            yield difference(venue, Kind.TRADES_MISSING, order_id, str(listed), str(order.filled))
        over = order.status is not OrderStatus.OPEN
        if new or (over and whole):
            ours, theirs = f"open, {known.filled} filled", f"{order.status}, {order.filled} filled"
            yield difference(venue, Kind.CHANGED, order_id, ours, theirs, settled=settle)
            if settle:
                status = order.status if whole else OrderStatus.OPEN
                self._updates.hear(
                    OrderUpdate(
                        trader=venue.trader,
                        client_order_id=order_id,
                        at_ns=self._clock.wall_ns(),
                        status=status,
                        fills=order.fills,
                    )
                )

    async def _unlisted(self, venue: Venue, seen: set[str | None]) -> Sequence[Difference]:
        missing: list[Difference] = []
        for number, stood in list(self._state.standing.items()):
            order_id = stood.client_order_id
            if stood.trader != venue.trader or stood.outcome is not Outcome.PLACED or order_id in seen:
                continue
            finding = await venue.find_order(request_of(self._journal.life(number), order_id))
            if isinstance(finding, NotFound):
                missing.append(difference(venue, Kind.MISSING, order_id, "open", finding.detail))
        return missing

    def _balances(self, venue: Venue, totals: Mapping[str, Decimal], *, settle: bool) -> Iterator[Difference]:
        ours = self._state.book.account(venue.trader).balances
        nothing = Decimal(0)
        counted: dict[str, Decimal] = {}
        for currency in sorted(totals.keys() | ours.keys()):
            here = ours[currency].total if currency in ours else nothing
            there = totals.get(currency, nothing)
            if here != there:
                counted[currency] = there
                yield difference(venue, Kind.BALANCE, currency, plain(here), plain(there), settled=settle)
        if counted and settle:
            counting = e.Counted(trader=venue.trader, balances=counted)
            self._commits.submit(Item(self._clock.wall_ns(), (counting,)), must=True)

    def _placing(self, trader: str) -> bool:
        standing = self._state.standing.values()
        return any(s.trader == trader and s.outcome in (Outcome.PLACING, Outcome.UNKNOWN) for s in standing)


def _acknowledged(order: VenueOrder) -> Acknowledged:
    return Acknowledged(venue_order_id=order.venue_order_id, status=order.status, fills=order.fills)
