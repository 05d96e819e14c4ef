"""What the simulated market trades: well-known symbols at sensible prices, and any other one at a price of its own."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from tidegate.domain.market import base_of, quote_of
from tidegate.market.noise import key_of, uniform

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

_WORTH_USD = {
    name: Decimal(worth)
    for name, worth in {
        "USDT": "1", "USDC": "1", "USD": "1", "DAI": "1", "FDUSD": "1", "TUSD": "1", "EUR": "1.08", "GBP": "1.27",
        "BTC": "65000", "ETH": "3200", "SOL": "150", "XRP": "0.6", "BNB": "580", "ADA": "0.45", "DOGE": "0.14",
        "TRX": "0.13", "TON": "5.5", "AVAX": "28", "LINK": "14", "DOT": "6", "LTC": "75", "BCH": "380", "UNI": "8",
        "ATOM": "7", "NEAR": "5", "APT": "8", "ARB": "0.8", "OP": "1.8", "FIL": "4.5", "SUI": "1.2", "ETC": "24",
        "XLM": "0.1", "XMR": "160", "AAVE": "110", "INJ": "22", "ICP": "9", "HBAR": "0.08", "ALGO": "0.15",
        "POL": "0.5", "MATIC": "0.5", "SHIB": "0.00002", "PEPE": "0.00001",
    }.items()
}  # fmt: skip
"""What well-known currencies were worth in the summer of 2024, about."""

_CASH = frozenset({"USDT", "USDC", "USD", "DAI", "FDUSD", "TUSD", "EUR", "GBP"})
_CASH_VOLATILITY = 0.003
_VOLUME_USD = Decimal(100_000_000)


def simulated_symbol(symbol: str) -> SimulatedSymbol:
    """How a symbol behaves by its name alone.

    Well-known currencies have the price that they have in USD, against each other too. Any other symbol has a price
    between 0.1 and 1,000 that depends on nothing but its name. But for four, whose volumes are listed, the daily volume
    is worth a hundred million USD, or as much of a quote currency that is not known.
    """
    if symbol in _LISTED:
        return _LISTED[symbol]
    worth, quote_worth = _WORTH_USD.get(base_of(symbol)), _WORTH_USD.get(quote_of(symbol))
    if worth is not None and quote_worth is not None:
        price, volume = Decimal(f"{worth / quote_worth:.3e}"), _VOLUME_USD / worth
    else:
        price = Decimal(f"{10 ** (4 * uniform(key_of(symbol), 0) - 1):.3e}")
        volume = _VOLUME_USD / price
    volatility = _CASH_VOLATILITY if {base_of(symbol), quote_of(symbol)} <= _CASH else 0.1
    return SimulatedSymbol(
        symbol=symbol, start_price=price, volume_per_day=round(volume, 0), volatility_per_day=volatility
    )
