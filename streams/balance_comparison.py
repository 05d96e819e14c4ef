"""The balances of an account: what its venue says there is, against what our own trades make of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from operators.group_commit import GroupCommit
from streams.order_comparison import OrdersCompared
from streams.orders import OrderUpdates
from streams.state import State
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.difference import Difference, DifferenceKind, difference
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import base_of, quote_of
from tidegate.domain.order_summary import plain
from tidegate.domain.ports import Item, Venue

__all__ = ["BalanceComparison", "BalancesRead"]

_ZERO = Decimal(0)


class Resting(Struct, frozen=True):
    """An order in a venue's book, and what was filled of it."""

    order_id: str
    currencies: frozenset[str]
    filled: Decimal


class BalancesRead(Struct, frozen=True):
    """What a venue said of an account's balances.

    `off` is by how much it says more than the book had just then, of the currencies that stood still meanwhile;
    `moving` are those that did not, and differ. `resting` are the orders that were open then.
    """

    off: Mapping[str, Decimal]
    moving: frozenset[str]
    resting: Sequence[Resting]

    @property
    def is_open_to_doubt(self) -> bool:
        """Whether an order that rests may explain a difference, being filled unheard."""
        return any(not order.currencies.isdisjoint(self.off) for order in self.resting)


class BalanceComparison:
    """Compares balances, currency by currency, and lets the book follow the venue.

    A balance says nothing of when it was taken, except between its request and its answer. It is compared with the
    book only where no trade of that currency was booked in that time and no order of it was on its way, unknown, or
    had trades on their way into the journal. What there is less of while any order moves may have paid its fee. Where
    orders of that currency rest in the venue's book, they have to be looked at once more after the answer: one that was
    filled before it, unheard, explains the difference.
    """

    def __init__(self, state: State, updates: OrderUpdates, *, clock: Clock, commits: GroupCommit) -> None:
        self._state, self._updates = state, updates
        self._clock, self._commits = clock, commits

    async def read(self, venue: Venue) -> BalancesRead:
        """Ask for the balances.

        Raises:
            VenueUnavailable: the venue did not answer.
        """
        trader, account = venue.trader, self._state.book.account(venue.trader)
        before = account.moves()
        totals = await venue.balances()
        moving, resting = self._orders(trader)
        off: dict[str, Decimal] = {}
        restless: set[str] = set()
        moves = account.moves()
        for currency in totals.keys() | account.balances.keys():
            more = totals.get(currency, _ZERO) - self._total(trader, currency)
            if not more:
                continue
            if _may_move(currency, more, moving) or moves[currency] != before[currency]:
                restless.add(currency)
            else:
                off[currency] = more
        return BalancesRead(off, frozenset(restless), resting)

    def follow(
        self, venue: Venue, read: BalancesRead, orders: OrdersCompared, *, apply: bool
    ) -> tuple[Sequence[Difference], bool]:
        """What differs, once `orders` were looked at again where the balances are open to doubt; with `apply` the book
        follows. Also returns whether any currency is still undecided."""
        trader = venue.trader
        moving, resting = self._orders(trader)
        moving |= orders.moving
        for order in read.resting:
            if order not in resting or order.order_id not in orders.current:
                moving |= order.currencies
        differences: list[Difference] = []
        counted: dict[str, Decimal] = {}
        for currency, more in sorted(read.off.items()):
            if _may_move(currency, more, moving):
                continue
            here = self._total(trader, currency)
            counted[currency] = there = here + more
            differences.append(
                difference(venue.trader, DifferenceKind.BALANCE, currency, plain(here), plain(there), applied=apply)
            )
        if counted and apply:
            counting = e.BalancesSynced(trader=trader, balances=counted)
            self._commits.submit(Item(self._clock.wall_ns(), (counting,)), must=True)
        return differences, bool(read.moving) or len(counted) < len(read.off)

    def _orders(self, trader: str) -> tuple[set[str], Sequence[Resting]]:
        """The currencies that orders move just now, and the orders that rest."""
        moving: set[str] = set()
        resting: list[Resting] = []
        for order_id, order in self._state.book.account(trader).orders.items():
            number = self._state.signal_of_order(order_id)
            outcome = None if number is None else self._state.outcome(number)  # None: not sent yet
            currencies = frozenset((base_of(order.symbol), quote_of(order.symbol)))
            if outcome is Outcome.PLACED and self._updates.traded(order_id) == order.filled:
                resting.append(Resting(order_id, currencies, order.filled))
            elif outcome in (Outcome.PLACING, Outcome.UNKNOWN, Outcome.PLACED):
                moving |= currencies
        return moving, resting

    def _total(self, trader: str, currency: str) -> Decimal:
        balance = self._state.book.account(trader).balances.get(currency)
        return _ZERO if balance is None else balance.total


def _may_move(currency: str, more: Decimal, moving: Collection[str]) -> bool:
    """Whether an order that moves some currencies may explain that there is `more` of one: fees are taken in any."""
    return currency in moving or (more < 0 and bool(moving))
