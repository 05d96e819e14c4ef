"""The answer to a created order, read by ourselves where tests hold that to ccxt's own reading of it.

ccxt makes its whole unified structure of an order: half of what an order costs it, for fields that nobody here reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

from tidegate.venues.ccxt.calls import current_call

__all__ = ["CreatedReader", "read_binance", "read_bybit", "read_created"]

CreatedReader: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], Any], Mapping[str, Any] | None]
"""Reads an answer, to an order in a market of ccxt's, by an exchange of ccxt's: `id`, `status`, `amount`, `filled`,
`trades` and `info` as ccxt has them. None where the answer is not plain: ccxt reads it then."""

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


def read_created(exchange: Any, reader: CreatedReader) -> None:
    """Let `reader` read what `create_order` of an exchange is answered, in calls that send an order of ours."""
    parse_order = exchange.parse_order

    def parsed(order: Any, market: Any = None) -> Any:
        call = current_call()
        if call is not None and call.order_id and type(order) is dict and market and exchange.number is float:
            plain = reader(order, market, exchange)
            if plain is not None:
                return plain
        return parse_order(order, market)

    exchange.parse_order = parsed


def read_binance(answer: Mapping[str, Any], market: Mapping[str, Any], exchange: Any) -> Mapping[str, Any] | None:
    """A full answer to a spot order, with no field that is not known."""
    if not (answer.keys() <= _BINANCE_FIELDS and answer.get("symbol") == market["id"] and market["spot"] is True):
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


def _binance_trade(fill: Any, market: Mapping[str, Any], exchange: Any) -> Mapping[str, Any] | None:
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


def read_bybit(answer: Mapping[str, Any], market: Mapping[str, Any], _: Any) -> Mapping[str, Any] | None:
    """The ids of an order: nothing else is said of it."""
    order_id = answer.get("orderId")
    if type(order_id) is not str or not order_id or not answer.keys() <= _BYBIT_FIELDS or market["spot"] is not True:
        return None
    return {"id": order_id, "status": None, "amount": None, "filled": None, "trades": [], "info": answer}


def _plain(number: object) -> float | None:
    """A number as ccxt makes it of plain digits; None of anything else."""
    return float(number) if type(number) is str and _is_number(number) is not None else None
