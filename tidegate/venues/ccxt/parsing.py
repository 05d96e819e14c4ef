"""From ccxt's structures to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.domain.market import MarketRules, quote_of
from tidegate.domain.order import Fill
from tidegate.venues.ccxt.forms import MalformedAnswer

__all__ = ["check_order", "decimal_of", "fills_of", "rules_of"]

_DECIMAL_PLACES, _SIGNIFICANT_DIGITS, _TICK_SIZE = 2, 3, 4


def decimal_of(number: object) -> Decimal:
    """A number of ccxt's, which may be a float, a string or None, as a decimal; None is 0."""
    return Decimal(0) if number is None else Decimal(str(number))


def check_order(order: Mapping[str, Any], symbol: str) -> None:
    """See to it that an order of `symbol` tells all that is concluded from it.

    Raises:
        MalformedAnswer: it lacks its id, side, amount or status, or is of another symbol.
    """
    lacking = [field for field in ("id", "side", "status") if not order.get(field)]
    lacking += [field for field in ("amount",) if _amount(order.get(field)) is None]
    if lacking:
        raise MalformedAnswer(f"the answer has an order {order.get('id')} without {', '.join(lacking)}")
    if order.get("symbol") != symbol:
        raise MalformedAnswer(f"the answer has an order of {order.get('symbol')} among those of {symbol}")


def fills_of(
    order_id: str, trades: Sequence[Mapping[str, Any]], fee_currency_field: str | None, *, of_order: bool = False
) -> tuple[Fill, ...]:
    """The trades of an order, oldest first; where all are `of_order`, those that do not say whose they are as well.

    The currency of a fee is that in `fee_currency_field` of the venue's own words, where they have it.

    Raises:
        MalformedAnswer: a trade lacks its id, amount or price, or does not say of which order it is.
    """
    fills = []
    for trade in sorted(trades, key=lambda trade: trade.get("timestamp") or 0) if len(trades) > 1 else trades:
        belongs_to = trade.get("order") or (order_id if of_order else None)
        amount, price = _amount(trade.get("amount")), _amount(trade.get("price"))
        if amount is None or price is None or not trade.get("id") or belongs_to is None:
            said = {"amount": amount is not None, "price": price is not None, "id": trade.get("id")}
            lacking = [field for field, is_there in said.items() if not is_there]
            raise MalformedAnswer(f"the answer has a trade without {', '.join(lacking) or 'its order'}")
        if str(belongs_to) == order_id:
            fills.append(_fill(trade, amount, price, fee_currency_field))
    return tuple(fills)


def _amount(number: object) -> Decimal | None:
    """A number that may be an amount or a price; None of anything else."""
    amount = None if number is None else Decimal(str(number))
    return amount if amount is not None and amount.is_finite() and amount >= 0 else None


def _fill(trade: Mapping[str, Any], amount: Decimal, price: Decimal, fee_currency_field: str | None) -> Fill:
    fee: Mapping[str, Any] = trade.get("fee") or next(iter(trade.get("fees") or ()), {})
    said = (trade.get("info") or {}).get(fee_currency_field) if fee_currency_field else None
    return Fill(
        trade_id=str(trade["id"]),
        amount=amount,
        price=price,
        fee=decimal_of(fee.get("cost")),
        fee_currency=str(said or fee.get("currency") or quote_of(trade["symbol"])),
    )


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
