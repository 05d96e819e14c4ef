"""Worlds a pipeline can look at: what happened before, and the news to come."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace
from reactivex import operators as ops

from streams.market import MarketFeed
from tidegate.clock import Clock
from tidegate.domain.market import Candle
from tidegate.domain.timeframe import timeframe_for
from tidegate.market.recordings import CandleFile, merge_candles
from tidegate.market.simulated import SimulatedMarket
from tidegate.market.timing import as_recorded, as_time_passes, quote_at_close

__all__ = ["MarketFeed", "Playback", "played_world", "recorded_world", "simulated_world"]


class Playback(Struct, frozen=True):
    """Recordings to be played as if they happened now, `speed` times as fast as they did."""

    files: Sequence[CandleFile]
    speed: float = 1.0

    @property
    def timeframe(self) -> str:
        """How long the longest candle lasts when it is played, or a little longer, so that it can be written."""
        return timeframe_for(round(max(file.timeframe_ns for file in self.files) / self.speed))


def simulated_world(
    symbols: Sequence[str], timeframe_ns: int, *, seed: int, history: int, spread_bps: Decimal, clock: Clock
) -> MarketFeed:
    """The seeded market, as the clock goes."""
    market = SimulatedMarket(seed, spread_bps=float(spread_bps))
    known = [candle for s in symbols for candle in market.history(s, timeframe_ns, history, clock.wall_ns())]
    news = as_time_passes(market, symbols, timeframe_ns, clock=clock)
    return MarketFeed("simulated market", frozenset(symbols), known, news)


def recorded_world(candles: Sequence[Candle], *, spread_bps: Decimal, clock: Clock) -> MarketFeed:
    """Recorded candles, each at the moment it closed; the clock must begin before the first of them."""
    symbols = frozenset(candle.symbol for candle in candles)
    return MarketFeed("recorded candles", symbols, (), as_recorded(candles, clock=clock, spread_bps=spread_bps))


def played_world(playback: Playback, *, history: int, spread_bps: Decimal, clock: Clock) -> MarketFeed:
    """Recorded candles as if they happened from now on, at the speed asked for.

    The first `history` moments are past, but half of all at most, with the prices of the last of them; the others come.
    At sixty times the speed of reality a candle of five minutes is one of five seconds.
    """
    candles = merge_candles(playback.files)
    moments = sorted({candle.closed_at_ns for candle in candles})
    known = min(history, len(moments) // 2)
    from_ns = moments[known - 1] if known else min(candle.opened_at_ns for candle in candles)
    now_at_ns = clock.wall_ns()

    def played(candle: Candle) -> Candle:
        opened_at_ns = now_at_ns + round((candle.opened_at_ns - from_ns) / playback.speed)
        closed_at_ns = now_at_ns + round((candle.closed_at_ns - from_ns) / playback.speed)
        return replace(candle, opened_at_ns=opened_at_ns, timeframe_ns=closed_at_ns - opened_at_ns)

    past = [played(candle) for candle in candles if candle.closed_at_ns <= from_ns]
    coming = [played(candle) for candle in candles if candle.closed_at_ns > from_ns]
    prices = {c.symbol: quote_at_close(c, c.closed_at_ns, spread_bps=spread_bps) for c in past}
    news = as_recorded(coming, clock=clock, spread_bps=spread_bps)
    symbols = frozenset(candle.symbol for candle in candles)
    speed = "" if playback.speed == 1 else f", {playback.speed:g} times as fast"
    return MarketFeed(
        f"recorded candles, played now{speed}", symbols, past, news.pipe(ops.start_with(*prices.values()))
    )
