"""Indicators that take one value at a time: an update costs the same, however long the history.

The definitions are TA-Lib's, seeded by the simple average (its `ta_EMA.c`, `ta_RSI.c`, `ta_ATR.c`, `ta_MAX.c` and
`ta_MIN.c`). Every `update` returns None until the indicator is warm, and every constructor raises ValueError unless the
period is a whole number of at least 1.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Atr", "Ema", "Highest", "Lowest", "Rsi", "require_periods"]


def require_periods(**periods: int) -> None:
    """See that each of the named periods is a whole number of at least 1.

    Raises:
        ValueError: one is not; the message names it.
    """
    for name, period in periods.items():
        if type(period) is not int or period < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, was {period!r}")


class _Smoothed:
    """The simple average of the first `period` values; from then on `average += weight * (value - average)`."""

    __slots__ = ("_average", "_missing", "_period", "_weight")

    def __init__(self, period: int, weight: float) -> None:
        self._period, self._missing, self._weight, self._average = period, period, weight, 0.0

    def update(self, value: float) -> float | None:
        """Take the next value, give the average."""
        if self._missing:
            self._average += value
            self._missing -= 1
            if self._missing:
                return None
            self._average /= self._period
        else:
            self._average += self._weight * (value - self._average)
        return self._average


class Ema(_Smoothed):
    """Exponential moving average: `ema += 2 / (period + 1) * (value - ema)`.

    Warm after `period` values. Memory: two numbers.
    """

    __slots__ = ()

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        super().__init__(period, 2 / (period + 1))


class Rsi:
    """Wilder's relative strength index, 0 to 100: `100 * gain / (gain + loss)`.

    `gain` and `loss` are the averages of the rises and of the falls, smoothed by `1 / period`. Where nothing has moved
    the index is 50, neither high nor low; TA-Lib says 0 there. Warm after `period + 1` values. Memory: a few numbers.
    """

    __slots__ = ("_gain", "_loss", "_previous")

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self._gain, self._loss = _Smoothed(period, 1 / period), _Smoothed(period, 1 / period)
        self._previous: float | None = None

    def update(self, value: float) -> float | None:
        """Take the next value, give the index."""
        previous, self._previous = self._previous, value
        if previous is None:
            return None
        change = value - previous
        gain = self._gain.update(change if change > 0 else 0.0)
        loss = self._loss.update(-change if change < 0 else 0.0)
        if gain is None or loss is None:
            return None
        moved = gain + loss
        return 100 * gain / moved if moved else 50.0


class Atr:
    """Wilder's average true range, smoothed by `1 / period`.

    The true range reaches from the lower of low and previous close to the higher of high and previous close; the first
    candle has none. Warm after `period + 1` candles. Memory: three numbers.
    """

    __slots__ = ("_average", "_close")

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self._average = _Smoothed(period, 1 / period)
        self._close: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next candle, give the average range."""
        before, self._close = self._close, close
        if before is None:
            return None
        return self._average.update(max(high, before) - min(low, before))


class Highest:
    """The highest of the last `period` values.

    Warm after `period` values. Memory: at most `period` values, those that no later one exceeds.
    """

    __slots__ = ("_candidates", "_count", "_period")

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self._period, self._count = period, 0
        self._candidates: deque[tuple[int, float]] = deque()

    def update(self, value: float) -> float | None:
        """Take the next value, give the highest."""
        candidates, count = self._candidates, self._count
        while candidates and candidates[-1][1] <= value:
            candidates.pop()
        candidates.append((count, value))
        if candidates[0][0] <= count - self._period:
            candidates.popleft()
        self._count = count = count + 1
        return candidates[0][1] if count >= self._period else None


class Lowest:
    """The lowest of the last `period` values. Warm and bounded as `Highest`."""

    __slots__ = ("_highest",)

    def __init__(self, period: int) -> None:
        self._highest = Highest(period)

    def update(self, value: float) -> float | None:
        """Take the next value, give the lowest."""
        highest = self._highest.update(-value)
        return None if highest is None else -highest
