"""What is known when the turn of a waiting signal comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import UNSET, Struct

from streams.availability import Availability
from streams.market import Markets
from streams.pending import PendingSignal
from streams.state import State
from streams.traders import Trader
from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.signal import Side, Signal
from tidegate.domain.terms import Terms

__all__ = ["Known", "Situation"]


_NO_TERMS = cast(Terms, UNSET)


class Known(Struct, frozen=True):
    """What the pipeline knows: its state and book, the markets, all traders, and which of them take orders."""

    state: State
    markets: Markets
    traders: Sequence[Trader]
    availability: Availability


class Situation(Struct, gc=False, eq=False):
    """What is known of one waiting signal's execution, at the steady time `now_ns` and the wall time `at_ns`.

    `accounts` are those that may take the order: all that trade the symbol, and once `account_available` was asked,
    those that take orders now, the first choice first. `trader` is the one looked at, `quote` the newest of its venue,
    None where there is none, and `data_age_ns` how old that is. After `account_available`, `rules` are those of the
    symbol at its venue, and `account` is what it holds, with all reservations made so far; after `order_terms`, `terms`
    are what the order would say, and `own_coins` whether it sells beyond what our trades hold. A check that reads one
    of them sooner fails.

    It is reused from account to account: a check keeps nothing of it.
    """

    known: Known
    entry: PendingSignal
    now_ns: int
    at_ns: int
    accounts: Sequence[Trader]
    trader: Trader
    quote: Quote | None = None
    data_age_ns: int | None = None
    own_coins: bool = False
    rules: MarketRules = cast(MarketRules, UNSET)
    account: Account = cast(Account, UNSET)
    terms: Terms = _NO_TERMS

    def look_at(self, trader: Trader) -> None:
        """Look at an account, and at the prices of its venue."""
        self.trader = trader
        markets, symbol = self.known.markets.on(trader.priced_on), self.entry.signal.symbol
        self.quote, self.data_age_ns = markets.quotes.get(symbol), markets.age_ns(symbol, self.now_ns)
        self.own_coins, self.terms = False, _NO_TERMS

    def closes(self, signal: Signal) -> bool:
        """Whether the signal sells what our own trades hold, as far as is known: limits do not bind closings."""
        return signal.side is Side.SELL and not self.own_coins
