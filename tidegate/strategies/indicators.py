"""Indicators that take one value at a time: an update costs the same, however long the history.

The definitions are TA-Lib's, seeded by the simple average (its `ta_EMA.c`, `ta_RSI.c`, `ta_ATR.c`, `ta_MAX.c` and
`ta_MIN.c`). Each has an `update`, which takes the next value, or the next candle, and gives the indicator: None until
it is warm. Every constructor raises ValueError unless the period is a whole number of at least 1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Atr", "Ema", "Highest", "Lowest", "Rsi", "require_periods"]

Update: TypeAlias = Callable[[float], float | None]


def require_periods(**periods: int) -> None:
    """See that each of the named periods is a whole number of at least 1.

    Raises:
        ValueError: one is not; the message names it.
    """
    for name, period in periods.items():
        if type(period) is not int or period < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, was {period!r}")


def _smoothed(period: int, weight: float) -> Update:
    """The simple average of the first `period` values; from then on `average += weight * (value - average)`."""
    missing, average = period, 0.0

    def update(value: float) -> float | None:  # a closure, for speed: it is called for every candle
        nonlocal missing, average
        if not missing:
            average += weight * (value - average)
            return average
        average += value
        missing -= 1
        if missing:
            return None
        average /= period
        return average

    return update


class Ema:
    """Exponential moving average: `ema += 2 / (period + 1) * (value - ema)`.

    Warm after `period` values. Memory: two numbers.
    """

    __slots__ = ("update",)

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self.update = _smoothed(period, 2 / (period + 1))


class Rsi:
    """Wilder's relative strength index, 0 to 100: `100 * gain / (gain + loss)`.

    `gain` and `loss` are the averages of the rises and of the falls, smoothed by `1 / period`. Where nothing has moved
    the index is 50, neither high nor low; TA-Lib says 0 there. Warm after `period + 1` values. Memory: a few numbers.
    """

    __slots__ = ("update",)

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self.update = _relative_strength(_smoothed(period, 1 / period), _smoothed(period, 1 / period))


def _relative_strength(gains: Update, losses: Update) -> Update:
    previous: float | None = None

    def update(value: float) -> float | None:
        nonlocal previous
        before, previous = previous, value
        if before is None:
            return None
        change = value - before
        gain = gains(change if change > 0 else 0.0)
        loss = losses(-change if change < 0 else 0.0)
        if gain is None or loss is None:
            return None
        moved = gain + loss
        return 100 * gain / moved if moved else 50.0

    return update


class Atr:
    """Wilder's average true range, smoothed by `1 / period`.

    The true range reaches from the lower of low and previous close to the higher of high and previous close; the first
    candle has none. `update` takes high, low and close. Warm after `period + 1` candles. Memory: three numbers.
    """

    __slots__ = ("update",)

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self.update = _true_range(_smoothed(period, 1 / period))


def _true_range(average: Update) -> Callable[[float, float, float], float | None]:
    previous: float | None = None

    def update(high: float, low: float, close: float) -> float | None:
        nonlocal previous
        before, previous = previous, close
        if before is None:
            return None
        if before > high:
            high = before
        elif before < low:
            low = before
        return average(high - low)

    return update


class Highest:
    """The highest of the last `period` values.

    Warm after `period` values. Memory: at most `period` values, those that no later one exceeds.
    """

    __slots__ = ("update",)

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self.update = _furthest(period, 1)


class Lowest:
    """The lowest of the last `period` values. Warm and bounded as `Highest`."""

    __slots__ = ("update",)

    def __init__(self, period: int) -> None:
        require_periods(period=period)
        self.update = _furthest(period, -1)


def _furthest(period: int, direction: int) -> Update:
    count = 0
    candidates: deque[tuple[int, float]] = deque()

    def update(value: float) -> float | None:
        nonlocal count
        value *= direction
        while candidates and candidates[-1][1] <= value:
            candidates.pop()
        candidates.append((count, value))
        count += 1
        if candidates[0][0] < count - period:
            candidates.popleft()
        return candidates[0][1] * direction if count >= period else None

    return update
