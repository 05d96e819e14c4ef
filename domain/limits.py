"""Our own limits. They count all accounts, and bind entries: selling, which closes, is never held back by them."""

from __future__ import annotations

from msgspec import Struct

from domain.book import Book
from domain.market import quote_of
from domain.reasons import Reason
from domain.signal import Side, Signal
from domain.terms import PerQuote, Terms
from domain.verdict import Refusal

__all__ = ["Limits", "refuse_beyond"]


class Limits(Struct, frozen=True):
    """At most `max_open_positions` symbols at once, over all accounts; at most `max_order_notional` an order."""

    max_open_positions: int
    max_order_notional: PerQuote


def refuse_beyond(limits: Limits, signal: Signal, terms: Terms, book: Book) -> Refusal | None:
    """Refuse an order that breaks a limit: measured is what it would come to, limit what is allowed."""
    if signal.side is Side.SELL:
        return None
    allowed = limits.max_order_notional.of(quote_of(signal.symbol))
    if terms.notional > allowed:
        return Refusal(Reason.NOTIONAL_LIMIT, measured=str(terms.notional), limit=str(allowed))
    if signal.symbol not in book.exposure:
        positions = len(book.exposure) + 1
        if positions > limits.max_open_positions:
            return Refusal(Reason.POSITION_LIMIT, measured=positions, limit=limits.max_open_positions)
    return None
