"""Market news on the pipeline's clock: from the simulated market as time passes, or from recorded candles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache, partial
from itertools import groupby
from operator import attrgetter

from reactivex import abc
from reactivex.disposable import Disposable

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError
from streams.closes import Closes
from tidegate.clock import Clock
from tidegate.domain.market import Candle, Quote
from tidegate.market.simulated import SimulatedMarket

__all__ = ["as_recorded", "as_time_passes", "quote_at_close"]

_SECOND_NS = 1_000_000_000


def as_time_passes(
    market: SimulatedMarket, symbols: Sequence[str], timeframe_ns: int, *, clock: Clock
) -> Chunked[Candle | Quote]:
    """Quotes of the simulated market every second, and its candles as they close.

    Emits when:      a second has passed: first the candles that closed in it, then a quote for each symbol.
    Completes when:  never.
    Errors when:     never.
    Memory:          none.
    """

    def subscribe(on_chunk: OnChunk[Candle | Quote], _: OnError, __: OnCompleted) -> abc.DisposableBase:
        shown_ns = clock.wall_ns() // timeframe_ns * timeframe_ns

        def show(_: object = None) -> None:
            nonlocal shown_ns
            at_ns = clock.wall_ns()
            news: list[Candle | Quote] = []
            while shown_ns + timeframe_ns <= at_ns:
                news += [market.candle(symbol, shown_ns, timeframe_ns) for symbol in symbols]
                shown_ns += timeframe_ns
            news += [market.quote(symbol, at_ns) for symbol in symbols]
            on_chunk(news)

        show()
        return clock.grid(1, first_after_s=1).subscribe(show)

    return Chunked(subscribe)


def as_recorded(candles: Iterable[Candle], *, clock: Clock, spread_bps: Decimal) -> Chunked[Candle | Quote]:
    """Recorded candles, in the order of their close, each at the moment it closed, with a quote made of its close.

    Emits when:      candles close: each, and its quote behind it.
    Completes when:  all have closed.
    Errors when:     reading the candles raises.
    Memory:          the candles of one moment.
    """
    make = partial(quote_at_close, spread_bps=spread_bps)

    def subscribe(
        on_chunk: OnChunk[Candle | Quote], on_error: OnError, on_completed: OnCompleted
    ) -> abc.DisposableBase:
        moments = groupby(candles, key=attrgetter("closed_at_ns"))
        disposed = Disposable()

        def show(together: Sequence[Candle]) -> None:
            on_chunk(Closes(together, clock.wall_ns(), make))
            wait()

        def wait() -> None:
            if disposed.is_disposed:
                return
            try:
                closed_at_ns, closed = next(moments, (None, ()))
                together = list(closed)
            except Exception as error:
                on_error(error)
                return
            if closed_at_ns is None:
                on_completed()
            else:
                clock.call_at(clock.due_ns(closed_at_ns), show, together)

        wait()
        return disposed

    return Chunked(subscribe)


def quote_at_close(candle: Candle, at_ns: int, *, spread_bps: Decimal) -> Quote:
    """The best prices as they may have been when a candle closed: `spread_bps` around its close, to eight decimals
    or six digits, whichever is finer; on offer at each of them, a tenth of the candle's volume."""
    close = Decimal(repr(candle.close))
    half = close * spread_bps / 20_000
    step = _step(close.adjusted())
    return Quote(
        candle.symbol,
        at_ns,
        (close - half).quantize(step, ROUND_FLOOR),
        (close + half).quantize(step, ROUND_CEILING),
        Decimal(repr(candle.volume)) / 10,
    )


@lru_cache
def _step(exponent: int) -> Decimal:
    return Decimal(1).scaleb(min(-8, exponent - 5))
