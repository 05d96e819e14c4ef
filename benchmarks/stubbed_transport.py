"""An exchange of ccxt whose requests are answered at once, with the same acknowledgement: no network, no venue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

from tidegate.venues.ccxt.connection import VenueConnection, connect

__all__ = ["SYMBOL", "stubbed"]

SYMBOL = "BTC/USDT"
_FILL = {"price": "100.02", "qty": "0.99", "commission": "0.00099", "commissionAsset": "BTC", "tradeId": 56}
_ACKNOWLEDGED = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "0123456789abcdef01",
    "transactTime": 1_507_725_176_595,
    "price": "100.02",
    "origQty": "0.99",
    "executedQty": "0.99",
    "cummulativeQuoteQty": "99.0198",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "fills": [_FILL],
}
_MARKET = {
    "id": "BTCUSDT",
    "symbol": SYMBOL,
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "type": "spot",
    "spot": True,
    "contract": False,
    "active": True,
    "taker": 0.001,
    "maker": 0.001,
    "precision": {"amount": 0.00001, "price": 0.01},
    "limits": {"amount": {"min": 0.00001}, "cost": {"min": 5}},
    "info": {"orderTypes": ["LIMIT", "MARKET"]},
}


class _Answer:
    status, reason, content = 200, "OK", b""
    headers: ClassVar[Mapping[str, str]] = {"Content-Type": "application/json"}
    _text = json.dumps(_ACKNOWLEDGED)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    async def text(self, errors: str) -> str:  # noqa: ARG002 - as aiohttp has it
        return self._text


class _Session:
    headers: ClassVar[Mapping[str, str]] = {}

    def post(self, _url: object, **_: Any) -> _Answer:
        return _Answer()

    async def close(self) -> None:
        return None


def stubbed() -> VenueConnection:
    """A binance that takes every order, and fills it."""
    settings = {"session": _Session(), "verify": False, "timeout_on_exit": 0, "rateLimit": 0}
    connection = connect("binance", settings, {"apiKey": "key", "secret": "secret"}, trader="benchmark")
    connection.exchange.set_markets([connection.exchange.safe_market_structure(_MARKET)])
    return connection
