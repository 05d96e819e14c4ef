"""From a waiting signal to an order, a refusal, or an obstacle: pure functions of what is known now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from operators.screen import refuse_failed_check
from streams.availability import Availability
from streams.blocked import WaitCondition
from streams.execution import Candidate
from streams.market import Markets
from streams.pending import PendingSignal
from streams.readiness import obstacle
from streams.state import State
from streams.traders import Trader, eligible, holders, is_dust, tradable
from tidegate.domain.events import Intent
from tidegate.domain.identity import client_order_id
from tidegate.domain.limits import Limits, refuse_beyond
from tidegate.domain.market import Quote
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.domain.terms import Pricing, Sizing, Terms, price_and_size
from tidegate.domain.verdict import Refusal

__all__ = ["Decision", "OrderRules", "Refuse", "Send", "Wait", "decide"]


class Send(Struct, frozen=True, gc=False):
    """An order is to be sent."""

    entry: PendingSignal
    request: Intent


class Refuse(Struct, frozen=True, gc=False):
    """Our own limits or balance forbid it, for good."""

    entry: PendingSignal
    refusal: Refusal


class Wait(Struct, frozen=True, gc=False):
    """Something stands in the way that may go away: of this signal, or, by `blocker`, of all that need its accounts."""

    entry: PendingSignal
    obstacle: Refusal
    blocker: WaitCondition | None = None


Decision: TypeAlias = Send | Refuse | Wait


class OrderRules(Struct, frozen=True):
    """By what an order is judged and made. `tag` begins every client order id."""

    limits: Limits
    sizing: Sizing
    pricing: Pricing
    max_data_age_ns: int
    tag: str


def decide(
    candidate: Candidate,
    rules: OrderRules,
    *,
    state: State,
    markets: Markets,
    traders: Sequence[Trader],
    availability: Availability,
) -> Decision:
    """What becomes of a signal whose turn it is. Looks at the book with all reservations made so far.

    Of several accounts the first that can take the order does, at the prices of its own venue; where all that could are
    against it, the last one's refusal stands. A signal waits while an account that could take it has no prices. A sale
    that was attempted before stays with its account, and asks for no more than it did then.

    Never raises: a signal on which anything here does is refused.
    """
    try:
        return _decide(candidate, rules, state, markets, traders, availability)
    except Exception as error:
        return Refuse(candidate.entry, refuse_failed_check("decide", error))


def _decide(
    candidate: Candidate,
    rules: OrderRules,
    state: State,
    markets: Markets,
    traders: Sequence[Trader],
    availability: Availability,
) -> Decision:
    entry, now_ns = candidate.entry, candidate.now_ns
    signal = entry.signal
    able = tradable(signal, markets.symbols, traders)
    if isinstance(able, Refusal):
        return Refuse(entry, able)

    def in_the_way_of(trader: Trader) -> Refusal | None:
        age_ns = markets.on(trader.priced_on).age_ns(signal.symbol, now_ns)
        return obstacle(signal, halted=state.halted, data_age_ns=age_ns, max_data_age_ns=rules.max_data_age_ns)

    in_the_way = [in_the_way_of(trader) for trader in able]
    if in_the_way[0] is not None and None not in in_the_way:
        return Wait(entry, in_the_way[0])

    def quote_for(trader: Trader) -> Quote | None:
        return markets.on(trader.priced_on).quotes.get(signal.symbol)

    selling, first = signal.side is Side.SELL, entry.first
    if selling and first is not None:
        able = [trader for trader in able if trader.id == first.trader]
        if not able:
            return Wait(entry, Refusal(Reason.NO_TRADER, measured=f"{first.trader} is not among the traders"))
    if selling and len(able) > 1:
        able = holders(able, signal.symbol, quote_for, state.book)
    ready = eligible(able, signal, now_ns, availability=availability, book=state.book, without=entry.rejected_by)
    if isinstance(ready, WaitCondition):
        return Wait(entry, ready.why, ready)
    decision: Decision = Wait(entry, Refusal(Reason.NO_MARKET_DATA, measured=signal.symbol))
    waits: Wait | None = None
    for trader in ready:
        quote = quote_for(trader)
        market = trader.venue.rules(signal.symbol)
        if (why := in_the_way_of(trader)) is not None:
            waits = Wait(entry, why)
        if why is not None or quote is None or market is None:
            continue
        terms = price_and_size(
            signal,
            quote,
            market,
            state.book.account(trader.id),
            rules.sizing,
            rules.pricing,
            at_most=first.amount if selling and first is not None else None,
        )
        if isinstance(terms, Refusal):
            decision = Refuse(entry, terms)
            continue
        if terms.own_coins and state.halted is not None:
            return Wait(entry, Refusal(Reason.HALTED, measured=state.halted.why))
        refusal = refuse_beyond(rules.limits, signal, terms, state.book, is_dust(traders, markets))
        if refusal is None:
            return Send(entry, _request(entry, trader, terms, rules.tag))
        decision = Refuse(entry, refusal)
    return waits or decision


def _request(entry: PendingSignal, trader: Trader, terms: Terms, tag: str) -> Intent:
    signal, generation = entry.signal, entry.attempts + 1
    return Intent(
        client_order_id=client_order_id(tag, trader.id, signal.id, generation),
        trader=trader.id,
        symbol=signal.symbol,
        side=signal.side,
        order_type=terms.order_type,
        amount=terms.amount,
        price=terms.price,
        generation=generation,
        reserved=terms.reserved,
        least=terms.least,
        cut_from=terms.cut_from,
        own_coins=terms.own_coins,
    )
