"""Candles of an exchange without a recorded past: a small wave around its price, the same whenever asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tidegate.emulator.listing import ListedSymbol

__all__ = ["Bar", "bars"]

Bar = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]
"""When it opened, in milliseconds; open, high, low, close, volume."""

_WAVE = 40


def bars(listing: ListedSymbol, step_ms: int, *, now_ms: int, since_ms: int | None, limit: int) -> Iterator[Bar]:
    """Up to `limit` candles, oldest first, from `since_ms` on or else the newest; the last may still be open."""
    last = now_ms // step_ms
    first = last - limit + 1 if since_ms is None else -(-since_ms // step_ms)
    for place in range(first, min(first + limit, last + 1)):
        opened, closed = _price(listing, place - 1), _price(listing, place)
        reach = listing.tick * (1 + place % 3)
        volume = Decimal(10 + place % 7)
        yield place * step_ms, opened, max(opened, closed) + reach, min(opened, closed) - reach, closed, volume


def _price(listing: ListedSymbol, place: int) -> Decimal:
    return listing.bid + listing.tick * (abs(place % _WAVE - _WAVE // 2) - _WAVE // 4)
