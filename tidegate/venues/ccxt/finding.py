"""Finding one order by its client order id, in every way that is declared for its venue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, LookupResult, NotFound, OrderRequest, Unanswered
from tidegate.venues.ccxt.address import PRIORITY, Priority, asked_as
from tidegate.venues.ccxt.answers import OrderTaken, read_reply
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.forms import Content, MalformedAnswer
from tidegate.venues.ccxt.lookups import Lookup, LookupSource
from tidegate.venues.ccxt.orders import OrderListings
from tidegate.venues.ccxt.parsing import check_order
from tidegate.venues.ccxt.reads import NoSuchOrder, Pages, Reads
from tidegate.venues.ccxt.records import Question, acknowledged

__all__ = ["OrderFinder"]


class OrderFinder:
    """Looks orders up: what is found carries our id, is of the same symbol, and has all its trades.

    "Not found" means that every declared lookup was answered in the venue's form and to its end.
    """

    def __init__(self, connection: VenueConnection, *, clock: Clock) -> None:
        self._connection, self._quirks, self._clock = connection, connection.quirks, clock

    async def find(self, request: OrderRequest) -> LookupResult:
        """Look an order up. Never raises for what a venue may do."""
        question = Question("lookup", self._clock)
        reads = Reads(self._connection, clock=self._clock)
        listings = OrderListings(self._connection, reads)
        failures: list[str] = []
        with asked_as(max(Priority.LOOKUP, PRIORITY.get())):
            for lookup in self._quirks.lookups:
                try:
                    order = await self._look_up(lookup, request, reads, listings)
                    if order is not None:
                        return await self._found(order, request, listings, question, lookup)
                except Exception as error:
                    failures.append(f"{lookup.source}: {self._connection.redacted(error)}")
        ways = ", ".join(lookup.source for lookup in self._quirks.lookups) or "no lookup is declared"
        if failures:
            detail = "; ".join(failures)
            return Unanswered(detail=detail, evidence=question.evidence(detail, "no answer", asked=ways))
        return NotFound(detail=f"not among {ways}", evidence=question.evidence("", "not found", asked=ways))

    async def _look_up(
        self, lookup: Lookup, request: OrderRequest, reads: Reads, listings: OrderListings
    ) -> Any | None:
        """The order, None where there is none.

        Raises:
            VenueUnavailable: the lookup was not answered, or not to its end.
        """
        if lookup.id_param is None:
            pages = await self._sifted(lookup, request.symbol, listings)
            found: Sequence[Any] = [order for order in pages.items if self._is(order, request)]
            if not found and pages.missing:
                raise VenueUnavailable(pages.missing)
        else:
            found = await self._by_id(lookup, request, reads)
        if not found:
            return None
        check_order(found[-1], request.symbol)
        return found[-1]

    async def _sifted(self, lookup: Lookup, symbol: str, listings: OrderListings) -> Pages:
        if lookup.source is LookupSource.OPEN:
            return await listings.open(symbol)
        if not listings.closed_by:
            raise VenueUnavailable(f"ccxt cannot list the orders of {self._connection.exchange.id} that are over")
        since_ms = (self._clock.wall_ns() - int(lookup.sifted_since_s * 1e9)) // 1_000_000
        return await listings.closed(symbol, since_ms)

    async def _by_id(self, lookup: Lookup, request: OrderRequest, reads: Reads) -> Sequence[Any]:
        """What answers to our id; an order that does not carry it is no answer to the question."""
        call = lookup.call(self._quirks.venue_id(request.client_order_id), request.symbol)
        content = Content.ORDER if lookup.source is LookupSource.ORDER else Content.ORDERS
        method = getattr(self._connection.exchange, call.method)
        try:
            answer = await reads.read(lookup.source, content, lambda: method(*call.arguments, params=dict(call.params)))
        except NoSuchOrder:
            return ()
        found = answer if isinstance(answer, list) else [answer]
        if not all(self._is(order, request) for order in found):
            raise MalformedAnswer(
                f"{lookup.source}: the answer has an order that does not carry {request.client_order_id}"
            )
        return found

    async def _found(
        self, order: Any, request: OrderRequest, listings: OrderListings, question: Question, lookup: Lookup
    ) -> Acknowledged:
        taken = read_reply(order, self._quirks, self._connection.secrets)
        if not isinstance(taken, OrderTaken):
            raise VenueUnavailable(taken.detail)
        trades = await listings.trades_of(order, request.symbol)
        return acknowledged(taken, order, trades.items, self._quirks, question, asked=f"lookup: {lookup.source}")

    def _is(self, order: Any, request: OrderRequest) -> bool:
        return (
            bool(order.get("id"))
            and self._quirks.client_order_id(order.get("clientOrderId")) == request.client_order_id
        )
