"""The best prices of the symbols that are followed, as a venue tells them."""

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
    """The newest quote of each symbol, and which have to be asked for.

    `emit` gets every quote that says something new and is not older than the one before it. A quote is of the moment
    that the venue names, by our clock, but of none to come; where it names none, of its receipt. Its depth is the
    smaller of the amounts on offer at its two prices. The websocket is a hint: symbols of which it told nothing new for
    `every_ns` are asked for, in one request where the exchange has one for all; those of which that gives no amounts,
    by order book. Memory: a quote a symbol.
    """

    def __init__(
        self, line: VenueFeed, symbols: Sequence[str], *, every_ns: int, emit: Callable[[Quote], None]
    ) -> None:
        exchange = line.exchange
        self._exchange, self._line, self._clock = exchange, line, line.clock
        self._symbols, self._every_ns, self._emit = symbols, every_ns, emit
        self._newest: dict[str, Quote] = {}
        self._heard: set[str] = set()
        ways = {"fetchBidsAsks": exchange.fetch_bids_asks, "fetchTickers": exchange.fetch_tickers}
        self._fetch_all = next((fetch for name, fetch in ways.items() if exchange.has.get(name) is True), None)
        self._by_book = set(symbols) if self._fetch_all is None else set()

    def listeners(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What for ever tells what the websocket says, where the exchange has one."""
        exchange, listen = self._exchange, self._line.listen
        if exchange.has.get("watchBidsAsks"):
            yield listen("quotes by websocket", partial(exchange.watch_bids_asks, list(self._symbols)), self._hear)
        elif exchange.has.get("watchOrderBook"):
            for symbol in self._symbols:
                watch = partial(exchange.watch_order_book, symbol)
                yield listen(f"quotes of {symbol} by websocket", watch, partial(self._hear_of, symbol))

    async def follow(self) -> None:
        """For ever ask for those of which nothing was heard since the last time."""
        begun_ns = self._clock.now_ns()
        while True:
            silent = [symbol for symbol in self._symbols if symbol not in self._heard]
            self._heard.clear()
            await self._ask(silent)
            await self._clock.sleep_until(next_on_grid(begun_ns, self._every_ns, self._clock.now_ns() + 1))

    async def _ask(self, symbols: Sequence[str]) -> None:
        together = [symbol for symbol in symbols if symbol not in self._by_book]
        if together and self._fetch_all is not None:
            await self._line.ask("quotes", partial(self._fetch_all, together), partial(self._take_all, together))
        await asyncio.gather(*(self._ask_for_book(symbol) for symbol in symbols if symbol in self._by_book))

    async def _ask_for_book(self, symbol: str) -> None:
        fetch = partial(self._exchange.fetch_order_book, symbol, _LEVELS)
        await self._line.ask(f"quotes of {symbol}", fetch, partial(self._take, symbol))

    def _take_all(self, symbols: Sequence[str], told: Mapping[str, RawQuote]) -> None:
        self._by_book.update(symbol for symbol in symbols if not self._take(symbol, told.get(symbol, {})))

    def _hear(self, told: Mapping[str, RawQuote]) -> None:
        for symbol in self._symbols:
            if symbol in told:
                self._hear_of(symbol, told[symbol])

    def _hear_of(self, symbol: str, told: RawQuote) -> None:
        before = self._newest.get(symbol)
        if self._take(symbol, told) and self._newest[symbol] is not before:
            self._heard.add(symbol)

    def _take(self, symbol: str, told: RawQuote) -> bool:
        """Emit what is told where it is news. Gives whether it is a quote at all."""
        best = _best(told)
        if best is None:
            return False
        quote = Quote(symbol, self._moment_ns(told.get("timestamp")), *best)
        before = self._newest.get(symbol)
        if before is None or (quote.at_ns >= before.at_ns and quote != before):
            self._newest[symbol] = quote
            self._emit(quote)
        return True

    def _moment_ns(self, timestamp_ms: float | None) -> int:
        now_at_ns = self._clock.wall_ns()
        if timestamp_ms is None:
            return now_at_ns
        return min(int(timestamp_ms) * 1_000_000 - self._line.ahead_ns(), now_at_ns)


def _best(told: RawQuote) -> tuple[Decimal, Decimal, Decimal] | None:
    """Bid, ask and depth of a ticker or an order book; None where one of them is missing, or makes no sense."""
    if "bids" in told:
        numbers = [number for side in ("bids", "asks") for level in told[side][:1] for number in level[:2]]
    else:
        numbers = [told.get(name) for name in ("bid", "bidVolume", "ask", "askVolume")]
    try:
        bid, bid_amount, ask, ask_amount = (Decimal(str(number)) for number in numbers)
        depth = min(bid_amount, ask_amount)
        return (bid, ask, depth) if 0 < bid <= ask and depth > 0 else None
    except (ArithmeticError, ValueError):
        return None
