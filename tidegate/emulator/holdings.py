"""What an account owns: free, and locked in its open orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

__all__ = ["Holdings"]


class Holdings:
    """Amounts by currency. Nothing is checked here: the ledger does not lock what is not free."""

    __slots__ = ("free", "locked")

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.free = defaultdict(Decimal, balances)
        self.locked: defaultdict[str, Decimal] = defaultdict(Decimal)

    @property
    def currencies(self) -> list[str]:
        """Every currency that was ever held, sorted."""
        return sorted(self.free.keys() | self.locked.keys())

    def lock(self, currency: str, amount: Decimal) -> None:
        """Set aside for an order."""
        self.free[currency] -= amount
        self.locked[currency] += amount

    def unlock(self, currency: str, amount: Decimal) -> None:
        """Give back what an order no longer needs."""
        self.lock(currency, -amount)

    def exchange(self, paid: str, cost: Decimal, got: str, amount: Decimal) -> None:
        """Pay out of what is locked, and receive."""
        self.locked[paid] -= cost
        self.free[got] += amount
