"""What is known of a market: candles, the best prices, and the rules orders must fit."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from msgspec import Struct

__all__ = ["Candle", "Mark", "MarketRules", "Quote", "base_of", "quote_of"]


class Candle(Struct, frozen=True, gc=False):
    """One closed candle of a symbol. Prices and volume are floats: indicators read them, money does not."""

    symbol: str
    opened_at_ns: int
    timeframe_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def closed_at_ns(self) -> int:
        """When it ended, in nanoseconds UTC."""
        return self.opened_at_ns + self.timeframe_ns


class Quote(Struct, frozen=True, gc=False):
    """The best prices of a symbol at a moment, and the amount on offer at each of them, in the base currency."""

    symbol: str
    at_ns: int
    bid: Decimal
    ask: Decimal
    depth: Decimal

    @property
    def mid(self) -> Decimal:
        """The middle between the two, in the quote currency."""
        return (self.bid + self.ask) / 2


class Mark(Struct, frozen=True, gc=False):
    """The price at which a symbol is valued, and when it was the newest one known, in nanoseconds UTC."""

    price: Decimal
    at_ns: int


class MarketRules(Struct, frozen=True, gc=False):
    """What an order must fit on a venue: price in whole `tick`s, amount in whole `lot`s and at least `min_amount`, cost
    at least `min_notional`.

    Fees are fractions of the cost, charged in the quote currency.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    min_amount: Decimal = Decimal(0)

    def round_price(self, price: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """The nearest price in whole ticks, or the one that `rounding` says."""
        return (price / self.tick).to_integral_value(rounding) * self.tick

    def round_amount(self, amount: Decimal) -> Decimal:
        """The largest amount in whole lots that is not above `amount`."""
        return (amount / self.lot).to_integral_value(ROUND_DOWN) * self.lot

    def fits(self, amount: Decimal, price: Decimal | None) -> bool:
        """Whether an order's amount is in whole lots, and its price, where it has one, in whole ticks."""
        return amount == self.round_amount(amount) and (price is None or price == self.round_price(price))

    def least(self, price: Decimal) -> Decimal:
        """The smallest amount in whole lots that the venue takes at `price`, which is above 0."""
        least = max(self.lot, self.min_amount, self.min_notional / price)
        return (least / self.lot).to_integral_value(ROUND_CEILING) * self.lot


@lru_cache(maxsize=4096)
def base_of(symbol: str) -> str:
    """The currency that is traded: `BTC` of `BTC/USDT`."""
    return symbol.partition("/")[0]


@lru_cache(maxsize=4096)
def quote_of(symbol: str) -> str:
    """The currency that is paid with: `USDT` of `BTC/USDT`, also of `BTC/USDT:USDT`."""
    return symbol.partition("/")[2].partition(":")[0]
