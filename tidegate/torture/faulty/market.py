"""A market of few symbols whose prices wander, whose book is thin at times, and whose news stop at others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

from tidegate.domain.market import Quote
from tidegate.torture.faulty.fault import VenueFault, VenueFaultKind
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["QuietMarket"]

_EVERY_S = 9.0  # seldom together with an execution
_STEP = 0.002
_SPREAD = 1.0002
_MUCH = Decimal(1_000_000)
_DIGITS = 4


class QuietMarket:
    """Tells `venues` a quote of each symbol every nine seconds, and the pipeline too, unless there is a gap.

    `prices` are where they begin, by symbol; of a thin book a third of the amount in `small` is on offer. `steady` are
    prices that only the pipeline sees, and that do not move. Memory: one price a symbol.
    """

    def __init__(
        self,
        world: FaultyWorld,
        prices: Mapping[str, Decimal],
        small: Mapping[str, Decimal],
        *,
        steady: Mapping[str, Decimal],
        seed: int,
    ) -> None:
        self._world, self._small, self._steady = world, small, steady
        self._prices = {symbol: float(price) for symbol, price in prices.items()}
        self._random = Random(seed)  # noqa: S311 - moves prices, guards nothing
        self._venues: list[Callable[[Quote], None]] = []
        self._on_quote: Callable[[Quote], None] | None = None
        self._gap_until_ns = self._thin_until_ns = 0

    def open(self, *venues: Callable[[Quote], None]) -> None:
        """Begin, with these venues."""
        self._venues += venues
        self._publish()

    def listen(self, on_quote: Callable[[Quote], None] | None) -> None:
        """Send the newest prices and all later ones to `on_quote`; None stops that."""
        self._on_quote = on_quote
        if on_quote is not None and self._world.now_ns() >= self._gap_until_ns:
            for symbol in self._prices:
                on_quote(self._quote(symbol))
            for symbol, price in self._steady.items():
                on_quote(Quote(symbol, self._world.wall_ns(), bid=price, ask=price, depth=_MUCH))

    def begin(self, venue_fault: VenueFault) -> None:
        """Begin a fault of the market."""
        until_ns = self._world.now_ns() + int(venue_fault.seconds * 1e9)
        if venue_fault.kind is VenueFaultKind.GAP:
            self._gap_until_ns = until_ns
        else:
            self._thin_until_ns = until_ns

    def _publish(self) -> None:
        gap = self._world.now_ns() < self._gap_until_ns
        for symbol in self._prices:
            self._prices[symbol] *= 1 + self._random.uniform(-_STEP, _STEP)
            quote = self._quote(symbol)
            for venue in self._venues:
                venue(quote)
            if self._on_quote is not None and not gap:
                self._on_quote(quote)
        self._world.after(_EVERY_S, self._publish)

    def _quote(self, symbol: str) -> Quote:
        now_ns = self._world.now_ns()
        price = self._prices[symbol]
        bid, ask = (Decimal(str(round(level, _DIGITS))) for level in (price, price * _SPREAD))
        depth = round(self._small[symbol] / 3, _DIGITS) if now_ns < self._thin_until_ns else _MUCH
        return Quote(symbol, self._world.wall_ns(), bid=bid, ask=ask, depth=depth)
