"""A venue's market through ccxt: the candles that closed before, and the news to come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from itertools import chain

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from streams.market import News
from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.market import Candle
from tidegate.market.ccxt.candles import Candles
from tidegate.market.ccxt.exchange import CcxtExchange
from tidegate.market.ccxt.feed import VenueFeed
from tidegate.market.ccxt.followed import Followed
from tidegate.market.ccxt.quotes import Quotes
from tidegate.venues.ccxt.quirks import quirks_of
from tidegate.venues.ccxt.troubles import Troubles

__all__ = ["CcxtMarket", "open_market"]

_ATTEMPTS = 3


class CcxtMarket:
    """An open market: its `name`, its `symbols`, the candles that closed before, and the news to come.

    `news` begins where `history` ends, for each who subscribes.

        -q-q-c-q-q-

    Emits when:      a candle has closed: each once, in order for each symbol, after those missed before it; or a quote
                     says something new.
    Completes when:  never.
    Errors when:     never by what the venue does.
    Memory:          a quote, a candle and a few numbers a symbol; a page of 100 candles a request.
    """

    def __init__(self, line: VenueFeed, followed: Followed) -> None:
        self.name = line.exchange.id
        self.symbols = frozenset(followed.symbols)
        self.history: Sequence[Candle] = ()
        self.news: Observable[News] = Observable(self._subscribe)
        self._line, self._followed = line, followed
        timeframe_ns, periods = (
            followed.timeframe_ns,
            max(1, followed.history) + 1,
        )  # one has closed, whenever it opened
        begun_ns = (line.clock.wall_ns() // timeframe_ns - periods) * timeframe_ns
        self._next_ns = dict.fromkeys(followed.symbols, begun_ns)
        self._tasks: set[asyncio.Task[None]] = set()

    async def read_history(self) -> None:
        """Ask for the candles that closed before now.

        Raises:
            VenueUnavailable: the venue did not answer.
        """
        symbols = self._followed.symbols
        histories = await asyncio.gather(*map(self._read_history, symbols))
        missing = [symbol for symbol, known in zip(symbols, histories, strict=True) if known is None]
        if missing:
            raise VenueUnavailable(f"{self.name} did not return the candles of {', '.join(missing)}")
        self.history = sorted(chain(*filter(None, histories)), key=lambda candle: candle.closed_at_ns)

    async def close(self) -> None:
        """Stop all background work, wait until it has ended, and close the sockets."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._line.exchange.close()

    async def _read_history(self, symbol: str) -> Collection[Candle] | None:
        known = deque[Candle](maxlen=self._followed.history)
        candles = self._candles(symbol, known.append)
        for _ in range(_ATTEMPTS):
            if await candles.catch_up():
                self._next_ns[symbol] = candles.next_ns
                return known
            await candles.pause()
        return None

    def _candles(self, symbol: str, emit: Callable[[Candle], None]) -> Candles:
        return Candles(
            self._line,
            symbol,
            self._followed.timeframe_ns,
            next_ns=self._next_ns[symbol],
            delay_ns=round(self._followed.delay_s * 1e9),
            emit=emit,
        )

    def _subscribe(self, observer: abc.ObserverBase[News], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        loop = self._line.clock.loop

        def emit(news: News) -> None:
            try:
                observer.on_next(news)
            except Exception as error:
                loop.call_exception_handler({"message": f"exception after the news of {self.name}", "exception": error})

        async def follow() -> None:
            try:
                await self._follow(emit)
            except Exception as error:
                observer.on_error(error)

        task = loop.create_task(follow(), name=f"the news of {self.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def stop() -> None:
            task.cancel()

        return Disposable(stop)

    async def _follow(self, emit: Callable[[News], None]) -> None:
        every_ns = round(self._followed.quote_every_s * 1e9)
        quotes = Quotes(self._line, self._followed.symbols, every_ns=every_ns, emit=emit)
        async with asyncio.TaskGroup() as tasks:
            for work in (quotes.follow(), *quotes.listeners()):
                tasks.create_task(work)
            for symbol in self._followed.symbols if self._followed.candles else ():
                candles = self._candles(symbol, emit)
                tasks.create_task(candles.follow())
                if self._line.exchange.has.get("watchOHLCV"):
                    tasks.create_task(candles.listen())


async def open_market(
    exchange: CcxtExchange,
    followed: Followed,
    *,
    clock: Clock,
    fault: Callable[[str, Exception], None],
    redact: Callable[[str], str],
    ahead_ns: Callable[[], int] = lambda: 0,
) -> CcxtMarket:
    """A market with its history read; nothing runs until its news has a subscriber.

    `fault(where, error)` receives every failure, redacted. The venue's clock is
    `ahead_ns()` ahead of ours. Closing the market closes the exchange; where this raises, that is left to the caller.
    Memory: the history.

    Raises:
        SettingsError: the exchange does not list a symbol, or offer the timeframe.
        VenueUnavailable: the venue returned no markets, or no history.
    """
    try:
        await exchange.load_markets()
    except Exception as error:
        raise VenueUnavailable(redact(f"{type(error).__name__}: {error}")) from None
    followed.check(exchange)
    line = VenueFeed(
        exchange,
        Troubles(quirks_of(exchange.id), clock=clock, fault=fault, redact=redact),
        clock=clock,
        ahead_ns=ahead_ns,
        max_concurrent=followed.max_concurrent,
        timeout_s=followed.timeout_s,
        silent_after_s=followed.silent_after_s,
    )
    market = CcxtMarket(line, followed)
    if followed.candles:
        await market.read_history()
    return market
