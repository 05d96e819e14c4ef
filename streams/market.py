"""What is known of the markets now, and the news of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Never, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, abc

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from streams.candle_statistics import CandleStatistics
from streams.closes import Closes
from tidegate.clock import Clock
from tidegate.domain.market import Candle, Mark, Quote, base_of, quote_of
from tidegate.domain.order import Fill

__all__ = ["MarketFeed", "Markets", "NewestQuotes", "News", "candles_of", "taken_in"]

News: TypeAlias = Candle | Quote


class MarketFeed(Struct, frozen=True):
    """A market: its symbols, the candles that closed before, and the news to come; by name, those of `other_venues`."""

    name: str
    symbols: frozenset[str]
    history: Sequence[Candle]
    news: Observable[News]
    other_venues: Mapping[str, Observable[News]] = MappingProxyType({})


class NewestQuotes(MutableMapping[str, Quote]):
    """The newest quote of each symbol. One that a close makes is made when it is first asked for.

    Memory: one quote, or what makes it, a symbol.
    """

    __slots__ = ("_newest",)

    def __init__(self) -> None:
        self._newest: dict[str, Quote | tuple[Closes, Candle]] = {}

    def put_close(self, closes: Closes, candle: Candle) -> None:
        """Take in that the quote which follows a candle is the newest of its symbol."""
        self._newest[candle.symbol] = closes, candle

    def __getitem__(self, symbol: str) -> Quote:
        newest = self._newest[symbol]
        if isinstance(newest, tuple):
            closes, candle = newest
            newest = self._newest[symbol] = closes.quote(candle)
        return newest

    def __setitem__(self, symbol: str, quote: Quote) -> None:
        self._newest[symbol] = quote

    def __delitem__(self, symbol: str) -> None:
        del self._newest[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest)

    def __len__(self) -> int:
        return len(self._newest)


class Markets:
    """The newest quote of each symbol that is followed, and how old it is; and the same `on` other venues.

    A quote is as old as its stamp says when it comes, by the wall clock of that moment, and ages by the steady clock.
    Where `candles` is not 0, `statistics` has those of each symbol's last closed candles, over so many returns.
    Memory: one quote a symbol and venue, and `candles` numbers a symbol.
    """

    def __init__(self, symbols: frozenset[str], *, clock: Clock, candles: int = 0) -> None:
        self.symbols = symbols
        self.quotes = NewestQuotes()
        self.statistics: dict[str, CandleStatistics] = {}
        self._clock, self._candles = clock, candles
        self._of_ns: dict[str, int] = {}
        self._elsewhere: dict[str, Markets] = {}

    def follow(self, news: News) -> None:
        """Take one piece of news in."""
        if type(news) is Quote:
            self.quotes[news.symbol] = news
            self._of_ns[news.symbol] = self._since_ns(news.at_ns)
        elif self._candles and type(news) is Candle:
            self._count(news)

    def follow_all(self, chunk: Sequence[News]) -> None:
        """Take a chunk of news in."""
        if type(chunk) is not Closes:
            for news in chunk:
                self.follow(news)
            return
        of_ns, put_close, since_ns = self._of_ns, self.quotes.put_close, self._since_ns(chunk.at_ns)
        for candle in chunk.candles:
            put_close(chunk, candle)
            of_ns[candle.symbol] = since_ns
            if self._candles:
                self._count(candle)

    def mid(self, symbol: str) -> Decimal | None:
        """The middle between the best bid and ask of a symbol, in its quote currency; None where there is no quote."""
        quote = self.quotes.get(symbol)
        return None if quote is None else quote.mid

    def age_ns(self, symbol: str, now_ns: int) -> int | None:
        """How old the newest quote of a symbol is at a steady time, in nanoseconds; None where there is none."""
        of_ns = self._of_ns.get(symbol)
        return None if of_ns is None else now_ns - of_ns

    def on(self, venue: str | None) -> Markets:
        """What is known of another venue's markets; without a name, these."""
        if venue is None:
            return self
        if (there := self._elsewhere.get(venue)) is None:
            there = self._elsewhere[venue] = Markets(self.symbols, clock=self._clock)
        return there

    def marks(self) -> dict[str, Mark]:
        """The newest bid of each symbol: what selling would bring."""
        return {symbol: Mark(quote.bid, quote.at_ns) for symbol, quote in self.quotes.items()}

    def valued(self, symbol: str, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """The trades of a symbol, each fee in a third currency with its value in the quote currency, where that
        currency's price is known now."""
        own = base_of(symbol), quote_of(symbol)
        for fill in fills:
            if fill.fee_currency not in own:
                return tuple([each if each.fee_currency in own else self._valued(each, own[1]) for each in fills])
        return tuple(fills)

    def _since_ns(self, at_ns: int) -> int:
        return min(self._clock.due_ns(at_ns), self._clock.now_ns())

    def _count(self, candle: Candle) -> None:
        statistics = self.statistics.get(candle.symbol)
        if statistics is None:
            statistics = self.statistics[candle.symbol] = CandleStatistics(self._candles)
        statistics.fold(candle)

    def _valued(self, fill: Fill, currency: str) -> Fill:
        quote = self.quotes.get(f"{fill.fee_currency}/{currency}")
        if quote is None or fill.fee_in_quote is not None:
            return fill
        return replace(fill, fee_in_quote=fill.fee * quote.mid)


def candles_of(*listeners: Callable[[Sequence[News]], None]) -> Callable[[Observable[News]], Chunked[Candle]]:
    """Pass all news to each listener, in chunks and in their order, and emit the closed candles.

        -q-c-q-c-|
        ---c---c-|

    Emits when:      upstream emits candles, after all listeners have had them.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def stage(source: Observable[News]) -> Chunked[Candle]:
        def subscribe(on_chunk: OnChunk[Candle], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            def receive(chunk: Sequence[News]) -> None:
                for listener in listeners:
                    listener(chunk)
                candles = chunk.candles if type(chunk) is Closes else [news for news in chunk if type(news) is Candle]
                if candles:
                    on_chunk(candles)

            return subscribe_chunks(source, receive, on_error, on_completed)

        return Chunked(subscribe)

    return stage


def taken_in(take: Callable[[Sequence[News]], None]) -> Callable[[Observable[News]], Observable[Never]]:
    """Hand all news to `take`, in chunks, and emit none of them.

        -q-c-q-|
        -------|

    Emits when:      never.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def stage(source: Observable[News]) -> Observable[Never]:
        def subscribe(observer: abc.ObserverBase[Never], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            return subscribe_chunks(source, take, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return stage
