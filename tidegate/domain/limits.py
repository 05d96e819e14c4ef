"""Our own limits, over all accounts. A sale that closes what our trades opened is never held back by them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tidegate.domain.account import Holding
from tidegate.domain.book import Book
from tidegate.domain.market import quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.terms import PerQuote, Terms
from tidegate.domain.verdict import Refusal

__all__ = ["Limits", "refuse_beyond"]


class Limits(Struct, frozen=True):
    """At most `max_open_positions` symbols at once, dust left out; at most `max_order_notional` an order."""

    max_open_positions: int
    max_order_notional: PerQuote


def refuse_beyond(
    limits: Limits, signal: Signal, terms: Terms, book: Book, is_dust: Callable[[str, str, Holding], bool]
) -> Refusal | None:
    """Refuse an order that breaks a limit: measured is what it would come to, limit what is allowed.

    `is_dust` tells whether a trader's holding of a symbol is too small to be sold; it is asked only near the limit.
    """
    selling = signal.side is Side.SELL
    if selling and not terms.own_coins:
        return None
    allowed = limits.max_order_notional.of(quote_of(signal.symbol))
    if terms.notional > allowed:
        return Refusal(Reason.NOTIONAL_LIMIT, measured=str(terms.notional), limit=str(allowed))
    if selling or len(book.open_positions) < limits.max_open_positions:
        return None
    open_symbols = book.without_dust(is_dust)
    positions = len(open_symbols) + 1
    if signal.symbol not in open_symbols and positions > limits.max_open_positions:
        return Refusal(Reason.POSITION_LIMIT, measured=positions, limit=limits.max_open_positions)
    return None
