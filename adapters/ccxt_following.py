"""Asking after orders that were acknowledged and are not over: venues tell of trades late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from adapters.ccxt_address import Priority, asked_as
from clock import Clock
from domain.order import Acknowledged, Finding, OrderRequest, OrderStatus, OrderUpdate

__all__ = ["Following"]

_ASKED_AFTER_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_NOTHING = Decimal(0)

OpenOrders = Callable[[str], Awaitable[Mapping[str, Decimal]]]
"""What is filled of each order of a symbol that the venue lists as open, by our id."""


class _Followed(Struct):
    request: OrderRequest
    due_ns: int
    tries: int = 0
    filled: Decimal = _NOTHING


class Following:
    """Asks after orders 1, 3, 7, 15 and 31 s after they were acknowledged, then leaves them to reconciliation.

    Those that are due together are asked after together, with one listing of what is open of a symbol: only those of
    which it says something new are looked up one by one. `tell` hears what was found. Memory: the orders that are
    followed, and one task.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        open_orders: OpenOrders,
        look_up: Callable[[OrderRequest], Awaitable[Finding]],
        tell: Callable[[OrderUpdate], None],
    ) -> None:
        self._clock, self._open_orders, self._look_up, self._tell = clock, open_orders, look_up, tell
        self._followed: dict[str, _Followed] = {}
        self._running = False

    def follow(self, request: OrderRequest) -> None:
        """Ask after an order from now on."""
        due_ns = self._clock.now_ns() + _ns(_ASKED_AFTER_S[0])
        self._followed[request.client_order_id] = _Followed(request, due_ns)
        if not self._running:
            self._running = True
            self._clock.run(self._run, name=f"asking after orders of {request.trader}")

    async def _run(self) -> None:
        with asked_as(Priority.FOLLOW):
            while self._followed:
                await self._clock.sleep_until(min(followed.due_ns for followed in self._followed.values()))
                now_ns = self._clock.now_ns()
                due = [followed for followed in self._followed.values() if followed.due_ns <= now_ns]
                for symbol in sorted({followed.request.symbol for followed in due}):
                    await self._ask([followed for followed in due if followed.request.symbol == symbol], symbol)
        self._running = False

    async def _ask(self, due: Sequence[_Followed], symbol: str) -> None:
        for followed in due:
            self._postpone(followed)
        try:
            listed = await self._open_orders(symbol)
        except Exception:
            return  # they are due again later
        for followed in _with_news(due, listed):
            finding = await self._look_up(followed.request)
            if isinstance(finding, Acknowledged):
                self._take(followed, finding)

    def _take(self, followed: _Followed, found: Acknowledged) -> None:
        request = followed.request
        followed.filled = sum((fill.amount for fill in found.fills), _NOTHING)
        if found.status is not OrderStatus.OPEN:
            self._followed.pop(request.client_order_id, None)
        self._tell(
            OrderUpdate(
                trader=request.trader,
                client_order_id=request.client_order_id,
                at_ns=self._clock.now_ns(),
                status=found.status,
                fills=found.fills,
            )
        )

    def _postpone(self, followed: _Followed) -> None:
        followed.tries += 1
        if followed.tries < len(_ASKED_AFTER_S):
            followed.due_ns = self._clock.now_ns() + _ns(_ASKED_AFTER_S[followed.tries])
        else:
            self._followed.pop(followed.request.client_order_id, None)


def _with_news(due: Sequence[_Followed], listed: Mapping[str, Decimal]) -> Iterable[_Followed]:
    """Those that are not open any more, and those of which more is filled than is known."""
    for followed in due:
        filled = listed.get(followed.request.client_order_id)
        if filled is None or filled > followed.filled:
            yield followed


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
