"""What is known of the markets now, and the news of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Never, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, abc

from streams.candle_statistics import CandleStatistics
from tidegate.clock import Clock
from tidegate.domain.market import Candle, Mark, Quote, base_of, quote_of
from tidegate.domain.order import Fill

__all__ = ["MarketFeed", "Markets", "News", "candles_of", "taken_in"]

News: TypeAlias = Candle | Quote


class MarketFeed(Struct, frozen=True):
    """A market: its symbols, the candles that closed before, and the news to come; by name, those of `other_venues`."""

    name: str
    symbols: frozenset[str]
    history: Sequence[Candle]
    news: Observable[News]
    other_venues: Mapping[str, Observable[News]] = MappingProxyType({})


class Markets:
    """The newest quote of each symbol that is followed, and how old it is; and the same `on` other venues.

    A quote is as old as its stamp says when it comes, by the wall clock of that moment, and ages by the steady clock.
    Where `candles` is not 0, `statistics` has those of each symbol's last closed candles, over so many returns.
    Memory: one quote a symbol and venue, and `candles` numbers a symbol.
    """

    def __init__(self, symbols: frozenset[str], *, clock: Clock, candles: int = 0) -> None:
        self.symbols = symbols
        self.quotes: dict[str, Quote] = {}
        self.statistics: dict[str, CandleStatistics] = {}
        self._clock, self._candles = clock, candles
        self._of_ns: dict[str, int] = {}
        self._elsewhere: dict[str, Markets] = {}

    def follow(self, news: News) -> None:
        """Take news in."""
        if type(news) is Quote:
            self.quotes[news.symbol] = news
            self._of_ns[news.symbol] = min(self._clock.due_ns(news.at_ns), self._clock.now_ns())
        elif self._candles and type(news) is Candle:
            statistics = self.statistics.get(news.symbol)
            if statistics is None:
                statistics = self.statistics[news.symbol] = CandleStatistics(self._candles)
            statistics.fold(news)

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

    def _valued(self, fill: Fill, currency: str) -> Fill:
        quote = self.quotes.get(f"{fill.fee_currency}/{currency}")
        if quote is None or fill.fee_in_quote is not None:
            return fill
        return replace(fill, fee_in_quote=fill.fee * quote.mid)


def candles_of(*listeners: Callable[[News], None]) -> Callable[[Observable[News]], Observable[Candle]]:
    """Pass all news to each listener, in their order, and emit the closed candles.

        -q-c-q-c-|
        ---c---c-|

    Emits when:      upstream emits a candle, after all listeners have had it.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def stage(source: Observable[News]) -> Observable[Candle]:
        def subscribe(observer: abc.ObserverBase[Candle], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            def on_next(news: News) -> None:
                for listener in listeners:
                    listener(news)
                if type(news) is Candle:
                    observer.on_next(news)

            return source.subscribe(on_next, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return stage


def taken_in(take: Callable[[News], None]) -> Callable[[Observable[News]], Observable[Never]]:
    """Hand all news to `take`, and emit none of them.

        -q-c-q-|
        -------|

    Emits when:      never.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def stage(source: Observable[News]) -> Observable[Never]:
        def subscribe(observer: abc.ObserverBase[Never], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            return source.subscribe(take, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return stage
