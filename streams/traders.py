"""Which account takes an order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from operators.screen import Stage, screen
from streams.availability import FOR_EVER, Availability
from streams.blocked import WaitCondition
from streams.market import Markets
from tidegate.domain.account import Account, Holding
from tidegate.domain.book import Book
from tidegate.domain.market import Quote, base_of, quote_of
from tidegate.domain.ports import Venue
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = [
    "Tradable",
    "Trader",
    "able",
    "another_is_able",
    "eligible",
    "holders",
    "is_dust",
    "refuse_untradable",
    "tradable",
]

_NAMED_MAX = 20


class Trader(Struct, frozen=True):
    """An account that may take orders: of `symbols` only, where that is set. The higher `priority` is asked first.

    Its orders are made by the prices of the venue named `priced_on`; without one, by those of the market followed. `id`
    is the account's id in the settings, and follows from the venue.
    """

    venue: Venue
    priority: int = 0
    symbols: frozenset[str] | None = None
    priced_on: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "id", self.venue.trader)


def able(symbol: str, named: str | None, traders: Sequence[Trader]) -> Sequence[Trader] | Refusal:
    """The accounts that may trade a symbol at all: the one that the signal names, else all that trade it."""
    of_name = traders if named is None else [trader for trader in traders if trader.id == named]
    if not of_name:
        return Refusal(Reason.UNKNOWN_TRADER, measured=named, limit=", ".join(trader.id for trader in traders))
    of_symbol = [trader for trader in of_name if trader.symbols is None or symbol in trader.symbols]
    if not of_symbol:
        return Refusal(Reason.UNKNOWN_SYMBOL, measured=symbol, limit=", ".join(t.id for t in of_name))
    return of_symbol


Tradable: TypeAlias = Callable[[str, str | None], Sequence[Trader] | Refusal]
"""The accounts that may trade a symbol, for a signal that names one of them or none; a refusal where none may."""


def tradable(followed: Collection[str], traders: Sequence[Trader]) -> Tradable:
    """Tells which accounts may trade a symbol, which must be one of those `followed`. Memory: 4,096 answers."""

    @lru_cache(maxsize=4096)
    def of(symbol: str, named: str | None) -> Sequence[Trader] | Refusal:
        if symbol not in followed:
            names = sorted(followed)
            more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
            limit = ", ".join(names[:_NAMED_MAX]) + more
            return Refusal(Reason.UNKNOWN_SYMBOL, measured=symbol, limit=limit)
        return able(symbol, named, traders)

    return of


def refuse_untradable(followed: Collection[str], traders: Sequence[Trader]) -> Stage:
    """Refuse signals of a symbol that is not `followed` or that no account trades, and those for an account that does
    not exist.

        -a--z--b-|          z is not followed
        -a--Z--b-|

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    of = tradable(followed, traders)

    def check(signal: Signal, _at_ns: int) -> Refusal | None:
        found = of(signal.symbol, signal.trader)
        return found if type(found) is Refusal else None

    return screen(check)


def is_dust(traders: Sequence[Trader], markets: Markets) -> Callable[[str, str, Holding], bool]:
    """Tells of a trader's holding of a symbol whether it is too small to be sold at the newest bid of its venue."""
    by_id = {trader.id: trader for trader in traders}

    def judge(trader_id: str, symbol: str, holding: Holding) -> bool:
        trader = by_id.get(trader_id)
        rules = None if trader is None else trader.venue.rules(symbol)
        quote = markets.on(None if trader is None else trader.priced_on).quotes.get(symbol)
        return holding.is_dust(rules, None if quote is None else quote.bid)

    return judge


def holders(
    able: Sequence[Trader], symbol: str, quote_for: Callable[[Trader], Quote | None], book: Book
) -> Sequence[Trader]:
    """Those of the accounts whose trades hold enough of a symbol to sell it; where none does, all of them."""

    def holds(trader: Trader) -> bool:
        rules, quote = trader.venue.rules(symbol), quote_for(trader)
        return (
            rules is not None
            and quote is not None
            and book.account(trader.id).closable(symbol) >= rules.least(quote.bid)
        )

    return [trader for trader in able if holds(trader)] or able


def _held(account: Account, symbol: str) -> tuple[Decimal, Decimal]:
    """What our trades hold comes before what the account has otherwise."""
    return account.closable(symbol), account.free(base_of(symbol))


def another_is_able(signal: Signal, traders: Sequence[Trader], rejected_by: Collection[str]) -> bool:
    """Whether an order that accounts rejected for good may go to another one: buying only, since selling is closing."""
    if signal.side is Side.SELL:
        return False
    others = able(signal.symbol, signal.trader, traders)
    return not isinstance(others, Refusal) and any(trader.id not in rejected_by for trader in others)


def eligible(
    able: Sequence[Trader],
    signal: Signal,
    at_ns: int,
    *,
    availability: Availability,
    book: Book,
    without: Collection[str],
) -> Sequence[Trader] | WaitCondition:
    """Those of the accounts that are `able` which may be given the order now, the first choice first.

    Buying goes by priority, then by the most free money. Selling is closing: it goes to the account that holds most of
    those that are available, and to no other. `without` are accounts that rejected the order for good, which is proved
    not placed: nothing else leads to another account. Where none is available, the answer says why each is not, and
    when the first may be again; it holds for every signal that the same accounts may take, of the same symbol where
    that is a part of it.
    """
    if len(able) == 1 and not without and availability.check_trader(able[0].id, at_ns, signal.symbol) is None:
        return able
    kept: dict[str, str] = {}
    of_symbol = signal.side is Side.SELL
    until_ns = FOR_EVER
    ready: list[Trader] = []
    for trader in able:
        if trader.id in without:
            continue
        suspension = availability.check_trader(trader.id, at_ns, signal.symbol)
        if suspension is None:
            ready.append(trader)
        else:
            until_ns = min(until_ns, suspension.until_ns)
            of_symbol |= suspension.why.reason is Reason.MARKET_CLOSED
            kept[trader.id] = f"{trader.id}: {suspension.why.reason}: {suspension.why.measured}"
    if not ready:
        why = Refusal(Reason.NO_TRADER, measured="; ".join(kept.values()) or "every account rejected it")
        return WaitCondition(why, until_ns, frozenset(kept), signal.symbol if of_symbol else "")
    if signal.side is Side.SELL:
        return [max(ready, key=lambda trader: _held(book.account(trader.id), signal.symbol))]
    if len(ready) > 1:
        quote = quote_of(signal.symbol)
        ready.sort(key=lambda trader: (-trader.priority, -book.account(trader.id).free(quote), trader.id))
    return ready
