"""The closed candles of one symbol, each once and in order, from websocket and polling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from tidegate.clock import next_on_grid
from tidegate.domain.market import Candle
from tidegate.domain.timeframe import timeframe_text
from tidegate.market.ccxt.exchange import Row
from tidegate.market.ccxt.feed import VenueFeed

__all__ = ["Candles"]

_PAGE = 100  # every venue gives as many at once
_LATE_NS = 1_000_000_000
_LOOK_AGAIN_NS = 60_000_000_000


class Candles:
    """The candles of a symbol seen so far, and those that must be polled.

    `emit` gets every closed candle that opened at `next_ns` or later: once, as first reported, and
    after all those before it that the venue has. The websocket is a hint: what it did not send `delay_ns` after the
    close is polled, and so is every gap, before any later candle is emitted. Memory: one candle, and a page of 100
    while asking.
    """

    def __init__(
        self,
        feed: VenueFeed,
        symbol: str,
        timeframe_ns: int,
        *,
        next_ns: int,
        delay_ns: int,
        emit: Callable[[Candle], None],
    ) -> None:
        self.next_ns = next_ns
        self._feed, self._clock = feed, feed.clock
        self._symbol, self._timeframe_ns, self._delay_ns = symbol, timeframe_ns, delay_ns
        self._emit = emit
        self._forming: Candle | None = None
        timeframe = timeframe_text(timeframe_ns)
        self._fetch = partial(feed.exchange.fetch_ohlcv, symbol, timeframe)
        self._watch = partial(feed.exchange.watch_ohlcv, symbol, timeframe)
        self._where = f"candles of {symbol}"

    async def listen(self) -> None:
        """Read the websocket until cancelled."""
        await self._feed.listen(f"{self._where} by websocket", self._watch, self._on_rows, self._lose)

    async def follow(self) -> None:
        """Poll, shortly after each close, for what is missing, repeatedly while it is late, until cancelled."""
        late_ns = 0
        while True:
            await self._clock.sleep_until(self._ask_due_ns(late_ns))
            if self._due_at_ns() > self._clock.wall_ns():
                continue
            if not await self.catch_up():
                await self.pause()
                late_ns = 0
            elif self._due_at_ns() <= self._clock.wall_ns():
                late_ns = min(max(2 * late_ns, _LATE_NS), self._timeframe_ns)
            else:
                late_ns = 0

    async def catch_up(self) -> bool:
        """Poll for closed candles that are missing, page by page; False when a page failed."""
        since_ns = self.next_ns
        while since_ns + self._timeframe_ns <= self._venue_ns():
            fetch = partial(self._fetch, since_ns // 1_000_000, _PAGE)
            newest_ns = await self._feed.ask(self._where, fetch, self._take)
            if newest_ns is None:
                return False
            if newest_ns >= since_ns:
                since_ns = newest_ns + self._timeframe_ns
            else:
                since_ns += _PAGE * self._timeframe_ns
                if since_ns + self._timeframe_ns <= self._venue_ns():  # nothing was traded for a whole page
                    self.next_ns = max(self.next_ns, since_ns)
        return True

    async def pause(self) -> None:
        """Come back when it is time to ask again after a failure."""
        await self._feed.pause(self._where)

    def _due_at_ns(self) -> int:
        return self.next_ns + self._timeframe_ns + self._delay_ns + max(0, -self._feed.ahead_ns())

    def _ask_due_ns(self, late_ns: int) -> int:
        """When to ask next (steady): when the next candle is due; where it is overdue in `late_ns`, but no later than
        the one after it is due. At least once a minute: somebody may set the wall clock."""
        due_at_ns, now_at_ns = self._due_at_ns(), self._clock.wall_ns()
        ask_at_ns = min(max(due_at_ns, now_at_ns + late_ns), next_on_grid(due_at_ns, self._timeframe_ns, now_at_ns + 1))
        return self._clock.now_ns() + min(ask_at_ns - now_at_ns, _LOOK_AGAIN_NS)

    def _venue_ns(self) -> int:
        return self._clock.wall_ns() + self._feed.ahead_ns()

    def _take(self, rows: Sequence[Row]) -> int:
        """Tell what is closed and new in an answer. Gives the opening of the newest candle in it, or -1."""
        candles = self._read(rows)
        for candle in candles:
            if candle.closed_at_ns <= self._venue_ns():
                self._publish(candle)
        return candles[-1].opened_at_ns if candles else -1

    def _on_rows(self, rows: Sequence[Row]) -> None:
        """A candle is closed when the next one appears; it is emitted only if there is no gap before it."""
        for candle in self._read(rows):
            formed = self._forming
            if formed is not None and candle.opened_at_ns > formed.opened_at_ns == self.next_ns:
                self._publish(formed)
            self._forming = candle

    def _lose(self) -> None:
        self._forming = None  # its last trades may have been missed

    def _publish(self, candle: Candle) -> None:
        if candle.opened_at_ns >= self.next_ns:
            self.next_ns = candle.closed_at_ns
            self._emit(candle)

    def _read(self, rows: Sequence[Row]) -> Sequence[Candle]:
        candles = (_candle(self._symbol, self._timeframe_ns, row) for row in rows)
        return sorted((candle for candle in candles if candle is not None), key=lambda candle: candle.opened_at_ns)


def _candle(symbol: str, timeframe_ns: int, row: Row) -> Candle | None:
    """A row as a candle; None where one of its numbers is missing, or is none."""
    try:
        opened_at_ms, first, high, low, last, volume = row[:6]
        numbers = float(first), float(high), float(low), float(last), float(volume or 0)
        opened_at_ns = int(opened_at_ms) * 1_000_000
    except (OverflowError, TypeError, ValueError):
        return None
    return Candle(symbol, opened_at_ns, timeframe_ns, *numbers) if all(map(math.isfinite, numbers)) else None
