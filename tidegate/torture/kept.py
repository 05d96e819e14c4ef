"""What a pipeline's own state says, as plain values that can be held against other sums."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from streams.state import State

__all__ = ["Kept", "kept_by"]


class Kept(Struct, frozen=True):
    """The ledger and the book of a state.

    Totals, locked amounts, what was put in, fees, and those of them that are in no cost, are by account and currency;
    holdings are by account and symbol: amount, cost, profit taken. Zeros are left out. `positions` counts what makes a
    symbol an open position.
    """

    received: int
    redelivered: int
    outcomes: Mapping[str, int]
    totals: Mapping[tuple[str, str], Decimal]
    locked: Mapping[tuple[str, str], Decimal]
    put_in: Mapping[tuple[str, str], Decimal]
    fees: Mapping[tuple[str, str], Decimal]
    unvalued: Mapping[tuple[str, str], Decimal]
    held: Mapping[tuple[str, str], Decimal]
    cost: Mapping[tuple[str, str], Decimal]
    realized: Mapping[tuple[str, str], Decimal]
    positions: Mapping[str, int]
    statuses: frozenset[int]


def kept_by(state: State) -> Kept:
    """What a state says."""
    accounts = state.book.accounts.items()
    balances = {(name, currency): b for name, account in accounts for currency, b in account.balances.items()}
    holdings = {(name, symbol): h for name, account in accounts for symbol, h in account.holdings.items()}
    return Kept(
        received=state.ledger.received,
        redelivered=state.ledger.redelivered,
        outcomes={outcome.value: times for outcome, times in state.ledger.outcomes.items() if times},
        totals={of: balance.total for of, balance in balances.items() if balance.total},
        locked={of: balance.locked for of, balance in balances.items() if balance.locked},
        put_in={(name, of): amount for name, account in accounts for of, amount in account.put_in.items() if amount},
        fees={(name, of): amount for name, account in accounts for of, amount in account.fees.items() if amount},
        unvalued={
            (name, of): amount for name, account in accounts for of, amount in account.unvalued_fees.items() if amount
        },
        held={of: holding.amount for of, holding in holdings.items() if holding.amount},
        cost={of: holding.cost for of, holding in holdings.items() if holding.cost},
        realized={of: holding.realized for of, holding in holdings.items() if holding.realized},
        positions=dict(state.book.open_positions),
        statuses=frozenset(state.statuses),
    )
