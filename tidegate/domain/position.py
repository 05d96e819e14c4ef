"""What our own trades hold of a symbol on one account, and what it has earned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidegate.domain.account import Holding
from tidegate.domain.book import Book
from tidegate.domain.market import Mark

__all__ = ["Position", "positions_of"]


class Position(Struct, frozen=True):
    """`cost` and `realized` are in the quote currency and include fees; a closed position has the amount 0.

    `mark` is the price it is valued at, where one is known. `dust` says that it is too small to be sold.
    """

    trader: str
    symbol: str
    amount: Decimal
    cost: Decimal
    realized: Decimal
    mark: Mark | None
    dust: bool

    @property
    def entry(self) -> Decimal | None:
        """What one unit cost on average, fees included; None where nothing is held."""
        return self.cost / self.amount if self.amount else None

    @property
    def unrealized(self) -> Decimal | None:
        """What selling all of it at the mark would gain, before the fee of selling; None where no price is known."""
        if not self.amount:
            return -self.cost  # nothing, unless the fee took all that was bought
        return self.amount * self.mark.price - self.cost if self.mark is not None else None


def positions_of(
    book: Book, marks: Mapping[str, Mark], is_dust: Callable[[str, str, Holding], bool]
) -> Sequence[Position]:
    """Everything that was ever held, by symbol and account; `is_dust` judges a trader's holding of a symbol."""
    held = [
        Position(
            trader,
            symbol,
            holding.amount,
            holding.cost,
            holding.realized,
            marks.get(symbol),
            bool(holding.amount) and is_dust(trader, symbol, holding),
        )
        for trader, account in book.accounts.items()
        for symbol, holding in account.holdings.items()
    ]
    return sorted(held, key=lambda position: (position.symbol, position.trader))
