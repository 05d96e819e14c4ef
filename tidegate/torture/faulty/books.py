"""The exchange's own books of one account: what there is, what orders hold, and every change with its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tidegate.torture.faulty.units import amount_of, units_of

__all__ = ["Books", "Change"]


class Change(Struct, frozen=True):
    """A change of a total; `trade_id` is that of a trade of ours, empty for what others did."""

    currency: str
    units: int
    trade_id: str = ""


class Books:
    """Totals and locked amounts by currency, in whole units. `changes` has the funds and everything since.

    Memory: every change.
    """

    def __init__(self, funds: Mapping[str, Decimal]) -> None:
        self.changes: list[Change] = []
        self._total: Counter[str] = Counter()
        self._locked: Counter[str] = Counter()
        for currency, amount in funds.items():
            self.move(currency, units_of(amount))

    def free(self, currency: str) -> int:
        """What no order holds of a currency."""
        return self._total[currency] - self._locked[currency]

    def move(self, currency: str, units: int, trade_id: str = "") -> None:
        """Put units in, or take them out where they are negative."""
        self._total[currency] += units
        self.changes.append(Change(currency, units, trade_id))

    def lock(self, currency: str, units: int) -> None:
        """Let an order hold units; negative ones are given back."""
        self._locked[currency] += units

    def totals(self) -> dict[str, Decimal]:
        """What there is of each currency in all, what orders hold included."""
        return {currency: amount_of(units) for currency, units in self._total.items()}
