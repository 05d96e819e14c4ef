"""The trading rules of a paper market, for symbols of which nothing but a price is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from tidegate.domain.market import MarketRules, quote_of

__all__ = ["paper_rules"]

_MIN_NOTIONAL = {currency: Decimal(5) for currency in ("USDT", "USDC", "USD", "EUR")} | {
    "BTC": Decimal("0.0001"),
    "ETH": Decimal("0.001"),
}
_ORDERS_OF_MIN = 20
_TYPICAL = Decimal(100)
_LOTS_OF_TYPICAL = 100_000
_PRICE_DIGITS = 5


def paper_rules(
    *,
    overrides: Mapping[str, MarketRules],
    maker_fee: Decimal,
    taker_fee: Decimal,
    reference: Callable[[str], Decimal | None],
) -> Callable[[str], MarketRules | None]:
    """The rules of every symbol: its override, else derived once from the first reference price that is known.

    With p that price and o a typical order (20 times the minimum notional, or 100 where there is none):

        tick = 10 ^ floor(log10(p)) / 10000       five significant digits
        lot  = 10 ^ floor(log10(o / 100000 / p))  a lot costs a 100000th to a millionth of a typical order
        min_notional = 5 in USDT, USDC, USD and EUR, 0.0001 in BTC, 0.001 in ETH, else 0

    The function returned gives None while no price is known. Memory: one entry for each symbol it was asked for.
    """
    known = dict(overrides)

    def rules(symbol: str) -> MarketRules | None:
        found = known.get(symbol)
        if found is None:
            price = reference(symbol)
            if price is None or price <= 0:
                return None
            found = known[symbol] = _derive(symbol, price, maker_fee, taker_fee)
        return found

    return rules


def _derive(symbol: str, price: Decimal, maker_fee: Decimal, taker_fee: Decimal) -> MarketRules:
    min_notional = _MIN_NOTIONAL.get(quote_of(symbol), Decimal(0))
    typical = _ORDERS_OF_MIN * min_notional or _TYPICAL
    return MarketRules(
        symbol,
        tick=_power_of_ten(price.adjusted() + 1 - _PRICE_DIGITS),
        lot=_power_of_ten((typical / _LOTS_OF_TYPICAL / price).adjusted()),
        min_notional=min_notional,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
    )


def _power_of_ten(exponent: int) -> Decimal:
    return Decimal(1).scaleb(exponent)
