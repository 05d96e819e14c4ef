"""The best prices of the followed symbols, as a venue reports them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from tidegate.clock import next_on_grid
from tidegate.domain.market import Quote
from tidegate.market.ccxt.exchange import RawQuote
from tidegate.market.ccxt.feed import VenueFeed

__all__ = ["Quotes"]

_LEVELS = 5


class Quotes:
    """The newest quote of each symbol, and the symbols that must be polled.

    `emit` gets every quote that is new and not older than the one before it. A quote is stamped with the venue's time,
    by our clock but never in the future, or with its receipt where the venue gives none. Its depth is the smaller of
    the amounts on offer at its two prices. The websocket is a hint: symbols without an update for `every_ns` are
    polled, in one request where the exchange has one for all, and by order book where that gives no amounts. Memory: a
    quote per symbol.
    """

    def __init__(
        self, feed: VenueFeed, symbols: Sequence[str], *, every_ns: int, emit: Callable[[Quote], None]
    ) -> None:
        exchange = feed.exchange
        self._exchange, self._feed, self._clock = exchange, feed, feed.clock
        self._symbols, self._every_ns, self._emit = symbols, every_ns, emit
        self._newest: dict[str, Quote] = {}
        self._updated: set[str] = set()
        ways = {"fetchBidsAsks": exchange.fetch_bids_asks, "fetchTickers": exchange.fetch_tickers}
        self._fetch_all = next((fetch for name, fetch in ways.items() if exchange.has.get(name) is True), None)
        self._by_book = set(symbols) if self._fetch_all is None else set()

    def listeners(self) -> Iterator[Coroutine[Any, Any, None]]:
        """The task that reads the websocket, where the exchange has one."""
        exchange, listen = self._exchange, self._feed.listen
        if exchange.has.get("watchBidsAsks"):
            yield listen("quotes by websocket", partial(exchange.watch_bids_asks, list(self._symbols)), self._on_quotes)
        elif exchange.has.get("watchOrderBook"):
            for symbol in self._symbols:
                watch = partial(exchange.watch_order_book, symbol)
                yield listen(f"quotes of {symbol} by websocket", watch, partial(self._on_quote, symbol))

    async def follow(self) -> None:
        """Poll the symbols with no update since the last poll, until cancelled."""
        begun_ns = self._clock.now_ns()
        while True:
            silent = [symbol for symbol in self._symbols if symbol not in self._updated]
            self._updated.clear()
            await self._ask(silent)
            await self._clock.sleep_until(next_on_grid(begun_ns, self._every_ns, self._clock.now_ns() + 1))

    async def _ask(self, symbols: Sequence[str]) -> None:
        together = [symbol for symbol in symbols if symbol not in self._by_book]
        if together and self._fetch_all is not None:
            await self._feed.ask("quotes", partial(self._fetch_all, together), partial(self._take_all, together))
        await asyncio.gather(*(self._ask_for_book(symbol) for symbol in symbols if symbol in self._by_book))

    async def _ask_for_book(self, symbol: str) -> None:
        fetch = partial(self._exchange.fetch_order_book, symbol, _LEVELS)
        await self._feed.ask(f"quotes of {symbol}", fetch, partial(self._take, symbol))

    def _take_all(self, symbols: Sequence[str], raw: Mapping[str, RawQuote]) -> None:
        self._by_book.update(symbol for symbol in symbols if not self._take(symbol, raw.get(symbol, {})))

    def _on_quotes(self, raw: Mapping[str, RawQuote]) -> None:
        for symbol in self._symbols:
            if symbol in raw:
                self._on_quote(symbol, raw[symbol])

    def _on_quote(self, symbol: str, raw: RawQuote) -> None:
        before = self._newest.get(symbol)
        if self._take(symbol, raw) and self._newest[symbol] is not before:
            self._updated.add(symbol)

    def _take(self, symbol: str, raw: RawQuote) -> bool:
        """Emit a quote if it is new; return whether it is a quote at all."""
        best = _best(raw)
        if best is None:
            return False
        quote = Quote(symbol, self._moment_ns(raw.get("timestamp")), *best)
        before = self._newest.get(symbol)
        if before is None or (quote.at_ns >= before.at_ns and quote != before):
            self._newest[symbol] = quote
            self._emit(quote)
        return True

    def _moment_ns(self, timestamp_ms: float | None) -> int:
        now_at_ns = self._clock.wall_ns()
        if timestamp_ms is None:
            return now_at_ns
        return min(int(timestamp_ms) * 1_000_000 - self._feed.ahead_ns(), now_at_ns)


def _best(raw: RawQuote) -> tuple[Decimal, Decimal, Decimal] | None:
    """Bid, ask and depth of a ticker or an order book; None where one of them is missing, or makes no sense."""
    if "bids" in raw:
        numbers = [number for side in ("bids", "asks") for level in raw[side][:1] for number in level[:2]]
    else:
        numbers = [raw.get(name) for name in ("bid", "bidVolume", "ask", "askVolume")]
    try:
        bid, bid_amount, ask, ask_amount = (Decimal(str(number)) for number in numbers)
        depth = min(bid_amount, ask_amount)
        return (bid, ask, depth) if 0 < bid <= ask and depth > 0 else None
    except (ArithmeticError, ValueError):
        return None
