"""The exchange itself, behind the network: it forgets no order, shows some late, and has habits a script makes bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from domain.market import MarketRules
from domain.order import Acknowledged, Answer, NotPlaced, OrderRequest, OrderStatus, OrderUpdate
from domain.ports import Venue
from domain.reasons import Reason
from simulation.faulty.ledger import Taken
from simulation.faulty.mishap import Kind
from simulation.faulty.strikes import Strikes
from simulation.faulty.world import World

__all__ = ["Bourse", "Exchange"]

_NEW_LOT = 10
_FILTER = "Filter failure: LOT_SIZE"


class Exchange(Venue, Protocol):
    """A venue that answers at once and truly, and can end an order by itself."""

    def create(self, request: OrderRequest) -> Answer:
        """Take an order, or reject it."""
        ...

    def cancel(self, client_order_id: str) -> None:
        """End an open order; its listeners are told."""
        ...


class Bourse:
    """Takes orders with `inner`, which trades them, and keeps what became of each, as the ledger has it.

    A request that comes after the fence is refused. Orders may show late, and end by themselves; the lots may grow,
    which shows after an order that did not fit was rejected. `told` hears what becomes of orders.
    Memory: every order, for ever.
    """

    def __init__(self, inner: Exchange, world: World, strikes: Strikes, told: Callable[[OrderUpdate], None]) -> None:
        self._inner, self._world, self._strikes, self._tell = inner, world, strikes, told
        self._taken: dict[str, Taken] = {}
        self._lots: dict[str, Decimal] = {}
        self._shown_lots: dict[str, Decimal] = {}
        inner.listen(self._told)

    def change_rules(self) -> None:
        """Let amounts be whole multiples of ten times the lot from now on."""
        for symbol in {planned.symbol for planned in self._world.script.signals}:
            if rules := self._inner.rules(symbol):
                self._lots[symbol] = rules.lot * _NEW_LOT

    def rules(self, symbol: str) -> MarketRules | None:
        """The rules as they were read last."""
        rules = self._inner.rules(symbol)
        if rules is None or symbol not in self._shown_lots:
            return rules
        return replace(rules, lot=self._shown_lots[symbol])

    def arrive(self, request: OrderRequest, sent_ns: int) -> Answer:
        """Take or reject an order that left at `sent_ns`."""
        world, fence_s = self._world, self._world.script.lag.fence_s
        if fence_s is not None and world.now_ns() - sent_ns > fence_s * 1e9:
            return NotPlaced(reason=Reason.CLOCK_SKEW, detail="outside of the receive window", final=False)
        lot = self._lots.get(request.symbol)
        if lot is not None and request.amount % lot:
            self._shown_lots[request.symbol] = lot
            return NotPlaced(reason=Reason.REJECTED, detail=_FILTER, final=True)
        answer = self._inner.create(request)
        if isinstance(answer, Acknowledged):
            self._enter(request, answer)
        return answer

    def find(self, client_order_id: str) -> Taken | None:
        """The order that was taken last under an id, if it shows by now."""
        taken = self._taken.get(client_order_id)
        return taken if taken is not None and self._shows(taken) else None

    def since(self, since_ns: int) -> Iterator[Taken]:
        """The orders that show by now, and are open or changed since then."""
        recent = (t for t in self._taken.values() if t.status is OrderStatus.OPEN or t.changed_ns >= since_ns)
        return (taken for taken in recent if self._shows(taken))

    async def balances(self) -> Mapping[str, Decimal]:
        """What there is of each currency."""
        return await self._inner.balances()

    def _enter(self, request: OrderRequest, answer: Acknowledged) -> None:
        world, order_id, now_ns = self._world, request.client_order_id, self._world.now_ns()
        hidden = self._strikes.next(Kind.HIDDEN)
        shown_ns = now_ns + int(hidden.seconds * 1e9 if hidden is not None else 0)
        fills = list(answer.fills)
        taken = Taken(request, answer.venue_order_id, now_ns, shown_ns, answer.status, fills, now_ns)
        self._taken[order_id] = taken
        world.ledger.taken.append(taken)
        canceled = self._strikes.next(Kind.CANCELED)
        if canceled is not None:
            world.after(canceled.seconds, lambda: self._inner.cancel(order_id))

    def _told(self, update: OrderUpdate) -> None:
        taken = self._taken[update.client_order_id]
        taken.status, taken.changed_ns = update.status, self._world.now_ns()
        taken.fills += update.fills
        self._tell(update)

    def _shows(self, taken: Taken) -> bool:
        return taken.shown_ns <= self._world.now_ns()
