"""The orders of an account: what its venue lists, and what it says of those that it does not list any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from itertools import count

from msgspec import Struct

from streams.orders import OrderUpdates
from streams.resolution import Resolution
from streams.state import State
from streams.unexpected_orders import UnexpectedOrders
from tidegate.clock import Clock
from tidegate.domain.difference import Difference, DifferenceKind, difference
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import base_of, quote_of
from tidegate.domain.order import Acknowledged, Fill, NotFound, OrderStatus, OrderUpdate, VenueOrder
from tidegate.domain.order_summary import request_of
from tidegate.domain.ports import Journal, SignalHistory, Venue

__all__ = ["OrderComparison", "OrdersCompared"]

_ORDER_ID_LENGTH = 18
_LOOKUPS_MAX = 10


class OrdersCompared(Struct):
    """What a comparison of orders found.

    `missing` names what could not be listed, `unanswered` the orders that could not be looked up. `current` are those
    of which all that the venue says is booked, or on its way into the journal; `moving` the currencies in which
    something is not. `more` says that further orders are to be looked up.
    """

    differences: list[Difference] = []
    missing: list[str] = []
    unanswered: list[str] = []
    current: set[str] = set()
    moving: set[str] = set()
    more: bool = False

    def miss(self, symbol: str) -> bool:
        """Whether an order of `symbol` may be among what could not be read."""
        return any(symbol in part or "/" not in part for part in self.missing)

    def move(self, symbol: str, fills: Iterable[Fill] = ()) -> None:
        """Something of an order of `symbol` is not booked yet."""
        self.moving |= {base_of(symbol), quote_of(symbol), *(fill.fee_currency for fill in fills)}


class OrderComparison:
    """Compares what a venue lists with the orders of the journal, and has what is new of them booked.

    Orders are known by their client order id, and a trade is booked once, whichever report of it comes first. Venues
    list by time of creation, or only what was filled: an open order that is not listed is looked up by its id, at
    most ten in a round, those first that were not looked up for longest. What the venue says of it is booked; only an
    order that is not found, though nothing of the listing is missing, is reported. Orders that should not be there
    are for `UnexpectedOrders` to judge; other people's orders are left alone.
    Memory: what a venue lists at a time, and the open orders that it does not list.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        updates: OrderUpdates,
        resolution: Resolution,
        unexpected: UnexpectedOrders,
        *,
        clock: Clock,
        tag: str,
    ) -> None:
        self._state, self._journal = state, journal
        self._updates, self._resolution, self._unexpected = updates, resolution, unexpected
        self._clock, self._tag = clock, tag
        self._turns = count(1)
        self._looked_up: dict[str, int] = {}

    async def compare(self, venue: Venue, since_ns: int, *, apply: bool) -> OrdersCompared:
        """What differs among the orders that are open, or were made since; with `apply` the journal follows."""
        found = OrdersCompared()
        placed = self._state.acknowledged(venue.trader)
        try:
            listing = await venue.orders_since(since_ns)
        except VenueUnavailable as error:
            found.missing.append(f"orders: {error}")
            return found
        found.missing += listing.missing
        for order in listing.orders:
            self._listed(venue, order, found, apply=apply)
        found.differences += self._unexpected.unlisted(venue, listing.orders)
        await self._look_up(venue, placed - {order.client_order_id for order in listing.orders}, found, apply=apply)
        if apply:
            self._unexpected.halt(venue)
        return found

    def _listed(self, venue: Venue, order: VenueOrder, found: OrdersCompared, *, apply: bool) -> None:
        order_id, differences = order.client_order_id, found.differences
        if order_id is None or len(order_id) != _ORDER_ID_LENGTH or not order_id.startswith(self._tag):
            if order.status is OrderStatus.OPEN and order.venue_order_id not in self._state.decided:
                theirs = f"{order.side} {order.amount} {order.symbol}"
                stranger = difference(venue.trader, DifferenceKind.STRANGER, order.venue_order_id, "not ours", theirs)
                differences.append(stranger)
            return
        number = self._state.signal_of_order(order_id)
        if number is None:
            unexpected = self._unexpected.judge(venue, order, order_id, apply=apply)
            if unexpected is not None:
                differences.append(unexpected)
                if unexpected.applied:
                    found.move(order.symbol, order.fills)
            return
        stood = self._state.statuses[number]
        if stood.trader != venue.trader:
            differences.append(
                difference(venue.trader, DifferenceKind.OTHER_ACCOUNT, order_id, f"of {stood.trader}", order.status)
            )
        elif stood.outcome is Outcome.PLACED:
            self._changed(venue, order, order_id, found, apply=apply)
        elif stood.outcome in (Outcome.UNKNOWN, Outcome.PARKED):
            applied = apply and self._resolution.found(number, _acknowledged(order))
            differences.append(
                difference(venue.trader, DifferenceKind.FOUND, order_id, stood.outcome, order.status, applied=applied)
            )
            found.move(order.symbol, order.fills)

    def _changed(self, venue: Venue, order: VenueOrder, order_id: str, found: OrdersCompared, *, apply: bool) -> None:
        known = self._updates.traded(order_id)
        if known is None:
            return  # its end is being recorded
        new = self._updates.unheard(order_id, order.fills)
        listed = known + sum(fill.amount for fill in new)
        whole = listed >= order.filled
        if whole:
            found.current.add(order_id)
        else:
            lacking = difference(venue.trader, DifferenceKind.TRADES_MISSING, order_id, str(listed), str(order.filled))
            found.differences.append(lacking)
            found.move(order.symbol)
        status = order.status if whole else OrderStatus.OPEN
        if not new and status is OrderStatus.OPEN:
            return
        ours, theirs = f"open, {known} filled", f"{order.status}, {order.filled} filled"
        found.differences.append(
            difference(venue.trader, DifferenceKind.CHANGED, order_id, ours, theirs, applied=apply)
        )
        if not apply:
            found.move(order.symbol, new)
            return
        self._updates.on_update(
            OrderUpdate(
                trader=venue.trader,
                client_order_id=order_id,
                at_ns=self._clock.wall_ns(),
                status=status,
                fills=order.fills,
            )
        )

    async def _look_up(self, venue: Venue, unlisted: Collection[str], found: OrdersCompared, *, apply: bool) -> None:
        turns = self._looked_up
        for over in turns.keys() - self._state.acknowledged(venue.trader):
            if self._state.signal_of_order(over) is None:
                del turns[over]
        waiting = sorted(unlisted, key=lambda order_id: (turns.get(order_id, 0), self._number(order_id)))
        found.more = len(waiting) > _LOOKUPS_MAX
        for order_id in waiting[:_LOOKUPS_MAX]:
            number = self._state.signal_of_order(order_id)
            if number is None:
                continue  # it ended meanwhile
            turns[order_id] = next(self._turns)
            history = self._journal.history(number)
            request = request_of(history, order_id)
            finding = await venue.find_order(request)
            if self._state.signal_of_order(order_id) is None:
                continue
            if isinstance(finding, Acknowledged):
                listed = sum((fill.amount for fill in finding.fills), Decimal(0))
                found_now = VenueOrder(
                    venue_order_id=finding.venue_order_id,
                    client_order_id=order_id,
                    symbol=request.symbol,
                    side=request.side,
                    amount=request.amount,
                    price=request.price,
                    status=finding.status,
                    filled=listed if finding.filled is None else finding.filled,
                    at_ns=0,
                    fills=finding.fills,
                )
                self._changed(venue, found_now, order_id, found, apply=apply)
            elif not isinstance(finding, NotFound):
                found.unanswered.append(f"order {order_id} of {request.symbol}: {finding.detail}")
                found.move(request.symbol)
            elif not found.miss(request.symbol):
                if self._may_be_hidden(venue, history):
                    found.move(request.symbol)
                else:
                    found.current.add(order_id)
                if order_id not in self._state.decided:
                    found.differences.append(
                        difference(venue.trader, DifferenceKind.MISSING, order_id, "open", finding.detail)
                    )

    def _may_be_hidden(self, venue: Venue, history: SignalHistory) -> bool:
        """Whether a venue may not show yet what it acknowledged."""
        return self._clock.wall_ns() - history.events[-1].at_ns < venue.unknown_order_policy.window_s * 1e9

    def _number(self, order_id: str) -> int:
        return self._state.signal_of_order(order_id) or 0


def _acknowledged(order: VenueOrder) -> Acknowledged:
    return Acknowledged(venue_order_id=order.venue_order_id, status=order.booked_as, fills=order.fills)
