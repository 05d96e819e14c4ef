"""What the last closed candles of a symbol add up to: how much the price moves, and how much is traded."""

from __future__ import annotations

from collections import deque
from math import inf, log, sqrt

from tidegate.domain.market import Candle

__all__ = ["CandleStatistics"]

_UNIT = 1e12


class CandleStatistics:
    """A fold over the closed candles of one symbol, of which it keeps the last `count` returns.

    The return of a candle is ln(close / close before it), as a fraction; one that follows a gap counts as one return.
    Returns are kept in whole millionths of a millionth, so that their sums are exact after any number of candles.
    A candle that is not newer than the last one, or has no positive close, changes nothing.
    Cost: constant for each candle. Memory: `count` numbers.
    """

    __slots__ = ("_close", "_returns", "_squares", "_sum", "closed_at_ns", "count", "quote_volume", "timeframe_ns")

    def __init__(self, count: int) -> None:
        self.count = count
        self.closed_at_ns = 0
        self.timeframe_ns = 0
        self.quote_volume = 0.0
        self._close = 0.0
        self._returns: deque[int] = deque()
        self._sum = self._squares = 0

    def fold(self, candle: Candle) -> None:
        """Take a closed candle in."""
        if candle.closed_at_ns <= self.closed_at_ns or not 0 < candle.close < inf:
            return
        if self._close:
            self._add(round(log(candle.close / self._close) * _UNIT))
        self.closed_at_ns, self.timeframe_ns, self._close = candle.closed_at_ns, candle.timeframe_ns, candle.close
        self.quote_volume = candle.volume * candle.close

    @property
    def candles(self) -> int:
        """How many closed candles it has, as far as they count for the returns it keeps."""
        return len(self._returns) + 1 if self.closed_at_ns else 0

    @property
    def volatility(self) -> float | None:
        """The sample standard deviation of the last `count` returns, per candle, as a fraction; None before there are
        as many.

        sqrt(sum((r - mean)**2) / (count - 1)): the close-to-close estimate of J. C. Hull, "Options, Futures, and Other
        Derivatives", "Estimating volatility from historical data", not annualised.
        """
        n = len(self._returns)
        if n < self.count:
            return None
        return sqrt((n * self._squares - self._sum * self._sum) / (n * (n - 1))) / _UNIT

    def _add(self, change: int) -> None:
        if len(self._returns) == self.count:
            oldest = self._returns.popleft()
            self._sum -= oldest
            self._squares -= oldest * oldest
        self._returns.append(change)
        self._sum += change
        self._squares += change * change
