"""What becomes of an order that was acknowledged and is not over: asked after for half a minute."""

from __future__ import annotations

from collections.abc import Callable

from adapters.ccxt_finding import OrderFinder
from clock import Clock
from domain.order import Acknowledged, OrderRequest, OrderStatus, OrderUpdate

__all__ = ["OrderFollower"]

_AFTER_S = (1.0, 2.0, 4.0, 8.0, 16.0)


class OrderFollower:
    """Looks an order up again and again, ever more rarely, and notifies those who listen of what it finds.

    Venues list trades late; after half a minute reconciliation goes on. Memory: one task for each order followed.
    """

    def __init__(self, trader: str, finder: OrderFinder, *, clock: Clock) -> None:
        self._trader, self._finder, self._clock = trader, finder, clock
        self._on_update: list[Callable[[OrderUpdate], None]] = []

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Call `on_update` with what is found."""
        self._on_update.append(on_update)

    def follow(self, request: OrderRequest) -> None:
        """Begin to follow an order."""
        self._clock.run(lambda: self._follow(request), name=f"following {request.client_order_id}")

    async def _follow(self, request: OrderRequest) -> None:
        for after_s in _AFTER_S:
            await self._clock.sleep(after_s)
            found = await self._finder.find(request)
            if not isinstance(found, Acknowledged):
                continue
            update = OrderUpdate(
                trader=self._trader,
                client_order_id=request.client_order_id,
                at_ns=self._clock.wall_ns(),
                status=found.status,
                fills=found.fills,
                filled=found.filled,
            )
            for on_update in self._on_update:
                on_update(update)
            if found.status is not OrderStatus.OPEN:
                return
