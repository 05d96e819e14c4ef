"""Orders and trades at Binance: what its private requests do."""

from __future__ import annotations

from tidegate.domain.signal import OrderType, Side
from tidegate.emulator.binance_words import canceled, created, order_of, trade_of
from tidegate.emulator.dialect import DialectCall
from tidegate.emulator.orders import ExchangeOrder, NewOrder
from tidegate.emulator.pages import binance_page
from tidegate.emulator.reading import as_json, number
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply

__all__ = ["cancel", "cancel_all", "create", "look_up", "open_orders", "recent", "trades"]


def create(call: DialectCall) -> Reply | VenueRejection:
    """Take or refuse an order."""
    params = call.params
    kind = params.get("type", "")
    order = call.create(
        NewOrder(
            id=params["symbol"],
            client_order_id=params.get("newClientOrderId", ""),
            side=Side(params["side"].lower()),
            order_type=OrderType.LIMIT if kind == "LIMIT_MAKER" else OrderType(kind.lower()),
            amount=number(params, "quantity"),
            cost=number(params, "quoteOrderQty"),
            price=number(params, "price"),
            time_in_force=params.get("timeInForce", "GTC"),
            post_only=kind == "LIMIT_MAKER",
        )
    )
    if isinstance(order, VenueRejection):
        return order
    return as_json(created(order, "ACK" if call.bare else params.get("newOrderRespType", "FULL")))


def _found(call: DialectCall) -> ExchangeOrder | None:
    ledger, params = call.account.ledger, call.params
    if order_id := params.get("orderId"):
        orders = [ledger.orders[order_id]] if order_id in ledger.orders else []
    else:
        orders = ledger.with_client_id(params.get("origClientOrderId", ""))
    seen = [order for order in ledger.seen(orders, call.now_ms) if order.id == params.get("symbol")]
    return seen[-1] if seen else None


def look_up(call: DialectCall) -> Reply | VenueRejection:
    """One order, by either id; of several the newest."""
    order = _found(call)
    return VenueRejection.NO_SUCH_ORDER if order is None else as_json(order_of(order))


def cancel(call: DialectCall) -> Reply | VenueRejection:
    """End an open order."""
    order = _found(call)
    if order is None or order.venue_order_id not in call.account.ledger.open:
        return VenueRejection.NOT_CANCELABLE
    call.account.ledger.cancel(order, call.now_ms)
    return as_json(canceled(order))


def cancel_all(call: DialectCall) -> Reply | VenueRejection:
    """End every open order of a symbol."""
    ledger = call.account.ledger
    orders = [order for order in ledger.open.values() if order.id == call.params["symbol"]]
    for order in orders:
        ledger.cancel(order, call.now_ms)
    return as_json([canceled(order) for order in orders]) if orders else VenueRejection.NOT_CANCELABLE


def open_orders(call: DialectCall) -> Reply | VenueRejection:
    """What is open, of one symbol or of all."""
    ledger, market_id = call.account.ledger, call.params.get("symbol")
    seen = ledger.seen(ledger.open.values(), call.now_ms)
    return as_json([order_of(order) for order in seen if market_id in (None, order.id)])


def recent(call: DialectCall) -> Reply | VenueRejection:
    """Orders of any state, of one symbol, oldest first."""
    ledger, market_id = call.account.ledger, call.params["symbol"]
    seen = ledger.seen(ledger.orders.values(), call.now_ms)
    return as_json([order_of(o) for o in binance_page((o for o in seen if o.id == market_id), call.params, "orderId")])


def trades(call: DialectCall) -> Reply | VenueRejection:
    """The account's trades of one symbol, or of one order, oldest first."""
    ledger, market_id, of = call.account.ledger, call.params["symbol"], call.params.get("orderId")
    listing = call.listings.find(market_id)
    if listing is None:
        return VenueRejection.UNKNOWN_SYMBOL
    if of is not None and call.params.keys() & {"startTime", "endTime"}:
        raise ValueError("orderId must come without startTime and endTime")
    trades = (
        trade
        for trade in ledger.trades
        if trade.symbol == listing.symbol
        and of in (None, trade.venue_order_id)
        and ledger.orders[trade.venue_order_id].visible_at_ms <= call.now_ms
    )
    return as_json([trade_of(trade, market_id) for trade in binance_page(trades, call.params, "fromId")])
