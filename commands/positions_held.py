"""What our trades hold, and what it is worth now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from domain.book import Book
from domain.market import Quote
from streams.market import Markets

__all__ = ["Position", "positions_held"]


class Position(Struct, frozen=True):
    """What one account holds of a symbol, what it cost in the quote currency, and the best prices now, if known."""

    trader: str
    symbol: str
    amount: Decimal
    cost: Decimal
    quote: Quote | None

    @property
    def entry(self) -> Decimal:
        """What one unit cost on average, fees included."""
        return self.cost / self.amount

    @property
    def unrealised(self) -> Decimal | None:
        """What selling all of it at the bid would gain, in the quote currency, before fees."""
        return self.amount * self.quote.bid - self.cost if self.quote is not None else None


def positions_held(book: Book, markets: Markets) -> Sequence[Position]:
    """The open positions of all accounts, by symbol."""
    held = [
        Position(trader, symbol, holding.amount, holding.cost, markets.quotes.get(symbol))
        for trader, account in book.accounts.items()
        for symbol, holding in account.holdings.items()
        if holding.amount
    ]
    return sorted(held, key=lambda position: (position.symbol, position.trader))
