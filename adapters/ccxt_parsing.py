"""From ccxt's structures to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.market import MarketRules
from domain.order import Fill

__all__ = ["decimal_of", "fills_of", "rules_of"]

_DECIMAL_PLACES, _SIGNIFICANT_DIGITS, _TICK_SIZE = 2, 3, 4


def decimal_of(number: object) -> Decimal:
    """A number of ccxt's, which may be a float, a string or None, as a decimal; None is 0."""
    return Decimal(0) if number is None else Decimal(str(number))


def fills_of(trades: Sequence[Mapping[str, Any]]) -> tuple[Fill, ...]:
    """The trades of an order, oldest first. A trade without an id cannot be booked once, and is left out."""
    fills = []
    for trade in sorted(trades, key=lambda trade: trade.get("timestamp") or 0):
        if trade.get("id") is None or trade.get("amount") is None or trade.get("price") is None:
            continue
        fee = trade.get("fee") or {}
        fills.append(
            Fill(
                trade_id=str(trade["id"]),
                amount=decimal_of(trade["amount"]),
                price=decimal_of(trade["price"]),
                fee=decimal_of(fee.get("cost")),
                fee_currency=str(fee.get("currency") or trade["symbol"].partition("/")[2]),
            )
        )
    return tuple(fills)


def rules_of(market: Mapping[str, Any], precision_mode: int) -> MarketRules:
    """What an order must fit, from a market of ccxt's. What a venue does not say does not bind."""
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    return MarketRules(
        market["symbol"],
        tick=_step(precision.get("price"), precision_mode),
        lot=_step(precision.get("amount"), precision_mode),
        min_notional=decimal_of((limits.get("cost") or {}).get("min")),
        maker_fee=decimal_of(market.get("maker")),
        taker_fee=decimal_of(market.get("taker")),
        min_amount=decimal_of((limits.get("amount") or {}).get("min")),
    )


def _step(precision: object, mode: int) -> Decimal:
    if precision is None:
        return Decimal("1E-8")
    if mode == _TICK_SIZE:
        return decimal_of(precision).normalize()
    if mode == _DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(decimal_of(precision)))
    return Decimal("1E-8")  # significant digits: ccxt rounds to them itself
