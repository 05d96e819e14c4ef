"""A venue's listings of orders and trades, read to their end: what is open, what is over, what an order traded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.forms import Content
from tidegate.venues.ccxt.paging import Onward, Paging
from tidegate.venues.ccxt.parsing import decimal_of
from tidegate.venues.ccxt.reads import Pages, Reads

__all__ = ["OrderListings"]

_CLOSED_BY = (
    (("fetchOrders",), ("fetch_orders",)),
    (("fetchCanceledAndClosedOrders",), ("fetch_canceled_and_closed_orders",)),
    (("fetchClosedOrders", "fetchCanceledOrders"), ("fetch_closed_orders", "fetch_canceled_orders")),
    (("fetchClosedOrders",), ("fetch_closed_orders",)),
)


class OrderListings:
    """Lists orders and trades of one account, symbol by symbol, with the reads of one purpose."""

    def __init__(self, connection: VenueConnection, reads: Reads) -> None:
        self._exchange, self._declared, self._reads = connection.exchange, connection.quirks.listings, reads

    async def open(self, symbol: str) -> Pages:
        """The orders that are open."""
        return await self._listed("open orders", Content.ORDERS, "fetch_open_orders", symbol, self._declared.open)

    async def closed(self, symbol: str, since_ms: int) -> Pages:
        """The orders that were made since a moment and are over; some venues list those that are open as well.

        Nothing where ccxt lists no such orders of this venue.
        """
        pages = [
            await self._listed("closed orders", Content.ORDERS, method, symbol, self._declared.closed, since_ms)
            for method in self.closed_by
        ]
        missing = "; ".join(page.missing for page in pages if page.missing)
        return Pages([order for page in pages for order in page.items], missing or None)

    async def trades(self, symbol: str, since_ms: int) -> Pages:
        """The trades since a moment."""
        paging = self._declared.trades
        return await self._listed("trades", Content.TRADES, "fetch_my_trades", symbol, paging, since_ms)

    async def trades_of(self, order: Mapping[str, Any], symbol: str) -> Pages:
        """The trades of one order, however old it is, until they add up to what the venue says was filled."""
        filled = None if order.get("filled") is None else decimal_of(order["filled"])
        if filled == 0:
            return Pages(())
        order_id, made_ms = str(order["id"]), order.get("timestamp")
        what = f"trades of order {order_id} of {symbol}"

        def own(trades: Sequence[Any]) -> list[Any]:
            return [trade for trade in trades if str(trade.get("order") or order_id) == order_id]

        def enough(trades: Sequence[Any]) -> bool:
            return filled is not None and sum((decimal_of(t.get("amount")) for t in own(trades)), Decimal(0)) >= filled

        paging = self._paging_of_order
        if paging is None:
            pages = await self._reads.listing(
                what, Content.TRADES, self._ask("fetch_my_trades", symbol), self._declared.trades,
                since_ms=made_ms, enough=enough,
            )  # fmt: skip
        else:
            pages = await self._reads.listing(
                what, Content.TRADES, self._ask("fetch_order_trades", order_id, symbol), paging,
                since_ms=made_ms if paging.window_ms is not None else None, enough=enough,
            )  # fmt: skip
        return Pages(own(pages.items), pages.missing)

    @property
    def closed_by(self) -> Sequence[str]:
        """The methods that together list the orders that are over."""
        has = self._exchange.has
        able = (methods for names, methods in _CLOSED_BY if all(has.get(name) is True for name in names))
        return self._declared.closed_by or next(able, ())

    @property
    def _paging_of_order(self) -> Paging | None:
        """A venue that does not declare it is asked for the trades of one order where ccxt has a request of its own."""
        if self._declared.of_order is not None or self._declared.trades.onward is not Onward.NOT_KNOWN:
            return self._declared.of_order
        return Paging() if self._exchange.has.get("fetchOrderTrades") is True else None

    async def _listed(
        self, what: str, content: Content, method: str, symbol: str, paging: Paging, since_ms: int | None = None
    ) -> Pages:
        return await self._reads.listing(
            f"{what} of {symbol}", content, self._ask(method, symbol), paging, since_ms=since_ms
        )

    def _ask(self, method: str, *arguments: str) -> Callable[..., Awaitable[Any]]:
        def ask(since_ms: int | None, limit: int | None, params: Mapping[str, Any]) -> Awaitable[Any]:
            asked: Awaitable[Any] = getattr(self._exchange, method)(*arguments, since_ms, limit, dict(params))
            return asked

        return ask
