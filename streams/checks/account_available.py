"""Some account must take orders now; here the chain turns from the market to the order of one account."""

from __future__ import annotations

from collections.abc import Callable

from streams.blocked import WaitCondition
from streams.checks.check import Wait
from streams.checks.situation import Situation
from streams.traders import Trader, eligible, holders
from tidegate.domain.market import Quote
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal

__all__ = ["account_available"]


def account_available(signal: Signal, situation: Situation) -> Wait | None:
    """Choose the accounts that may be given the order now, the first choice first; wait while there is none.

    Bans, breakers, pacing, closed markets and accounts that rejected the order are left out: see `eligible`. A sale
    goes to an account that holds enough, and one that was attempted before stays with its account.
    """
    able, entry, book = situation.accounts, situation.entry, situation.known.state.book
    if signal.side is Side.SELL:
        first = entry.first
        if first is not None:
            able = [trader for trader in able if trader.id == first.trader]
            if not able:
                return Wait(Reason.NO_TRADER, measured=f"{first.trader} is not among the traders")
        if len(able) > 1:
            able = holders(able, signal.symbol, _quotes_of(signal, situation), book)
    ready = eligible(
        able,
        signal,
        situation.now_ns,
        availability=situation.known.availability,
        book=book,
        without=entry.rejected_by,
    )
    if isinstance(ready, WaitCondition):
        return Wait(ready.why.reason, ready.why.measured, ready.why.limit, condition=ready)
    situation.accounts = ready
    return None


def _quotes_of(signal: Signal, situation: Situation) -> Callable[[Trader], Quote | None]:
    markets = situation.known.markets
    return lambda trader: markets.on(trader.priced_on).quotes.get(signal.symbol)
