"""The chain of checks between a waiting signal and its order: the one place that lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from streams.checks.account_available import account_available
from streams.checks.balance import balance
from streams.checks.check import ExecutionCheck, ExecutionChecks
from streams.checks.drift import drift
from streams.checks.halted import halted
from streams.checks.hours import within_hours
from streams.checks.market_data import market_data
from streams.checks.minimum import minimum
from streams.checks.order_notional import order_notional
from streams.checks.order_terms import order_terms
from streams.checks.own_coins import own_coins
from streams.checks.position_limit import position_limit
from streams.checks.spread import spread
from streams.checks.volatility import volatility
from streams.checks.volume import volume
from tidegate.domain.hours import read_hours
from tidegate.domain.signal import OrderType
from tidegate.domain.terms import PerQuote, Pricing, Sizing
from tidegate.settings import Settings

__all__ = ["execution_checks"]

_T = TypeVar("_T")


def execution_checks(settings: Settings) -> ExecutionChecks:
    """What a signal must pass to become an order, in this order. What is off is not in the chain."""
    limits, sizing, market = settings.limits, settings.sizing, settings.validation.market
    conditions = (
        *_where(market.hours, lambda hours: within_hours([read_hours(text) for text in hours])),
        *_where(market.max_spread_bps, spread),
        *_where(market.max_volatility, volatility),
        *_where(market.min_volume, lambda least: volume(PerQuote(least, market.min_volume_per_quote))),
        *_where(market.max_drift_bps, drift),
    )
    return (
        halted,
        market_data(settings.max_market_data_age_s),
        *conditions,
        account_available,
        order_terms(
            Sizing(PerQuote(sizing.notional, sizing.per_quote), sizing.sell_holdings),
            Pricing(OrderType(settings.pricing.order_type)),
        ),
        minimum,
        balance,
        own_coins(halted, *conditions),
        order_notional(PerQuote(limits.max_order_notional, limits.per_quote)),
        position_limit(limits.max_open_positions),
    )


def _where(limit: _T | None, check: Callable[[_T], ExecutionCheck]) -> ExecutionChecks:
    return () if limit is None else (check(limit),)
