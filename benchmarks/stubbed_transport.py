"""An exchange of ccxt whose requests are answered at once: no network, no venue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from types import TracebackType
from typing import Any, ClassVar, Self

from tidegate.venues.ccxt.connection import VenueConnection, connect

__all__ = ["SYMBOL", "stubbed", "stubbed_ccxt"]

SYMBOL = "BTC/USDT"
_KEYS = {"apiKey": "key", "secret": "secret"}
_NUMBER = 1_000_000_007  # stands where each answer has a number of its own
_FILL = {
    "price": "60000.01000000",
    "qty": "0.00099000",
    "commission": "0.00000099",
    "commissionAsset": "BTC",
    "tradeId": _NUMBER,
}
_ACKNOWLEDGED = {
    "symbol": "BTCUSDT",
    "orderId": _NUMBER,
    "orderListId": -1,
    "clientOrderId": "0123456789abcdef01",
    "transactTime": 1_507_725_176_595,
    "price": "60000.01000000",
    "origQty": "0.00099000",
    "executedQty": "0.00099000",
    "cummulativeQuoteQty": "59.40000990",
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
    _numbers = count(_NUMBER)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    async def text(self, errors: str) -> str:  # noqa: ARG002 - as aiohttp has it
        return self._text.replace(str(_NUMBER), str(next(self._numbers)))


class _Session:
    headers: ClassVar[Mapping[str, str]] = {}

    def post(self, _url: object, **_: Any) -> _Answer:
        return _Answer()

    async def close(self) -> None:
        return None


def stubbed() -> VenueConnection:
    """A binance that takes every order, and fills it."""
    connection = connect("binance", _settings(), _KEYS, trader="benchmark")
    connection.exchange.set_markets([connection.exchange.safe_market_structure(_MARKET)])
    return connection


def stubbed_ccxt() -> Any:
    """The same, as ccxt makes it, without anything of ours."""
    kind = type(stubbed().exchange)
    exchange = kind({**_settings(), **_KEYS, "enableRateLimit": False, "options": {"defaultType": "spot"}})
    exchange.set_markets([exchange.safe_market_structure(_MARKET)])
    return exchange


def _settings() -> dict[str, Any]:
    return {"session": _Session(), "verify": False, "timeout_on_exit": 0, "rateLimit": 0}
