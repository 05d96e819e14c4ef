"""Orders and trades at Bybit: what its private requests do."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.domain.signal import OrderType, Side
from tidegate.emulator.bybit_words import order_of, trade_of
from tidegate.emulator.dialect import DialectCall
from tidegate.emulator.orders import ExchangeOrder, NewOrder
from tidegate.emulator.pages import bybit_page
from tidegate.emulator.reading import enveloped, number
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply

__all__ = ["cancel", "create", "history", "realtime", "trades"]


def create(call: DialectCall) -> Reply | VenueRejection:
    """Accept or reject an order; the answer has its ids alone."""
    params = call.params
    side, order_type = Side(params["side"].lower()), OrderType(params["orderType"].lower())
    unit = params.get("marketUnit") or ("quoteCoin" if side is Side.BUY else "baseCoin")
    by_cost = order_type is OrderType.MARKET and unit == "quoteCoin"
    quantity, policy = number(params, "qty"), params.get("timeInForce", "GTC")
    order = call.create(
        NewOrder(
            id=params["symbol"],
            client_order_id=params.get("orderLinkId", ""),
            side=side,
            order_type=order_type,
            amount=None if by_cost else quantity,
            cost=quantity if by_cost else None,
            price=number(params, "price"),
            time_in_force="GTC" if policy == "PostOnly" else policy,
            post_only=policy == "PostOnly",
        )
    )
    if isinstance(order, VenueRejection):
        return order
    return _ids_of(call, order, "" if call.bare else order.client_order_id)


def cancel(call: DialectCall) -> Reply | VenueRejection:
    """End an open order."""
    ledger = call.account.ledger
    for order in _named(call):
        if order.venue_order_id in ledger.open:
            ledger.cancel(order, call.now_ms)
            return _ids_of(call, order, order.client_order_id)
    return VenueRejection.NOT_CANCELABLE


def realtime(call: DialectCall) -> Reply:
    """One order by either id, in any state; or else what is open, newest first."""
    ledger, market_id = call.account.ledger, call.params.get("symbol")
    if _names_an_order(call):
        return _orders(call, _named(call), timed=False)
    seen = ledger.seen(reversed(ledger.open.values()), call.now_ms)
    return _orders(call, (order for order in seen if market_id in (None, order.id)), timed=False)


def history(call: DialectCall) -> Reply:
    """Orders that are over, newest first; or one of them by either id, which may be older than a week."""
    ledger, params = call.account.ledger, call.params
    by_id = _names_an_order(call)
    seen = _named(call) if by_id else ledger.seen(reversed(ledger.orders.values()), call.now_ms)
    over = (order for order in seen if order.venue_order_id not in ledger.open)
    here = (order for order in over if params.get("symbol") in (None, order.id))
    asked = params.get("orderStatus")
    found = (order for order in here if asked in (None, order_of(order)["orderStatus"]))
    return _orders(call, found, timed=not by_id)


def trades(call: DialectCall) -> Reply:
    """The account's trades, newest first."""
    ledger, params = call.account.ledger, call.params
    made = (
        trade
        for trade in reversed(ledger.trades)
        if params.get("symbol") in (None, ledger.orders[trade.venue_order_id].id)
        and params.get("orderId") in (None, trade.venue_order_id)
        and params.get("orderLinkId") in (None, trade.client_order_id)
        and ledger.orders[trade.venue_order_id].visible_at_ms <= call.now_ms
    )
    page, cursor = bybit_page(made, params, default=50, most=100, now_ms=call.now_ms)
    said = [trade_of(trade, ledger.orders[trade.venue_order_id]) for trade in page]
    return enveloped({"nextPageCursor": cursor, "category": "spot", "list": said}, call.now_ms)


def _names_an_order(call: DialectCall) -> bool:
    return bool(call.params.keys() & {"orderId", "orderLinkId"})


def _named(call: DialectCall) -> Iterator[ExchangeOrder]:
    """What shows of the orders of the id asked for, newest first."""
    ledger, params = call.account.ledger, call.params
    if order_id := params.get("orderId"):
        orders = [ledger.orders[order_id]] if order_id in ledger.orders else []
    else:
        orders = ledger.with_client_id(params.get("orderLinkId", ""))
    here = (order for order in reversed(orders) if params.get("symbol") in (None, order.id))
    return ledger.seen(here, call.now_ms)


def _orders(call: DialectCall, orders: Iterator[ExchangeOrder], *, timed: bool) -> Reply:
    page, cursor = bybit_page(orders, call.params, default=20, most=50, now_ms=call.now_ms, timed=timed)
    said = [order_of(order) for order in page]
    return enveloped({"nextPageCursor": cursor, "category": "spot", "list": said}, call.now_ms)


def _ids_of(call: DialectCall, order: ExchangeOrder, client_order_id: str) -> Reply:
    return enveloped({"orderId": order.venue_order_id, "orderLinkId": client_order_id}, call.now_ms)
