"""What a check is given: a situation, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import pytest

from streams.availability import Availability
from streams.checks.situation import Known, Situation
from streams.market import Markets
from streams.pending import PendingSignal
from streams.state import State
from streams.traders import Trader
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.account import Account
from tidegate.domain.book import Book
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.signal import Signal

NOW_NS = 1_735_689_600_000_000_000
"""Wednesday, 1 January 2025, 00:00 UTC."""


def rules_of(symbol: str) -> MarketRules:
    return MarketRules(symbol, tick=Decimal("0.01"), lot=Decimal("0.01"), min_notional=Decimal(5))


@pytest.fixture(scope="session")
def situation() -> Callable[..., Situation]:
    """One account named `paper`, at prices of 99 and 101 that are `age_s` old."""

    def make(
        signal: Signal,
        *,
        quote: Quote | None = None,
        rules: MarketRules | None = None,
        account: Account | None = None,
        book: Book | None = None,
        candles=(),
        kept_candles: int = 0,
        age_s: float = 0,
        at_ns: int = NOW_NS,
        mid: Decimal | None = None,
        first=None,
    ) -> Situation:
        clock = Clock.simulated(VirtualLoop(), at_ns)
        markets = Markets(frozenset({signal.symbol}), clock=clock, candles=kept_candles)
        for candle in candles:
            markets.follow(candle)
        markets.follow(quote or Quote(signal.symbol, at_ns, Decimal(99), Decimal(101), Decimal(1)))
        state = State()
        state.book = book or Book({"paper": account or Account()})
        trader = Trader(SimpleNamespace(trader="paper", rules=rules_of))
        entry = PendingSignal(1, signal, at_ns, at_ns + 1, at_ns + 1, 0.9, mid=mid, first=first)
        known = Known(state, markets, [trader], Availability({"paper": "x"}))
        made = Situation(known, entry, at_ns + int(age_s * 1e9), at_ns, [trader], trader)
        made.look_at(trader)
        made.rules, made.account = rules or rules_of(signal.symbol), state.book.account("paper")
        return made

    return make
