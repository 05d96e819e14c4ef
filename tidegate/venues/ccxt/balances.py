"""What an account owns, by what the venue says of every currency: one that is left out would read as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tidegate.venues.ccxt.forms import Content, MalformedAnswer
from tidegate.venues.ccxt.parsing import decimal_of
from tidegate.venues.ccxt.reads import Reads

__all__ = ["read_balances"]


async def read_balances(reads: Reads, exchange: Any) -> Mapping[str, Decimal]:
    """The total of each currency, what orders hold included.

    Raises:
        VenueUnavailable: the venue did not tell, or did not tell the total of a currency that it names.
    """

    async def ask() -> Mapping[str, Decimal]:
        return _totals(await exchange.fetch_balance())

    totals: Mapping[str, Decimal] = await reads.read("balances", Content.BALANCES, ask)
    return totals


def _totals(told: Any) -> Mapping[str, Decimal]:
    totals = told.get("total") if isinstance(told, dict) else None
    if not isinstance(totals, dict):
        raise MalformedAnswer("the answer has no totals")
    read = {currency: None if total is None else decimal_of(total) for currency, total in totals.items()}
    untold = [currency for currency, total in read.items() if total is None or not total.is_finite()]
    if untold:
        raise MalformedAnswer(f"the answer does not tell how much there is of {', '.join(untold)}")
    return {currency: total for currency, total in read.items() if total is not None}
