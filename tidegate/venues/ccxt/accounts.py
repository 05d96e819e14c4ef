"""Whose account a key belongs to: two traders on one account would count its orders twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

__all__ = ["account_of", "traces_of"]


async def account_of(exchange: Any) -> str | None:
    """The venue's own id of the account, where it is known how it tells that; None elsewhere."""
    if exchange.id == "binance":
        told = (await exchange.private_get_account()).get("uid")
    elif exchange.id == "bybit":
        told = (await exchange.private_get_v5_user_query_api())["result"].get("userID")
    else:
        return None
    return None if told is None else str(told)


async def traces_of(exchange: Any, symbols: Sequence[str]) -> Collection[str]:
    """The venue's ids of what the account has open and has traded lately: no two accounts share one."""
    found: set[str] = set()
    for symbol in symbols:
        found |= {f"order {order['id']}" for order in await exchange.fetch_open_orders(symbol)}
        if exchange.has.get("fetchMyTrades"):
            trades = await exchange.fetch_my_trades(symbol)
            found |= {f"trade {trade['id']} of order {trade.get('order')}" for trade in trades if trade.get("id")}
    return found
