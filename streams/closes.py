"""What closes at one moment of a recording: candles, and quotes that are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from tidegate.domain.market import Candle, Quote

__all__ = ["Closes"]


class Closes(Sequence[Candle | Quote]):
    """The candles that closed at one moment, each followed by a quote of that moment, `at_ns`: a chunk of news.

    Whoever knows it reads `candles`, and asks for the `quote` of those it needs: `make(candle, at_ns)` makes it, once.
    Everybody else sees a sequence. Memory: the candles, and the quotes that were asked for.
    """

    __slots__ = ("_made", "_make", "at_ns", "candles")

    def __init__(self, candles: Sequence[Candle], at_ns: int, make: Callable[[Candle, int], Quote]) -> None:
        self.candles, self.at_ns = candles, at_ns
        self._make = make
        self._made: dict[int, Quote] = {}

    def quote(self, candle: Candle) -> Quote:
        """The quote that follows one of its candles."""
        made = self._made.get(id(candle))
        if made is None:
            made = self._made[id(candle)] = self._make(candle, self.at_ns)
        return made

    def __len__(self) -> int:
        return 2 * len(self.candles)

    def __iter__(self) -> Iterator[Candle | Quote]:
        for candle in self.candles:
            yield candle
            yield self.quote(candle)

    @overload
    def __getitem__(self, index: int) -> Candle | Quote: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Candle | Quote]: ...
    def __getitem__(self, index: int | slice) -> Candle | Quote | Sequence[Candle | Quote]:
        return tuple(self)[index]
