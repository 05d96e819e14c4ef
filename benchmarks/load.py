"""Signals to measure with, and the moments at which they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.pacer import beat

__all__ = ["FOUR", "Arrivals", "Bursts", "Offer", "Schedule", "signal_lines", "symbols_named"]


FOUR = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")


def symbols_named(count: int) -> tuple[str, ...]:
    """So many symbols, with made-up names."""
    return tuple(f"S{number:04}/USDT" for number in range(count))


def signal_lines(count: int, symbols: Sequence[str] = FOUR, *, first: int = 0) -> list[bytes]:
    """Signals as a sender writes them, by turns over the symbols, each symbol bought and sold by turns."""
    at_ms = time.time_ns() // 1_000_000
    among = len(symbols)
    return [
        b'{"symbol":"%b","side":"%b","strength":0.9,"confidence":0.8,"timestamp":%d,"key":"k%d","source":"benchmark"}'
        % (symbols[number % among].encode(), b"sell" if number // among % 2 else b"buy", at_ms, number)
        for number in range(first, first + count)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Signals that arrive `per_s` a second, evenly, for `for_s` seconds, independent of those before them."""

    per_s: float
    for_s: float

    @property
    def count(self) -> int:
        """How many arrive in all."""
        return int(self.per_s * self.for_s)

    @property
    def step_ns(self) -> int:
        """How long it takes from one arrival to the next."""
        return int(1e9 / self.per_s)

    def at_ns(self, number: int) -> int:
        """When the signal `number` arrives, from the beginning on."""
        return int(number * 1e9 / self.per_s)

    def arrived(self, since_ns: int) -> int:
        """How many have arrived that long after the beginning."""
        return min(self.count, int(since_ns * self.per_s / 1e9) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Signals that arrive `size` at once, so many `times`, the next ones `every_s`."""

    size: int
    times: int
    every_s: float

    @property
    def count(self) -> int:
        """How many arrive in all."""
        return self.size * self.times

    @property
    def for_s(self) -> float:
        """How long it takes until all have arrived, and the last silence is over."""
        return self.times * self.every_s

    @property
    def step_ns(self) -> int:
        """How long it takes from one arrival to the next."""
        return int(self.every_s * 1e9)

    def at_ns(self, number: int) -> int:
        """When the signal `number` arrives, from the beginning on."""
        return number // self.size * self.step_ns

    def arrived(self, since_ns: int) -> int:
        """How many have arrived that long after the beginning."""
        return min(self.count, (since_ns // self.step_ns + 1) * self.size)


Offer: TypeAlias = Schedule | Bursts


class Arrivals:
    """Hands signals over on the loop at the moments of a schedule, as ranges of their numbers.

    If the loop is late, everything that has arrived meanwhile is handed over together, and the moments that count are
    still those of the schedule. `since_ns` is the time from the first one on.
    """

    def __init__(self, schedule: Offer, hand_over: Callable[[range], None]) -> None:
        self._schedule, self._hand_over = schedule, hand_over
        self._given = 0
        self.all_given = asyncio.get_running_loop().create_future()
        self._end = beat(schedule.step_ns, self._turn)
        self._began_ns = time.perf_counter_ns()
        self._turn()

    @property
    def since_ns(self) -> int:
        """How long ago the first signal arrived."""
        return time.perf_counter_ns() - self._began_ns

    def _turn(self) -> None:
        arrived = self._schedule.arrived(self.since_ns)
        if self._given < arrived:
            given, self._given = self._given, arrived
            self._hand_over(range(given, arrived))
        if self._given == self._schedule.count and not self.all_given.done():
            self.all_given.set_result(None)
            self._end()
