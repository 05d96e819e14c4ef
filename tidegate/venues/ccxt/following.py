"""Asking after orders that were acknowledged and are not over: venues tell of trades late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidegate.clock import Clock
from tidegate.domain.order import Acknowledged, LookupResult, OrderRequest, OrderStatus, OrderUpdate
from tidegate.venues.ccxt.address import PRIORITY, Priority

__all__ = ["OrderFollower"]

_ASKED_AFTER_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_TOGETHER_NS = 500_000_000
_NOTHING = Decimal(0)

OpenOrders = Callable[[str], Awaitable[Mapping[str, Decimal]]]
"""What is filled of each order of a symbol that the venue lists as open, by our id."""


class _Followed(Struct):
    request: OrderRequest
    due_ns: int
    tries: int = 0
    filled: Decimal = _NOTHING


class OrderFollower:
    """Asks after orders about 1, 3, 7, 15 and 31 s after they were acknowledged, then leaves them to reconciliation.

    Those that are due within half a second are asked after together, with one listing of what is open of a symbol: only
    those of which it says something new are looked up one by one. Memory: the orders that are followed, and one task.
    """

    def __init__(
        self,
        trader: str,
        *,
        clock: Clock,
        open_orders: OpenOrders,
        find: Callable[[OrderRequest], Awaitable[LookupResult]],
    ) -> None:
        self._trader, self._clock, self._open_orders, self._find = trader, clock, open_orders, find
        self._followed: dict[str, _Followed] = {}
        self._on_update: list[Callable[[OrderUpdate], None]] = []
        self._running = False

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Call `on_update` with what is found."""
        self._on_update.append(on_update)

    def follow(self, request: OrderRequest) -> None:
        """Begin to follow an order."""
        self._followed[request.client_order_id] = _Followed(request, self._due_ns(_ASKED_AFTER_S[0]))
        if not self._running:
            self._running = True
            self._clock.run(self._run, name=f"following orders of {self._trader}")

    def _due_ns(self, after_s: float) -> int:
        return -(-(self._clock.now_ns() + int(after_s * 1e9)) // _TOGETHER_NS) * _TOGETHER_NS

    async def _run(self) -> None:
        PRIORITY.set(Priority.FOLLOW)  # of this task alone
        try:
            while self._followed:
                await self._clock.sleep_until(min(followed.due_ns for followed in self._followed.values()))
                now_ns = self._clock.now_ns()
                due = [followed for followed in self._followed.values() if followed.due_ns <= now_ns]
                for symbol in sorted({followed.request.symbol for followed in due}):
                    await self._ask([followed for followed in due if followed.request.symbol == symbol], symbol)
        finally:
            self._running = False  # also where a listener raised: the next order begins it again

    async def _ask(self, due: Sequence[_Followed], symbol: str) -> None:
        for followed in due:
            self._postpone(followed)
        try:
            listed = await self._open_orders(symbol)
        except Exception:
            return  # they are due again later
        for followed in _with_news(due, listed):
            finding = await self._find(followed.request)
            if isinstance(finding, Acknowledged):
                self._take(followed, finding)

    def _take(self, followed: _Followed, found: Acknowledged) -> None:
        request = followed.request
        followed.filled = sum((fill.amount for fill in found.fills), _NOTHING)
        if found.status is not OrderStatus.OPEN:
            self._followed.pop(request.client_order_id, None)
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

    def _postpone(self, followed: _Followed) -> None:
        followed.tries += 1
        if followed.tries < len(_ASKED_AFTER_S):
            followed.due_ns = self._due_ns(_ASKED_AFTER_S[followed.tries])
        else:
            self._followed.pop(followed.request.client_order_id, None)


def _with_news(due: Sequence[_Followed], listed: Mapping[str, Decimal]) -> Iterable[_Followed]:
    """Those that are not open any more, and those of which more is filled than is known."""
    for followed in due:
        filled = listed.get(followed.request.client_order_id)
        if filled is None or filled > followed.filled:
            yield followed
