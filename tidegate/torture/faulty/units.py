"""Money as whole numbers of 10^-18: sums and products that are exact, and share nothing with the pipeline's."""

from __future__ import annotations

from decimal import Context, Decimal

__all__ = ["amount_of", "part_of", "product_of", "units_of"]

_DIGITS = 18
_ONE = 1_000_000_000_000_000_000
_EXACT = Context(prec=80)


def units_of(amount: Decimal) -> int:
    """How many units an amount is.

    Raises:
        ValueError: it has more than 18 digits behind the point.
    """
    above, below = amount.as_integer_ratio()
    units, rest = divmod(above * _ONE, below)
    if rest:
        raise ValueError(f"{amount} is no whole number of 10^-{_DIGITS}")
    return units


def amount_of(units: int) -> Decimal:
    """The amount that so many units are."""
    return _EXACT.normalize(_EXACT.scaleb(Decimal(units), -_DIGITS))


def product_of(amount: int, price: int) -> int:
    """What an amount costs at a price.

    Raises:
        ValueError: that is no whole number of units.
    """
    cost, rest = divmod(amount * price, _ONE)
    if rest:
        raise ValueError(f"{amount_of(amount)} at {amount_of(price)} costs no whole number of 10^-{_DIGITS}")
    return cost


def part_of(amount: int, rate: int) -> int:
    """A fraction of an amount, rounded up to a whole unit."""
    return -(-amount * rate // _ONE)
