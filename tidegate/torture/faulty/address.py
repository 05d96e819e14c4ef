"""The address at which all our accounts talk to an exchange: it is counted, limited and banned as one."""

from __future__ import annotations

from collections import deque

from tidegate.domain.order import NotPlaced
from tidegate.domain.reasons import Reason
from tidegate.torture.faulty.ledger import Ban
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["FaultyAddress"]

_WITHIN_NS = 10_000_000_000


class FaultyAddress:
    """Counts the orders of all accounts, and says when one is too many. `banned_until_ns` is a moment, or 0.

    Memory: the orders of ten seconds.
    """

    def __init__(self, world: FaultyWorld) -> None:
        self.banned_until_ns = 0
        self._world, self._orders = world, deque[int]()

    @property
    def banned(self) -> bool:
        """Whether nothing from here is answered now."""
        return self._world.now_ns() < self.banned_until_ns

    def ban(self, seconds: float) -> None:
        """Send everybody away who comes from here, for so long."""
        self.banned_until_ns = self._world.now_ns() + int(seconds * 1e9)

    def note_ban_seen(self) -> None:
        """Note that a process has seen the ban."""
        world = self._world
        world.ledger.bans.append(Ban(world.now_ns(), self.banned_until_ns, world.history))

    def too_many(self) -> NotPlaced | None:
        """Count an order; the answer to one that is too many."""
        limit, now_ns, orders = self._world.script.orders_per_10s, self._world.now_ns(), self._orders
        while orders and orders[0] <= now_ns - _WITHIN_NS:
            orders.popleft()
        if limit and len(orders) >= limit:
            after_s = (orders[0] + _WITHIN_NS - now_ns) / 1e9
            return NotPlaced(
                reason=Reason.REJECTED_FOR_NOW,
                detail="-1015 Too many new orders.",
                final=False,
                retry_after_s=after_s,
                address_wide=True,
            )
        orders.append(now_ns)
        return None
