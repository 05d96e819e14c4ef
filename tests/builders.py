"""Orders, fills and signals for tests: each has sensible defaults, so that a test names only what it is about."""

import json
from decimal import Decimal

from tidegate.domain.events import Intent
from tidegate.domain.order import Fill, OrderRequest, OrderStatus, VenueOrder
from tidegate.domain.signal import OrderType, Raw, Side, Signal


def order(
    side=Side.BUY,
    amount="1",
    price="100",
    order_id="o",
    *,
    symbol="BTC/USDT",
    trader="paper",
    reserved=None,
) -> Intent:
    """An order as the pipeline asks for it. Without a price it is a market order. It reserves what it costs."""
    amount, price = Decimal(amount), None if price is None else Decimal(price)
    if reserved is None:
        reserved = amount if side is Side.SELL else amount * (price or 0)
    return Intent(
        client_order_id=order_id,
        trader=trader,
        symbol=symbol,
        side=Side(side),
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        amount=amount,
        price=price,
        attempt=1,
        reserved=Decimal(reserved),
    )


def fill(trade_id="t1", amount="1", price="100", fee="0", fee_currency="USDT") -> Fill:
    """A trade of an order."""
    return Fill(
        trade_id=trade_id,
        amount=Decimal(amount),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=fee_currency,
    )


def venue_order(
    request: OrderRequest,
    *fills: Fill,
    status=OrderStatus.OPEN,
    filled=None,
    order_id=None,
    venue_order_id=None,
    at_ns=0,
) -> VenueOrder:
    """An order as its venue lists it, under another id of ours if `order_id` says so."""
    return VenueOrder(
        venue_order_id=venue_order_id or f"v-{request.client_order_id}",
        client_order_id=order_id or request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        amount=request.amount,
        price=request.price,
        status=status,
        filled=sum((f.amount for f in fills), Decimal(0)) if filled is None else Decimal(filled),
        at_ns=at_ns,
        fills=fills,
    )


def signal(symbol="BTC/USDT", side=Side.BUY, *, id="s", **fields) -> Signal:
    """A signal that was read already."""
    return Signal(id=id, content=b"", raw=b"", symbol=symbol, side=side, **fields)


def signal_line(key: str, **fields) -> str:
    """A signal as its sender writes it, on a line of JSON."""
    given = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key}
    return json.dumps(given | fields)


def raw(key: str, **fields) -> Raw:
    """A signal as a source emits it."""
    return Raw(signal_line(key, **fields).encode(), may_say_now=True)
