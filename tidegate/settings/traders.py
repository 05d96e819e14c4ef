"""The accounts, and the venues they are on."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from tidegate.settings.values import Positive, Section, Symbol, TraderId

__all__ = [
    "FeeSettings",
    "MarketRuleSettings",
    "TraderSettings",
]


class FeeSettings(Section):
    """Fees as fractions of an order's cost."""

    maker: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.001")
    """Fee of an order that waited in the book."""
    taker: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.001")
    """Fee of an order that was filled at once."""


class MarketRuleSettings(Section):
    """What an order must fit on a market. null: as the venue has it."""

    tick: Positive | None = None
    """Prices are multiples of it."""
    lot: Positive | None = None
    """Amounts are multiples of it."""
    min_notional: Annotated[Decimal, Field(ge=0)] | None = None
    """The least cost of an order, in the quote currency."""


class TraderSettings(Section):
    """One account on one venue."""

    id: TraderId = "paper"
    """The account's name, in records, and in the names of its keys."""
    exchange: str = "paper"
    """`paper`, or the name of an exchange in ccxt, such as `binance`. In paper mode all are built-in paper venues."""
    priority: int = 0
    """Where several can take an order, the highest is asked first."""
    symbols: tuple[Symbol, ...] | None = None
    """What it trades. null: everything."""
    balances: dict[str, Annotated[Decimal, Field(ge=0)]] = {
        "USDT": Decimal(10_000),
        "BTC": Decimal("0.5"),
        "ETH": Decimal(5),
        "SOL": Decimal(20),
    }
    """What a paper account starts with, by currency."""
    fees: FeeSettings = FeeSettings()
    spread_bps: Annotated[Decimal, Field(ge=0, lt=10_000)] = Decimal(2)
    """Distance of a paper venue's best prices, in basis points."""
    participation: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.1")
    """Share of a candle's volume that a paper venue fills per update at most."""
    markets: dict[Symbol, MarketRuleSettings] = {}
    """Other rules than the venue's, by symbol."""
    after_unknown: Literal["settle", "park"] = "settle"
    """An order not found in time: `settle` takes it as proof where the venue allows that, `park` asks a person."""
    ccxt: dict[str, JsonValue] = {}
    """Passed to the exchange's class as it is. No keys: they belong in the environment."""

    @field_validator("exchange")
    @classmethod
    def _a_name_of_ccxt(cls, exchange: str) -> str:
        if not exchange.isalnum() or not exchange.islower():
            raise ValueError("must be paper, or an exchange's name in ccxt, such as binance")
        return exchange
