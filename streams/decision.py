"""From a waiting signal to an order, a refusal, or an obstacle: a chain of checks on what is known now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from operators.screen import refuse_failed_check
from streams.blocked import WaitCondition
from streams.checks.account_available import account_available
from streams.checks.check import ExecutionChecks, Objection, Wait, first_objection
from streams.checks.situation import Known, Situation
from streams.pending import PendingSignal
from streams.traders import Trader, tradable
from tidegate.domain.events import Intent
from tidegate.domain.identity import client_order_id
from tidegate.domain.reasons import Reason
from tidegate.domain.terms import Terms
from tidegate.domain.verdict import Refusal

__all__ = ["Decide", "Decision", "OrderRules", "Postpone", "Refuse", "Send", "decide"]


class Send(Struct, frozen=True, gc=False):
    """An order is to be sent."""

    entry: PendingSignal
    request: Intent


class Refuse(Struct, frozen=True, gc=False):
    """Our own limits or balance forbid it, for good."""

    entry: PendingSignal
    refusal: Refusal


class Postpone(Struct, frozen=True, gc=False):
    """The signal stays in the queue: `obstacle` may pass. `blocker` is set where it holds for all that need the same
    accounts."""

    entry: PendingSignal
    obstacle: Refusal
    blocker: WaitCondition | None = None


Decision: TypeAlias = Send | Refuse | Postpone


class OrderRules(Struct, frozen=True):
    """The chain of checks that a signal must pass to become an order. `tag` begins every client order id;
    `max_data_age_ns` is what counts as fresh market data, for diagnoses.

    The checks before `account_available` are asked about each account that trades the symbol, at the prices of its
    venue; those after it about the order that an available account would get, of which the situation has the rules
    of its market and, after `order_terms`, the terms.

    Raises:
        ValueError: `account_available` is not among the checks.
    """

    checks: ExecutionChecks
    tag: str
    max_data_age_ns: int

    def __post_init__(self) -> None:
        if account_available not in self.checks:
            raise ValueError("the execution checks must include account_available: nothing else chooses the account")


Decide: TypeAlias = Callable[[PendingSignal, int, int], Decision]
"""Decides about a waiting signal whose turn it is, at a steady time and a wall time, both in nanoseconds."""


def decide(rules: OrderRules, known: Known) -> Decide:
    """Decide about each signal whose turn it is. Looks at the book with all reservations made so far.

    Of several accounts the first to which no check objects gets the order. Where each is objected to, the signal waits
    if any of the accounts may become free of it; else the last one's refusal counts. The function returned never
    raises: a signal on which anything here does is refused.
    """
    turn = rules.checks.index(account_available)
    of_market, of_accounts, of_order = rules.checks[:turn], rules.checks[turn : turn + 1], rules.checks[turn + 1 :]
    tradable_by = tradable(known.markets.symbols, known.traders)

    def decided(entry: PendingSignal, now_ns: int, at_ns: int) -> Decision:
        try:
            signal = entry.signal
            able = tradable_by(signal.symbol, signal.trader)
            if isinstance(able, Refusal):
                return Refuse(entry, able)
            situation = Situation(known, entry, now_ns, at_ns, able, able[0])
            objections: dict[str, Objection] = {}
            for trader in able:
                situation.look_at(trader)
                objection = first_objection(of_market, signal, situation)
                if objection is not None:
                    objections[trader.id] = objection
            if len(objections) == len(able):
                return _as_decision(entry, _first_to_wait_for(able, objections))
            objection = first_objection(of_accounts, signal, situation)
            if objection is not None:
                return _as_decision(entry, objection)
            return choose(situation, objections)
        except Exception as error:
            return Refuse(entry, refuse_failed_check("decide", error))

    def choose(situation: Situation, objections: Mapping[str, Objection]) -> Decision:
        entry = situation.entry
        signal = entry.signal
        decision: Decision | None = None
        waits: Postpone | None = None
        for trader in situation.accounts:
            if trader is not situation.trader:
                situation.look_at(trader)
            market = trader.venue.rules(signal.symbol)
            objection = objections.get(trader.id) if objections else None
            if objection is None:
                if situation.quote is None or market is None:
                    continue
                situation.rules, situation.account = market, known.state.book.account(trader.id)
                objection = first_objection(of_order, signal, situation)
                if objection is None:
                    return Send(entry, _request(entry, trader, situation.terms, rules.tag))
            if type(objection) is Wait:
                waits = _postponed(entry, objection)
            else:
                decision = _as_decision(entry, objection)
        return waits or decision or Postpone(entry, Refusal(Reason.NO_MARKET_DATA, measured=signal.symbol))

    return decided


def _first_to_wait_for(able: Sequence[Trader], objections: Mapping[str, Objection]) -> Objection:
    waits = (objections[trader.id] for trader in able if type(objections[trader.id]) is Wait)
    return next(waits, objections[able[-1].id])


def _as_decision(entry: PendingSignal, objection: Objection) -> Decision:
    return Refuse(entry, objection) if isinstance(objection, Refusal) else _postponed(entry, objection)


def _postponed(entry: PendingSignal, wait: Wait) -> Postpone:
    return Postpone(entry, wait.obstacle, wait.condition)


def _request(entry: PendingSignal, trader: Trader, terms: Terms, tag: str) -> Intent:
    signal, attempt = entry.signal, entry.attempts + 1
    return Intent(  # in the order of its fields, since naming them costs more than all else here
        client_order_id(tag, trader.id, signal.id, attempt),
        trader.id,
        signal.symbol,
        signal.side,
        terms.order_type,
        terms.amount,
        terms.price,
        attempt,
        terms.reserved,
        terms.least,
        terms.cut_from,
        terms.own_coins,
    )
