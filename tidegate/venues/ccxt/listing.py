"""What a comparison with the journal reads of an account: its orders with their trades."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Fill, Listing, OrderStatus, VenueOrder
from tidegate.domain.signal import Side
from tidegate.venues.ccxt.answers import OrderTaken, read_reply
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.forms import MalformedAnswer
from tidegate.venues.ccxt.orders import OrderListings
from tidegate.venues.ccxt.parsing import check_order, decimal_of, fills_of
from tidegate.venues.ccxt.reads import Pages, Reads

__all__ = ["AccountListing", "may_be_ours"]

_OURS = re.compile(r"[0-9a-f]{18}")


def may_be_ours(client_order_id: str | None) -> bool:
    """Whether an order goes by an id of our form, of whichever installation."""
    return client_order_id is not None and _OURS.fullmatch(client_order_id) is not None


class AccountListing:
    """Lists the orders of some symbols: those that are open, and those that were made since a moment."""

    def __init__(self, connection: VenueConnection, symbols: Sequence[str], *, clock: Clock) -> None:
        self._connection, self._quirks = connection, connection.quirks
        self._symbols, self._clock = symbols, clock

    async def since(self, since_ns: int) -> Listing:
        """The orders, each with all its trades where it may be ours; what could not be read is named as missing.

        An order that was made before and ended meanwhile is not among them: it is looked up.

        Raises:
            VenueUnavailable: the venue answered none of it.
        """
        reads = Reads(self._connection, clock=self._clock)
        found: list[VenueOrder] = []
        missing: list[str] = []
        for symbol in self._symbols:
            orders, lacking = await self._of_symbol(
                symbol, since_ns // 1_000_000, OrderListings(self._connection, reads)
            )
            found += orders
            missing += lacking
        if missing and not reads.answered:
            raise VenueUnavailable("; ".join(missing))
        return Listing(orders=found, missing=tuple(missing))

    async def _of_symbol(
        self, symbol: str, since_ms: int, listings: OrderListings
    ) -> tuple[Sequence[VenueOrder], Sequence[str]]:
        # in this order nothing falls between: what ends meanwhile is among the closed, what trades among the trades
        read = [await listings.open(symbol), await listings.closed(symbol, since_ms)]
        listed = {str(order["id"]): order for pages in read for order in pages.items}
        trades = await listings.trades(symbol, since_ms)
        missing = [pages.missing for pages in (*read, trades) if pages.missing]
        traded = _by_order(trades)
        orders: list[VenueOrder] = []
        for order in listed.values():
            try:
                orders.append(await self._venue_order(order, symbol, traded, listings, missing))
            except MalformedAnswer as error:
                missing.append(f"order {order['id']} of {symbol}: {error}")
        return orders, missing

    async def _venue_order(
        self,
        order: Mapping[str, Any],
        symbol: str,
        traded: Mapping[str, Sequence[Any]],
        listings: OrderListings,
        missing: list[str],
    ) -> VenueOrder:
        check_order(order, symbol)
        order_id, fee_field = str(order["id"]), self._quirks.fee_currency_field
        ours = self._quirks.client_order_id(order.get("clientOrderId"))
        # a trade that does not say whose it is may be anybody's
        fills = fills_of(order_id, [*traded.get(order_id, ()), *traded.get("", ())], fee_field)
        if may_be_ours(ours) and _amount(fills) < decimal_of(order.get("filled")):
            own = await listings.trades_of(order, symbol)
            fills = max(fills, fills_of(order_id, own.items, fee_field, of_order=True), key=_amount)
            missing += [own.missing] if own.missing else []
        taken = read_reply(order, self._quirks)
        status, filled = (taken.status, taken.filled) if isinstance(taken, OrderTaken) else (OrderStatus.OPEN, None)
        if filled is None:
            filled, status = _amount(fills), OrderStatus.OPEN
            missing.append(f"how much of order {order_id} of {symbol} was filled")
        return VenueOrder(
            venue_order_id=order_id,
            client_order_id=ours,
            symbol=symbol,
            side=Side(order["side"]),
            amount=decimal_of(order["amount"]),
            price=decimal_of(order["price"]) if order.get("price") else None,
            status=status,
            filled=filled,
            at_ns=int(order.get("timestamp") or 0) * 1_000_000,
            fills=fills,
        )


def _by_order(trades: Pages) -> Mapping[str, Sequence[Any]]:
    found: dict[str, list[Any]] = {}
    for trade in trades.items:
        found.setdefault(str(trade.get("order") or ""), []).append(trade)
    return found


def _amount(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.amount for fill in fills), Decimal(0))
