"""Asking for orders that were acknowledged and are not over: when the user stream hints at news, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from tidegate.clock import Clock
from tidegate.domain.order import Acknowledged, LookupResult, OrderRequest, OrderStatus, OrderUpdate, VenueOrder
from tidegate.domain.signal import OrderType
from tidegate.venues.ccxt.address import PRIORITY, Priority
from tidegate.venues.ccxt.early_hints import EarlyHints
from tidegate.venues.ccxt.followed import FollowedOrder
from tidegate.venues.ccxt.user_stream import Hint, UserStream

__all__ = ["OrderFollower"]

_ROUND_NS = 500_000_000
_LISTED_FROM, _LISTED_NS_EACH = 3, 5_000_000_000  # so many lookups cost more than a listing of that time
_SKEW_NS = 5_000_000_000
_NOTHING = Decimal(0)

OpenOrders = Callable[[str], Awaitable[Mapping[str, Decimal]]]
"""What is filled of each order of a symbol that the venue lists as open, by our id."""

RecentOrders = Callable[[str, int], Awaitable[Mapping[str, Acknowledged]]]
"""The orders of a symbol that were made since a moment, by our id, each with its trades."""


class OrderFollower:
    """Asks the venue for orders about 1, 3, 7, 15 and 31 s after they were acknowledged, then leaves them to
    reconciliation.

    Those that are due within half a second are asked for together, with one listing of what is open of a symbol: only
    those of which it says something new are looked up, one by one, or by one listing of what was made since where that
    costs less.

    With a `stream`, an order is looked up as soon as that claims news of it, however old the order is. What the venue
    then answers counts, never the claim; while claims are not confirmed, the next one about that order waits for 1 s,
    doubling to 64 s. An order that the stream mentions is polled only once, after 31 s; one that it does not mention
    within 7 s shows that it cannot be relied on, and the connection is renewed. Memory: the orders that are followed or
    were open at the latest listing, 256 hints, and one task.
    """

    def __init__(
        self,
        trader: str,
        *,
        clock: Clock,
        open_orders: OpenOrders,
        recent_orders: RecentOrders,
        find: Callable[[OrderRequest], Awaitable[LookupResult]],
        stream: UserStream | None = None,
    ) -> None:
        self._trader, self._clock, self._stream = trader, clock, stream
        self._open_orders, self._recent_orders, self._find = open_orders, recent_orders, find
        self._followed: dict[str, FollowedOrder] = {}
        self._our_ids: dict[str, str] = {}
        self._early = EarlyHints()
        self._on_update: list[Callable[[OrderUpdate], None]] = []
        self._woken = asyncio.Event()
        self._alarm = clock.alarm(self._woken.set)
        self._running = False
        self._next_round_ns = 0

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Call `on_update` with what is found; the stream is listened to from now on."""
        self._on_update.append(on_update)
        if self._stream is not None:
            self._stream.start(self._take_hint, self._lose_stream)

    def follow(self, request: OrderRequest, venue_order_id: str) -> None:
        """Begin to follow an order."""
        now_ns = self._clock.now_ns()
        order = FollowedOrder(
            request=request,
            venue_order_id=venue_order_id,
            made_at_ns=self._clock.wall_ns(),
            begun_ns=now_ns,
            expected=self._stream is not None and self._stream.is_subscribed,
        )
        order.poll_from(now_ns)
        self._know(order)
        if (hint := self._early.take(request.client_order_id, venue_order_id)) is not None:
            order.take(hint, now_ns, self._next_round_ns)
        self._wake(order)

    def listed(self, orders: Iterable[VenueOrder], *, whole: bool) -> None:
        """Know orders of ours that the venue lists as open, so that a hint finds them; where the listing is whole,
        forget those that it does not have any more."""
        if self._stream is None:
            return
        listed = {o.client_order_id: o for o in orders if o.client_order_id and o.status is OrderStatus.OPEN}
        for order_id, known in list(self._followed.items()):
            if whole and known.due_ns is None and order_id not in listed:
                self._forget(known)
        for our_id, order in listed.items():
            if our_id not in self._followed:
                self._know(self._as_followed(our_id, order))

    def _as_followed(self, order_id: str, order: VenueOrder) -> FollowedOrder:
        request = OrderRequest(
            client_order_id=order_id,
            trader=self._trader,
            symbol=order.symbol,
            side=order.side,
            order_type=OrderType.LIMIT,
            amount=order.amount,
            price=order.price,
            attempt=1,
            reserved=_NOTHING,
        )
        return FollowedOrder(
            request=request,
            venue_order_id=order.venue_order_id,
            made_at_ns=order.at_ns,
            begun_ns=self._clock.now_ns(),
            filled=_traded(order),
        )

    def _take_hint(self, hint: Hint) -> None:
        order_id = self._our_ids.get(hint.venue_order_id or "", hint.client_order_id or "")
        if (order := self._followed.get(order_id)) is None:
            self._early.keep(hint)
        else:
            order.take(hint, self._clock.now_ns(), self._next_round_ns)
            self._wake(order)

    def _lose_stream(self) -> None:
        for order in self._followed.values():
            order.lose_stream(self._clock.now_ns())
            self._wake(order)

    def _know(self, order: FollowedOrder) -> None:
        self._followed[order.request.client_order_id] = order
        self._our_ids[order.venue_order_id] = order.request.client_order_id

    def _forget(self, order: FollowedOrder) -> None:
        self._followed.pop(order.request.client_order_id, None)
        self._our_ids.pop(order.venue_order_id, None)

    def _wake(self, order: FollowedOrder) -> None:
        if order.due_ns is None:
            return
        self._alarm.set(order.due_ns)
        if not self._running:
            self._running = True
            self._clock.run(self._run, name=f"following orders of {self._trader}")

    async def _run(self) -> None:
        PRIORITY.set(Priority.FOLLOW)  # of this task alone
        try:
            while moments := [at_ns for order in self._followed.values() if (at_ns := order.due_ns) is not None]:
                self._alarm.set(min(moments))
                await self._woken.wait()
                self._woken.clear()
                now_ns = self._clock.now_ns()
                due = [order for order in self._followed.values() if order.is_due(now_ns)]
                for symbol in sorted({order.request.symbol for order in due}):
                    await self._ask([order for order in due if order.request.symbol == symbol], symbol)
        finally:
            self._running = False  # also where a listener raised: the next order begins it again

    async def _ask(self, due: Sequence[FollowedOrder], symbol: str) -> None:
        now_ns = self._clock.now_ns()
        hinted, polled = {}, []
        for order in due:
            if order.is_hinted(now_ns):
                order.hint_ns = None
                hinted[order.request.client_order_id] = order
            else:
                polled.append(order)
                if order.polled(now_ns) and self._stream is not None:
                    self._stream.give_up()
        if hinted:
            self._next_round_ns = now_ns + _ROUND_NS
        news = await self._with_news(polled, symbol) if polled else []
        async for order, found in self._look_up([*hinted.values(), *news], symbol):
            if order.request.client_order_id in hinted:
                is_news = found is not None and (found.status is not OrderStatus.OPEN or _traded(found) > order.filled)
                order.answered(self._clock.now_ns(), confirmed=is_news)
            if found is not None:
                self._take(order, found)
        if self._stream is None:
            for order in polled:
                if order.due_ns is None:
                    self._forget(order)

    async def _with_news(self, polled: Sequence[FollowedOrder], symbol: str) -> Sequence[FollowedOrder]:
        """Those that are not open any more, and those of which more is filled than is known."""
        try:
            listed = await self._open_orders(symbol)
        except Exception:
            return []  # they are due again later
        filled = {order.request.client_order_id: order.filled for order in polled}
        return [
            order
            for order in polled
            if (order_id := order.request.client_order_id) not in listed or listed[order_id] > filled[order_id]
        ]

    async def _look_up(
        self, orders: Sequence[FollowedOrder], symbol: str
    ) -> AsyncIterator[tuple[FollowedOrder, Acknowledged | None]]:
        """Each order with what the venue says of it; None where it did not say."""
        recent: Mapping[str, Acknowledged] = {}
        if (since_ns := _worth_listing(orders, self._clock.wall_ns())) is not None:
            with suppress(Exception):  # then each is looked up
                recent = await self._recent_orders(symbol, since_ns - _SKEW_NS)
        for order in orders:
            found = recent.get(order.request.client_order_id) or await self._find(order.request)
            yield order, found if isinstance(found, Acknowledged) else None

    def _take(self, order: FollowedOrder, found: Acknowledged) -> None:
        order.filled = _traded(found)
        if found.status is not OrderStatus.OPEN:
            self._forget(order)
        update = OrderUpdate(
            trader=self._trader,
            client_order_id=order.request.client_order_id,
            at_ns=self._clock.wall_ns(),
            status=found.status,
            fills=found.fills,
            filled=found.filled,
        )
        for on_update in self._on_update:
            on_update(update)


def _worth_listing(orders: Sequence[FollowedOrder], now_ns: int) -> int | None:
    """Since when to list, so that it costs less than looking up each that was made since; None where it never does."""
    newest = sorted((order.made_at_ns for order in orders), reverse=True)
    worth = [made for n, made in enumerate(newest, 1) if n >= _LISTED_FROM and now_ns - made <= n * _LISTED_NS_EACH]
    return min(worth, default=None)


def _traded(order: Acknowledged | VenueOrder) -> Decimal:
    return sum((fill.amount for fill in order.fills), _NOTHING)
