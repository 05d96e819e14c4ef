"""What is used of an exchange object of ccxt to follow its markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

__all__ = ["CcxtExchange", "RawQuote", "Row"]

Row: TypeAlias = Sequence[Any]
"""A candle as ccxt gives it: opening time in ms, open, high, low, close, volume."""

RawQuote: TypeAlias = Mapping[str, Any]
"""A ticker or an order book as ccxt gives it."""


class CcxtExchange(Protocol):
    """An exchange of `ccxt.async_support`, or one of `ccxt.pro`, which has websockets too."""

    id: str
    has: Mapping[str, Any]
    timeframes: Mapping[str, Any]
    markets: Mapping[str, Any]

    async def load_markets(self) -> object:
        """Fill `markets`, by symbol."""

    async def close(self) -> object:
        """Give back sockets."""

    async def close_ws_clients(self) -> object:
        """Close the websockets; what is subscribed to is forgotten."""

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Sequence[Row]:
        """At most `limit` candles that opened at `since` or later, in ms; the newest may still be forming."""

    async def fetch_bids_asks(self, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """Tickers that have the best prices at least."""

    async def fetch_tickers(self, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """Tickers."""

    async def fetch_order_book(self, symbol: str, limit: int) -> RawQuote:
        """An order book."""

    async def watch_ohlcv(self, symbol: str, timeframe: str) -> Sequence[Row]:
        """The candles that changed, once some did."""

    async def watch_bids_asks(self, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """The tickers that changed, once some did."""

    async def watch_order_book(self, symbol: str) -> RawQuote:
        """The order book, once it changed."""
