"""The journal against the venues: adopts what is ours, books each trade once, and reports everything else."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from operators.group_commit import GroupCommit
from streams.balance_comparison import BalanceComparison
from streams.order_comparison import OrderComparison
from streams.orders import OrderUpdates
from streams.pending import PendingQueue
from streams.resolution import Resolution
from streams.state import State
from streams.unexpected_orders import UnexpectedOrders
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.difference import Difference
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.ports import Item, Journal, Venue

__all__ = ["Comparison", "Reconciliation"]

_A_DAY_NS = 86_400_000_000_000
_OVERLAP_NS = 3_600_000_000_000
_BALANCES = "balances"


class Comparison(Struct, frozen=True):
    """What differs on an account, and what could not be read of it.

    `in_motion` says that something was in motion, or was booked only now: another comparison soon shows more.
    """

    differences: Sequence[Difference]
    missing: Sequence[str]
    in_motion: bool


class Reconciliation:
    """Compares what a venue says with what the journal says of its account, and lets the journal follow the venue.

    Orders come first, then balances; a part that cannot be read keeps no other from being compared. An account is
    complete once every part of it was compared since the start, in any round.
    Memory: for each account one moment and the parts that were not compared yet, and what a venue lists at a time.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        pending: PendingQueue,
        updates: OrderUpdates,
        resolution: Resolution,
        *,
        clock: Clock,
        commits: GroupCommit,
        tag: str,
    ) -> None:
        self._state, self._clock, self._commits = state, clock, commits
        self._unexpected = UnexpectedOrders(state, journal, pending, clock=clock, commits=commits, tag=tag)
        self._orders = OrderComparison(state, journal, updates, resolution, self._unexpected, clock=clock, tag=tag)
        self._balances = BalanceComparison(state, updates, clock=clock, commits=commits)
        self._since_ns: dict[str, int] = {}
        self._to_compare: dict[str, set[str]] = {}

    async def compare(self, venue: Venue, *, apply: bool = True) -> Comparison:
        """What differs on one account; with `apply` the journal follows the venue wherever it can."""
        begun_ns = self._clock.now_ns()
        back_ns = min(begun_ns - self._since_ns.get(venue.trader, begun_ns - _A_DAY_NS), _A_DAY_NS)
        since_ns = self._clock.wall_ns() - back_ns
        orders = first = await self._orders.compare(venue, since_ns, apply=apply)
        parts, differences, in_motion = list(orders.missing), orders.differences, orders.more
        unanswered = orders.unanswered
        if apply and not parts:
            self._since_ns[venue.trader] = begun_ns - _OVERLAP_NS
        try:
            read = await self._balances.read(venue)
        except VenueUnavailable as error:
            parts.append(f"{_BALANCES}: {str(error).removeprefix(f'{_BALANCES}: ')}")
        else:
            if read.is_open_to_doubt:
                orders = await self._orders.compare(venue, since_ns, apply=apply)
                orders.moving |= first.moving
                kept = [found for found in differences if found.applied or orders.missing]
                differences = [*kept, *(found for found in orders.differences if found not in kept)]
            off, doubtful = self._balances.follow(venue, read, orders, apply=apply)
            differences = [*differences, *off]
            in_motion = in_motion or doubtful
        in_motion = in_motion or any(found.applied for found in differences)
        if apply:
            self._note_compared(venue.trader, parts)
        return Comparison(differences, [*parts, *unanswered], in_motion)

    def is_complete(self, trader: str) -> bool:
        """Whether every part of an account was compared since the start: before that, nothing of it can be spent."""
        return self._to_compare.get(trader) == set()

    def adopt(self, order_id: str) -> bool:
        """Book an unexpected order, on a person's word, as a signal of its own. False: none goes by this id."""
        return self._unexpected.adopt(order_id)

    def ignore(self, order_id: str) -> None:
        """Leave an order out of account, on a person's word, for good."""
        self._commits.submit(Item(self._clock.wall_ns(), (e.Ignored(order_id=order_id),)), must=True)

    def _note_compared(self, trader: str, missing: Sequence[str]) -> None:
        parts = {part.partition(": ")[0] for part in missing}  # what was not read, without the reason
        known = self._to_compare.get(trader)
        self._to_compare[trader] = parts if known is None else known & parts
