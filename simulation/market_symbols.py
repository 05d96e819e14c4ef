"""What the simulated market trades: four symbols with sensible prices, and any other one with a price of its own."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from simulation.market_noise import key_of, uniform

__all__ = ["SimulatedSymbol", "simulated_symbol"]


class SimulatedSymbol(Struct, frozen=True, kw_only=True):
    """How a symbol behaves: where its price wanders about, how widely, and how much of it is traded.

    `volatility_per_day` is the standard deviation of the price's logarithm over a day, `volume_per_day` is in the base
    currency.

    Raises:
        ValueError: a number is not above 0.
    """

    symbol: str
    start_price: Decimal
    volume_per_day: Decimal
    volatility_per_day: float = 0.1

    def __post_init__(self) -> None:
        if self.start_price <= 0:
            raise ValueError(f"start_price of {self.symbol} must be above 0, was {self.start_price}")
        if self.volume_per_day <= 0:
            raise ValueError(f"volume_per_day of {self.symbol} must be above 0, was {self.volume_per_day}")
        if self.volatility_per_day <= 0:
            raise ValueError(f"volatility_per_day of {self.symbol} must be above 0, was {self.volatility_per_day}")

    @property
    def tick(self) -> Decimal:
        """What prices are whole multiples of: the fifth significant digit of `start_price`, as on the paper venue."""
        return Decimal(1).scaleb(self.start_price.adjusted() - 4)


def _liquid(symbol: str, start_price: str, volume_per_day: int, volatility_per_day: float) -> SimulatedSymbol:
    return SimulatedSymbol(
        symbol=symbol,
        start_price=Decimal(start_price),
        volume_per_day=Decimal(volume_per_day),
        volatility_per_day=volatility_per_day,
    )


_LISTED = {
    listed.symbol: listed
    for listed in (
        _liquid("BTC/USDT", "65000", 20_000, 0.06),
        _liquid("ETH/USDT", "3200", 300_000, 0.08),
        _liquid("SOL/USDT", "150", 4_000_000, 0.12),
        _liquid("XRP/USDT", "0.6", 600_000_000, 0.1),
    )
}


def simulated_symbol(symbol: str) -> SimulatedSymbol:
    """How a symbol behaves by its name alone.

    One that is not among the four has a price between 0.1 and 1,000 that depends on nothing but its name, and a daily
    volume worth a hundred million of its quote currency.
    """
    if symbol in _LISTED:
        return _LISTED[symbol]
    price = Decimal(f"{10 ** (4 * uniform(key_of(symbol), 0) - 1):.3e}")
    return SimulatedSymbol(symbol=symbol, start_price=price, volume_per_day=round(100_000_000 / price, 0))
