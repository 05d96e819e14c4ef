"""When and how signals become orders, and the limits orders keep to."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tidegate.settings.values import Count, Fraction, Positive, Seconds, Section

__all__ = [
    "ExecutionSettings",
    "LimitSettings",
    "PricingSettings",
    "SizingSettings",
]


class ExecutionSettings(Section):
    """When waiting signals become orders, and how often an order is tried."""

    interval_s: Seconds = 30
    """Seconds from one execution to the next."""
    first_after_s: Annotated[float, Field(ge=0)] = 10
    """Seconds from the start to the first execution."""
    signal_ttl_s: Seconds = 120
    """Seconds a signal may wait, from its receipt, where it does not say so itself."""
    urgent_score: Fraction | None = None
    """Signals that score so high are executed at once, 0 to 1. null: none is."""
    supersede: bool = True
    """A newer generated entry takes the place of a waiting one of the same strategy and symbol."""
    order_creation_retries: Count = 3
    """Attempts to place a signal's order, the first included, over all traders."""
    order_creation_retry_delay_ms: Annotated[int, Field(ge=0)] = 500
    """Milliseconds to the second attempt; doubled for each further one, and jittered."""
    max_retry_delay_ms: Annotated[int, Field(ge=0)] = 30_000
    """Milliseconds between two attempts at most."""
    max_in_flight: Count | None = None
    """Orders being sent at the same time. null: 1024 on paper, 16 live."""
    settle_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which an unanswered order can no longer arrive at a real venue. null: per venue."""
    reconcile_interval_s: Seconds = 60
    """Seconds from one comparison of the journal with real venues to the next."""

    @field_validator("signal_ttl_s")
    @classmethod
    def _time_to_execute(cls, signal_ttl_s: float, info: ValidationInfo) -> float:
        interval_s = info.data.get("interval_s", 0)
        if signal_ttl_s < interval_s:
            raise ValueError(
                f"must be at least execution.interval_s ({interval_s:g}): "
                "signals that expire between two executions could never be executed"
            )
        return signal_ttl_s


class SizingSettings(Section):
    """How much an order buys or sells, where the signal does not say it."""

    method: Literal["fixed_notional"] = "fixed_notional"
    """`fixed_notional`: the same cost for every order."""
    notional: Positive = Decimal(100)
    """Cost of an order, in the quote currency."""
    per_quote: dict[str, Positive] = {"BTC": Decimal("0.005"), "ETH": Decimal("0.05")}
    """Cost of an order by quote currency, where `notional` does not fit."""
    sell_holdings: bool = False
    """Sales may go beyond what our trades hold, to coins that the account has otherwise; then every limit applies."""


class PricingSettings(Section):
    """At what price an order is sent, where the signal does not say it."""

    method: Literal["best_opposite"] = "best_opposite"
    """`best_opposite`: the best ask when buying, the best bid when selling."""
    order_type: Literal["limit", "market"] = "limit"
    """ccxt's words for how an order is priced."""


class LimitSettings(Section):
    """Our own limits, over all accounts."""

    max_open_positions: Count = 10
    """Symbols held or being bought at the same time; what is too small to be sold does not count."""
    max_order_notional: Positive = Decimal(1000)
    """Cost of a single order at most, in the quote currency."""
    per_quote: dict[str, Positive] = {"BTC": Decimal("0.05"), "ETH": Decimal("0.5")}
    """Cost of a single order at most by quote currency, where `max_order_notional` does not fit."""
