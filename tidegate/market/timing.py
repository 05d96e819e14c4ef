"""Market news on the pipeline's clock: from the simulated market as time passes, or from recorded candles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby

from msgspec.structs import replace
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from tidegate.clock import Clock
from tidegate.domain.market import Candle, Quote
from tidegate.market.simulated import SimulatedMarket

__all__ = ["as_recorded", "as_time_passes", "quote_at_close"]

_SECOND_NS = 1_000_000_000


def as_time_passes(
    market: SimulatedMarket, symbols: Sequence[str], timeframe_ns: int, *, clock: Clock
) -> Observable[Candle | Quote]:
    """Quotes of the simulated market every second, and its candles as they close.

    Emits when:      a second has passed: first the candles that closed in it, then a quote for each symbol.
    Completes when:  never.
    Errors when:     never.
    Memory:          none.
    """

    def subscribe(
        observer: abc.ObserverBase[Candle | Quote], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        shown_ns = clock.wall_ns() // timeframe_ns * timeframe_ns

        def show(_: object = None) -> None:
            nonlocal shown_ns
            at_ns = clock.wall_ns()
            while shown_ns + timeframe_ns <= at_ns:
                for symbol in symbols:
                    observer.on_next(market.candle(symbol, shown_ns, timeframe_ns))
                shown_ns += timeframe_ns
            for symbol in symbols:
                observer.on_next(market.quote(symbol, at_ns))

        show()
        return clock.grid(1, first_after_s=1).subscribe(show, scheduler=scheduler)

    return Observable(subscribe)


def as_recorded(candles: Iterable[Candle], *, clock: Clock, spread_bps: Decimal) -> Observable[Candle | Quote]:
    """Recorded candles, in the order of their close, each at the moment it closed, with a quote made of its close.

    Emits when:      candles close: each, and its quote behind it.
    Completes when:  all have closed.
    Errors when:     reading the candles raises.
    Memory:          the candles of one moment.
    """

    def subscribe(observer: abc.ObserverBase[Candle | Quote], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        moments = groupby(candles, key=lambda candle: candle.closed_at_ns)
        disposed = Disposable()

        def show(together: Iterator[Candle]) -> None:
            for candle in together:
                observer.on_next(candle)
                observer.on_next(replace(quote_at_close(candle, spread_bps), at_ns=clock.wall_ns()))
            wait()

        def wait() -> None:
            if disposed.is_disposed:
                return
            try:
                moment = next(moments, None)
            except Exception as error:
                observer.on_error(error)
                return
            if moment is None:
                observer.on_completed()
            else:
                closed_at_ns, together = moment
                clock.call_at(clock.due_ns(closed_at_ns), show, together)

        wait()
        return disposed

    return Observable(subscribe)


def quote_at_close(candle: Candle, spread_bps: Decimal) -> Quote:
    """The best prices as they may have been when a candle closed: `spread_bps` around its close, to eight decimals
    or six digits, whichever is finer; on offer at each of them, a tenth of the candle's volume."""
    close = Decimal(repr(candle.close))
    half = close * spread_bps / 20_000
    step = Decimal(1).scaleb(min(-8, close.adjusted() - 5))
    return Quote(
        candle.symbol,
        candle.closed_at_ns,
        bid=(close - half).quantize(step, ROUND_FLOOR),
        ask=(close + half).quantize(step, ROUND_CEILING),
        depth=Decimal(repr(candle.volume)) / 10,
    )
