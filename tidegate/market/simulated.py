"""A seeded market that never ends: what it shows is a pure function of seed, symbol and time."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import exp, log

from tidegate.domain.market import Candle, Quote
from tidegate.market.noise import Noise, key_of, uniform
from tidegate.market.symbols import SimulatedSymbol, simulated_symbol

__all__ = ["SimulatedMarket"]

_SAMPLES = 8
_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS


class SimulatedMarket:
    """Candles and quotes for any symbol at any moment, the same after every restart and in every order of asking.

    Every symbol's price wanders about its `start_price` without running away. `spread_bps` lies between bid and ask,
    widened to whole ticks. Not for several threads at once.

    Memory: about a kilobyte per symbol asked for.

    Raises:
        ValueError: `spread_bps` is not above 0 and below 10000.
    """

    def __init__(self, seed: int, *, spread_bps: float = 2.0, symbols: Iterable[SimulatedSymbol] = ()) -> None:
        if not 0 < spread_bps < 10_000:
            raise ValueError(f"spread_bps must be above 0 and below 10000, was {spread_bps}")
        self._seed, self._half_spread = seed, spread_bps / 20_000
        self._paths = {given.symbol: _Path(seed, given) for given in symbols}

    def candle(self, symbol: str, opened_at_ns: int, timeframe_ns: int) -> Candle:
        """The candle of a symbol that opens at a moment, at the price at which the one before it closes.

        High and low are those of nine moments spread over it. Volumes of different timeframes do not add up.
        """
        return self._path(symbol).candle(opened_at_ns, timeframe_ns)

    def quote(self, symbol: str, at_ns: int) -> Quote:
        """The best prices of a symbol at a moment, in whole ticks.

        On offer at each is what is traded in a second, give or take half; it changes every second.
        """
        return self._path(symbol).quote(at_ns, self._half_spread)

    def history(self, symbol: str, timeframe_ns: int, count: int, until_ns: int) -> list[Candle]:
        """The last `count` candles of a symbol that are closed at `until_ns`, oldest first.

        They open at whole multiples of the timeframe since 1970.
        """
        last_close_ns = until_ns - until_ns % timeframe_ns
        candle = self._path(symbol).candle
        return [candle(last_close_ns - back * timeframe_ns, timeframe_ns) for back in range(count, 0, -1)]

    def _path(self, symbol: str) -> _Path:
        path = self._paths.get(symbol)
        if path is None:
            path = self._paths[symbol] = _Path(self._seed, simulated_symbol(symbol))
        return path


class _Path:
    """One symbol's way through time."""

    def __init__(self, seed: int, traits: SimulatedSymbol) -> None:
        self._symbol, self._tick = traits.symbol, traits.tick
        self._start, self._decimals = float(traits.start_price), -traits.tick.adjusted()
        self._volume_per_day = float(traits.volume_per_day)
        self._noise = Noise(key_of(seed, traits.symbol, "price"), traits.volatility_per_day)
        self._volume_key = key_of(seed, traits.symbol, "volume")
        self._depth_key = key_of(seed, traits.symbol, "depth")

    def candle(self, opened_at_ns: int, timeframe_ns: int) -> Candle:
        prices = [self._price(opened_at_ns + part * timeframe_ns // _SAMPLES) for part in range(_SAMPLES + 1)]
        opened, high, low, closed = (
            round(price, self._decimals) for price in (prices[0], max(prices), min(prices), prices[-1])
        )
        usual = self._volume_per_day * timeframe_ns / _DAY_NS
        busy = -log(1 - uniform(self._volume_key, opened_at_ns // timeframe_ns))  # exponential, 1 on average
        return Candle(self._symbol, opened_at_ns, timeframe_ns, opened, high, low, closed, round(usual * busy, 8))

    def quote(self, at_ns: int, half_spread: float) -> Quote:
        price = self._price(at_ns)
        share = 0.5 + uniform(self._depth_key, at_ns // _SECOND_NS)
        depth = Decimal(f"{self._volume_per_day / 86_400 * share:.4g}")
        bid = self._in_ticks(price * (1 - half_spread), ROUND_FLOOR)
        return Quote(self._symbol, at_ns, bid, self._in_ticks(price * (1 + half_spread), ROUND_CEILING), depth)

    def _in_ticks(self, price: float, rounding: str) -> Decimal:
        return (Decimal(price) / self._tick).to_integral_value(rounding) * self._tick

    def _price(self, at_ns: int) -> float:
        return self._start * exp(self._noise.at(at_ns))
