"""The past candles of an exchange, page by page, with retries."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, Protocol

from ccxt.base.errors import BaseError, NetworkError

from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.domain.market import Candle
from tidegate.domain.timeframe import parse_timeframe
from tidegate.market.ccxt.exchange import Row
from tidegate.venues.ccxt.connection import connect
from tidegate.venues.ccxt.redaction import redacted

__all__ = ["CandleHistory", "open_history", "pages_of"]

_PAGE_LEAST = 100  # every venue gives as many at once
_TRIES = 6
_DELAY_S = 1.0


class CandleHistory(Protocol):
    """An exchange of ccxt, as far as its past is asked for."""

    id: str
    has: Mapping[str, Any]
    timeframes: Mapping[str, Any]
    markets: Mapping[str, Any]

    async def load_markets(self) -> object:
        """Fill `markets`, by symbol."""

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int) -> Sequence[Row]:
        """A page of candles that opened at `since` or later, in ms; the newest may still be forming."""

    def milliseconds(self) -> int:
        """The time, in ms."""

    async def close(self) -> object:
        """Give back sockets."""


def open_history(exchange_id: str, ccxt_block: Mapping[str, Any]) -> CandleHistory:
    """An exchange of ccxt without keys, which keeps to its own rate limit.

    Raises:
        SettingsError: ccxt is not installed, knows no such exchange, or does not take the block.
    """
    exchange: CandleHistory = connect(
        exchange_id, {"enableRateLimit": True, **ccxt_block}, {}, trader=exchange_id
    ).exchange
    return exchange


async def pages_of(
    exchange: CandleHistory,
    symbol: str,
    timeframe: str,
    *,
    since_ms: int,
    until_ms: int | None,
    pause: Callable[[float], Awaitable[None]],
) -> AsyncIterator[Sequence[Candle]]:
    """The closed candles of a symbol that opened at `since_ms` or later and before `until_ms`, in order, each once.

    A page that cannot be had is asked for again, six times in all, with a growing `pause`. Rows that are no candle are
    left out. Memory: a page.

    Raises:
        SettingsError: the exchange has no candles, or not of this symbol or timeframe.
        VenueUnavailable: a page could not be read; the pages before it were emitted.
    """
    await _again(exchange.load_markets, pause)
    _check(exchange, symbol, timeframe)
    step_ms = parse_timeframe(timeframe) // 1_000_000
    at_ms, page = since_ms, _PAGE_LEAST
    while at_ms < (ends_ms := min(until_ms or exchange.milliseconds(), exchange.milliseconds() - step_ms + 1)):
        rows = await _again(partial(exchange.fetch_ohlcv, symbol, timeframe, at_ms), pause)
        candles = [candle for candle in _candles(symbol, step_ms, rows) if candle.opened_at_ns >= at_ms * 1_000_000]
        page = max(page, len(rows))
        wanted = [candle for candle in candles if candle.opened_at_ns < ends_ms * 1_000_000]
        if wanted:
            yield wanted
        if len(wanted) < len(candles):
            return
        # An empty page says that there is nothing for as long as one lasts; what comes after it may be there.
        at_ms = candles[-1].opened_at_ns // 1_000_000 + step_ms if candles else at_ms + page * step_ms


def _check(exchange: CandleHistory, symbol: str, timeframe: str) -> None:
    if not exchange.has.get("fetchOHLCV"):
        raise SettingsError(f"{exchange.id} has no candles to download")
    if symbol not in exchange.markets:
        near = ", ".join(get_close_matches(symbol, exchange.markets))
        raise SettingsError(f"{exchange.id} does not trade {symbol}" + (f", did you mean {near}?" if near else ""))
    known = exchange.timeframes or {}
    if timeframe not in known:
        raise SettingsError(f"{exchange.id} has no {timeframe} candles; it has {', '.join(known)}")


async def _again(ask: Callable[[], Awaitable[Any]], pause: Callable[[float], Awaitable[None]]) -> Any:
    for tried in range(1, _TRIES + 1):
        try:
            return await ask()
        except NetworkError as error:
            if tried == _TRIES:
                raise VenueUnavailable(redacted(error)) from None
            await pause(_DELAY_S * 2 ** (tried - 1))
        except BaseError as error:
            raise VenueUnavailable(redacted(error)) from None
    raise AssertionError("unreachable")


def _candles(symbol: str, step_ms: int, rows: Sequence[Row]) -> Sequence[Candle]:
    """The rows that are candles, in order, none twice."""
    found: dict[int, Candle] = {}
    for row in rows:
        candle = _candle(symbol, step_ms, row)
        if candle is not None:
            found[candle.opened_at_ns] = candle
    ordered: list[Candle] = []
    for candle in sorted(found.values(), key=lambda candle: candle.opened_at_ns):
        if not ordered or candle.opened_at_ns >= ordered[-1].closed_at_ns:
            ordered.append(candle)
    return ordered


def _candle(symbol: str, step_ms: int, row: Row) -> Candle | None:
    try:
        opened_at_ms, *said = row[:6]
        first, high, low, last, volume = (float(number or 0) for number in said)
        opened_at_ns = int(opened_at_ms) * 1_000_000
    except (OverflowError, TypeError, ValueError):
        return None
    fits = 0 < low <= min(first, last) and max(first, last) <= high < math.inf and 0 <= volume < math.inf
    return Candle(symbol, opened_at_ns, step_ms * 1_000_000, first, high, low, last, volume) if fits else None
