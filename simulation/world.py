"""Worlds a pipeline can look at: what happened before, and the news to come."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from clock import Clock
from domain.market import Candle
from simulation.feed import as_recorded, as_time_passes
from simulation.market import SimulatedMarket
from streams.market import World

__all__ = ["World", "played_world", "recorded_world", "simulated_world"]


def simulated_world(
    symbols: Sequence[str], timeframe_ns: int, *, seed: int, history: int, spread_bps: Decimal, clock: Clock
) -> World:
    """The seeded market, as the clock goes."""
    market = SimulatedMarket(seed, spread_bps=float(spread_bps))
    known = [candle for s in symbols for candle in market.history(s, timeframe_ns, history, clock.wall_ns())]
    news = as_time_passes(market, symbols, timeframe_ns, clock=clock)
    return World("simulated market", frozenset(symbols), known, news)


def recorded_world(candles: Sequence[Candle], *, spread_bps: Decimal, clock: Clock) -> World:
    """Recorded candles, each at the moment it closed; the clock must begin before the first of them."""
    symbols = frozenset(candle.symbol for candle in candles)
    return World("recorded candles", symbols, (), as_recorded(candles, clock=clock, spread_bps=spread_bps))


def played_world(candles: Sequence[Candle], *, history: int, spread_bps: Decimal, clock: Clock) -> World:
    """Recorded candles as if they happened now: the first `history` moments are past, the others come in real time."""
    moments = sorted({candle.closed_at_ns for candle in candles})
    last_known_ns = moments[min(history, len(moments)) - 1] if history else moments[0] - candles[0].timeframe_ns
    timeframe_ns = candles[0].timeframe_ns
    shift_ns = clock.wall_ns() // timeframe_ns * timeframe_ns - last_known_ns
    moved = [replace(candle, opened_at_ns=candle.opened_at_ns + shift_ns) for candle in candles]
    now_at_ns = clock.wall_ns()
    past = [candle for candle in moved if candle.closed_at_ns <= now_at_ns]
    coming = [candle for candle in moved if candle.closed_at_ns > now_at_ns]
    symbols = frozenset(candle.symbol for candle in candles)
    news = as_recorded(coming, clock=clock, spread_bps=spread_bps)
    return World("recorded candles, played now", symbols, past, news)
