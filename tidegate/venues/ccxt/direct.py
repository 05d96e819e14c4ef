"""Orders sent to a venue's own endpoint, through ccxt's method for it, where tests hold us to what ccxt would do.

ccxt's `create_order` goes through all that any venue may be asked for, and makes its whole unified structure of the
answer: half of what an order costs it, for parameters that we never give and fields that nobody here reads. Everything
between, the signature, the transport and the errors, is ccxt's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeAlias

from msgspec import Struct

from tidegate.domain.market import MarketRules
from tidegate.domain.order import OrderRequest
from tidegate.domain.signal import OrderType

__all__ = ["BINANCE_ORDERS", "BYBIT_ORDERS", "DirectOrders", "OrderCreator"]

Market: TypeAlias = Mapping[str, Any]
"""A market as ccxt has it."""

_is_number = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?").fullmatch
_BINANCE_STATUSES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
_BINANCE_FIELDS = frozenset(
    {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime", "price", "origQty", "executedQty", "status"}
    | {"origQuoteOrderQty", "cummulativeQuoteQty", "timeInForce", "type", "side", "workingTime", "fills"}
    | {"selfTradePreventionMode", "usedSor", "workingFloor", "preventedMatchId", "preventedQuantity"}
)
_FILL_FIELDS = frozenset({"price", "qty", "commission", "commissionAsset", "tradeId", "matchType", "allocId"})
_BYBIT_FIELDS = frozenset({"orderId", "orderLinkId"})


class DirectOrders(Struct, frozen=True, kw_only=True, gc=False):
    """How a venue's own endpoint is given spot orders.

    `method` is ccxt's for it, and its answer has the order at `at`. `query(request, market)` is what `create_order`
    would send, None where that is left to ccxt. `read(order, market, exchange)` gives `id`, `status`, `amount`,
    `filled`, `trades` and `info` as ccxt has them, None where the answer is not plain and ccxt reads it. `options` are
    those of ccxt that change neither.
    """

    method: str
    at: str = ""
    query: Callable[[OrderRequest, Market], dict[str, Any] | None]
    read: Callable[[Any, Market, Any], Mapping[str, Any] | None]
    options: frozenset[str]


class OrderCreator:
    """Creates orders on an exchange of ccxt, `direct` where that is given and an order fits the `rules` of its market.

    A price or an amount that does not fit is left to ccxt, which rounds or refuses it.
    """

    def __init__(self, exchange: Any, direct: DirectOrders | None, rules: Callable[[str], MarketRules | None]) -> None:
        self._exchange, self._direct, self._rules = exchange, direct, rules

    async def create(self, request: OrderRequest, params: Mapping[str, Any]) -> Any:
        """Send an order, and give what was answered in ccxt's words; `params` are for `create_order`.

        Raises:
            Exception: whatever ccxt makes of a failure.
        """
        exchange, direct, rules = self._exchange, self._direct, self._rules(request.symbol)
        if direct is not None and rules is not None and rules.fits(request.amount, request.price):
            market = exchange.markets[request.symbol]
            query = direct.query(request, market) if market["spot"] is True else None
            if query is not None:
                answer = await getattr(exchange, direct.method)(query)
                order = (answer.get(direct.at) or {}) if direct.at else answer
                plain = direct.read(order, market, exchange) if type(order) is dict else None
                return plain or exchange.parse_order(order, market)
        price = None if request.order_type is OrderType.MARKET or request.price is None else format(request.price, "f")
        kind, side, amount = request.order_type.value, request.side.value, format(request.amount, "f")
        return await exchange.create_order(request.symbol, kind, side, amount, price, dict(params))


def binance_query(request: OrderRequest, market: Market) -> dict[str, Any] | None:
    """A limit or market order."""
    kind, is_limit = request.order_type.upper(), request.order_type is OrderType.LIMIT
    if kind not in market["info"].get("orderTypes", ()) or (request.price is None and is_limit):
        return None
    query = {
        "symbol": market["id"],
        "side": request.side.upper(),
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
        "type": kind,
        "quantity": _text(request.amount),
    }
    if request.price is not None and is_limit:
        query["price"], query["timeInForce"] = _text(request.price), "GTC"
    return query


def bybit_query(request: OrderRequest, market: Market) -> dict[str, Any] | None:
    """A limit order; what a market order means depends on the account."""
    if request.price is None or request.order_type is not OrderType.LIMIT:
        return None
    return {
        "symbol": market["id"],
        "side": request.side.capitalize(),
        "orderType": "Limit",
        "orderLinkId": request.client_order_id,
        "price": _text(request.price),
        "category": "spot",
        "qty": _text(request.amount),
    }


def read_binance(answer: Any, market: Market, exchange: Any) -> Mapping[str, Any] | None:
    """A full answer to a spot order, with no field that is not known."""
    if not (answer.keys() <= _BINANCE_FIELDS and answer.get("symbol") == market["id"]):
        return None
    order_id, status, fills = answer.get("orderId"), answer.get("status"), answer.get("fills")
    amount, filled = _plain(answer.get("origQty")), _plain(answer.get("executedQty"))
    if type(order_id) is not int or type(status) is not str or type(fills) is not list or not amount or filled is None:
        return None
    if (status := _BINANCE_STATUSES.get(status)) is None:
        return None
    trades = []
    for fill in fills:
        if (trade := _binance_trade(fill, market, exchange)) is None:
            return None
        trades.append(trade)
    if len(trades) > 1:
        trades.sort(key=itemgetter("id"))
    return {
        "id": str(order_id),
        "status": status,
        "amount": amount,
        "filled": filled,
        "trades": trades,
        "info": answer,
    }


def _binance_trade(fill: Any, market: Market, exchange: Any) -> Mapping[str, Any] | None:
    if type(fill) is not dict or not fill.keys() <= _FILL_FIELDS:
        return None
    trade_id, currency = fill.get("tradeId"), fill.get("commissionAsset")
    price, amount, fee = _plain(fill.get("price")), _plain(fill.get("qty")), _plain(fill.get("commission"))
    if type(trade_id) is not int or type(currency) is not str or not currency:
        return None
    if price is None or amount is None or fee is None:
        return None
    return {
        "id": str(trade_id),
        "symbol": market["symbol"],
        "amount": amount,
        "price": price,
        "fee": {"cost": fee, "currency": exchange.safe_currency_code(currency)},
        "info": fill,
    }


def read_bybit(answer: Any, _: Market, __: Any) -> Mapping[str, Any] | None:
    """The ids of an order: nothing else is said of it."""
    order_id = answer.get("orderId")
    if type(order_id) is not str or not order_id or not answer.keys() <= _BYBIT_FIELDS:
        return None
    return {"id": order_id, "status": None, "amount": None, "filled": None, "trades": [], "info": answer}


def _plain(number: object) -> float | None:
    """A number as ccxt makes it of plain digits; None of anything else."""
    return float(number) if type(number) is str and _is_number(number) is not None else None


def _text(number: Decimal) -> str:
    """As ccxt writes it: without zeros at the end."""
    return format(number.normalize(), "f")


_OPTIONS = frozenset({"defaultType", "fetchMarkets", "recvWindow", "adjustForTimeDifference", "timeDifference"})

BINANCE_ORDERS = DirectOrders(
    method="privatePostOrder",
    query=binance_query,
    read=read_binance,
    options=_OPTIONS | {"fetchMargins", "warnOnFetchOpenOrdersWithoutSymbol", "hasAlreadyAuthenticatedSuccessfully"},
)
BYBIT_ORDERS = DirectOrders(
    method="privatePostV5OrderCreate",
    at="result",
    query=bybit_query,
    read=read_bybit,
    options=_OPTIONS | {"enableUnifiedMargin", "enableUnifiedAccount"},
)
