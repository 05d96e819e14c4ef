"""An exchange, behind a network that a script makes bad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.market import MarketRules
from tidegate.domain.order import (
    Answer,
    Listing,
    LookupResult,
    NotFound,
    NotPlaced,
    OrderRequest,
    OrderUpdate,
    Unanswered,
    VenueOrder,
)
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.reasons import Reason
from tidegate.torture.faulty.address import FaultyAddress
from tidegate.torture.faulty.exchange import FaultyExchange
from tidegate.torture.faulty.fault import (
    OF_A_LISTING,
    OF_A_LOOKUP,
    OF_A_SEND,
    OF_AN_UPDATE,
    OF_RESTING,
    STRANGERS,
    VenueFault,
    VenueFaultKind,
)
from tidegate.torture.faulty.fault_schedule import FaultSchedule
from tidegate.torture.faulty.ledger import Sent
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["FaultyVenue"]

_LATENCY_S = 0.05
_TIMEOUT_S = 10.0
_PAGE = 2

_NOT_TAKEN: dict[VenueFaultKind, tuple[Reason, bool]] = {
    VenueFaultKind.NEVER_SENT: (Reason.NEVER_SENT, False),
    VenueFaultKind.REJECTED: (Reason.REJECTED, True),
    VenueFaultKind.RATE_LIMITED: (Reason.REJECTED_FOR_NOW, False),
    VenueFaultKind.BANNED: (Reason.BANNED, False),
    VenueFaultKind.MAINTENANCE: (Reason.MAINTENANCE, False),
    VenueFaultKind.MARKET_CLOSED: (Reason.MARKET_CLOSED, False),
    VenueFaultKind.CLOCK_SKEW: (Reason.CLOCK_SKEW, False),
}
"""What a venue answers where it takes no order: the reason, and whether that is final."""


class FaultyVenue:
    """The way to `exchange` and back, on which goes wrong what the world's script says.

    Requests and replies get lost and come late, questions stay without answer, words on orders get lost and come twice;
    the ledger has what really happened. What is answered is how things stood when the question came there: an answer
    may be old when it is here. Listings come in pages of two orders, by creation, and a page may be missing. Not found
    proves nothing where its settings do not let it settle orders by that. `raised` is what an adapter lets through of
    an error. One object serves all restarts of a pipeline. Memory: every order.
    """

    def __init__(
        self,
        exchange: FaultyExchange,
        world: FaultyWorld,
        fault_schedule: FaultSchedule,
        address: FaultyAddress,
        *,
        settles: bool,
        raised: Callable[[str], str],
    ) -> None:
        lag = world.script.lag
        self.trader = exchange.trader
        self.batch_max = 1
        self.unknown_order_policy = UnknownOrderPolicy(window_s=lag.window_s, absence_is_proof=lag.proves and settles)
        self._exchange, self._world, self._fault_schedule, self._address = exchange, world, fault_schedule, address
        self._raised = raised
        self._on_update: Callable[[OrderUpdate], None] = _ignore
        self._away_until_ns = 0
        exchange.on_update = self._on_exchange_update

    def begin(self, venue_fault: VenueFault) -> None:
        """Begin a fault of this account that begins at a moment of its own."""
        if venue_fault.kind is VenueFaultKind.AWAY:
            self._away_until_ns = self._world.now_ns() + int(venue_fault.seconds * 1e9)
        elif venue_fault.kind is VenueFaultKind.RULES_CHANGED:
            self._exchange.change_rules()
        elif venue_fault.kind in STRANGERS | OF_RESTING:
            self._world.ledger.strangers_acted |= venue_fault.kind in STRANGERS
            self._exchange.begin(venue_fault)

    def spoil_next(self, kind: VenueFaultKind, seconds: float = 0.0) -> None:
        """Apply a fault to the next send, order, question or update."""
        self._fault_schedule.plan(kind, seconds)

    def rules(self, symbol: str) -> MarketRules | None:
        """The rules as they were read last."""
        return self._exchange.rules(symbol)

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Send order updates to `on_update` from now on, and to no earlier listener: those are dead."""
        self._on_update = on_update

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        """Send orders one by one; the ledger has each, from before it leaves."""
        return [await self._send(request) for request in requests]

    async def find_order(self, request: OrderRequest) -> LookupResult:
        """Look an order up among those that show by now."""
        venue_fault, failure = await self._ask("lookup", OF_A_LOOKUP)
        if failure is not None:
            return Unanswered(detail=failure)
        found = self._exchange.find(request.client_order_id)
        await self._answer("lookup", venue_fault)
        return NotFound(detail="no such order") if found is None else found

    async def orders_since(self, since_ns: int) -> Listing:
        """The orders that show by now, and are open or were made since then: page by page, each as old as it is."""
        venue_fault, failure = await self._ask("listing of orders", OF_A_LISTING)
        if failure is not None:
            raise VenueUnavailable(failure)
        orders: list[VenueOrder] = []
        missing: tuple[str, ...] = ()
        pages = max(1, -(-self._exchange.count_listed(since_ns) // _PAGE))
        lost = (
            int(venue_fault.seconds) % pages
            if venue_fault is not None and venue_fault.kind is VenueFaultKind.PAGE_MISSING
            else None
        )
        for page in range(pages):
            if page:
                await self._world.pause(_LATENCY_S)
            if page == lost:
                missing = (f"page {page + 1} of the orders",)
            else:
                orders += self._exchange.listed(since_ns, page * _PAGE, (page + 1) * _PAGE)
        await self._answer("listing of orders", venue_fault)
        return Listing(orders=orders, missing=missing)

    async def balances(self) -> dict[str, Decimal]:
        """What there is of each currency."""
        venue_fault, failure = await self._ask("listing of balances", OF_A_LISTING)
        if failure is not None:
            raise VenueUnavailable(failure)
        totals = self._exchange.books.totals()
        await self._answer("listing of balances", venue_fault)
        return totals

    async def _send(self, request: OrderRequest) -> Answer:
        world, now_ns, address = self._world, self._world.now_ns(), self._address
        world.ledger.sent.append(
            Sent(request, now_ns, world.clock.now_ns(), world.believed(), world.history, address.banned)
        )
        world.points.reach("send")
        venue_fault = self._fault_schedule.next(*OF_A_SEND)
        if now_ns < self._away_until_ns:
            return NotPlaced(reason=Reason.NEVER_SENT, detail="no route to host", final=False)
        await world.pause(_LATENCY_S)
        kind = venue_fault.kind if venue_fault is not None else None
        seconds = venue_fault.seconds if venue_fault is not None else 0.0
        if address.banned:
            kind, seconds = VenueFaultKind.BANNED, (address.banned_until_ns - world.now_ns()) / 1e9
        if kind in _NOT_TAKEN:
            return self._refused(kind, seconds)
        if kind is VenueFaultKind.REQUEST_LOST:
            return await self._silence()
        if (refused := address.too_many()) is not None:
            return refused
        if kind is VenueFaultKind.DELIVERED_LATE:
            world.await_after(seconds, lambda: _forget(self._exchange.arrive(request, now_ns)))
            return await self._silence()
        answer = self._exchange.arrive(request, now_ns)
        world.points.reach("accepted")
        if kind is VenueFaultKind.RAISED:
            raise ConnectionResetError(self._raised("the answer could not be read"))
        if kind is VenueFaultKind.REPLY_LOST:
            return await self._silence()
        await world.pause(seconds if kind is VenueFaultKind.REPLY_LATE else _LATENCY_S)
        world.points.reach("reply")
        return answer

    def _refused(self, kind: VenueFaultKind, seconds: float) -> Answer:
        reason, final = _NOT_TAKEN[kind]
        if kind is VenueFaultKind.BANNED:
            self._address.ban(seconds)
            self._address.note_ban_seen()
        return NotPlaced(
            reason=reason,
            detail=f"{kind} by the script",
            final=final,
            retry_after_s=seconds
            if kind in (VenueFaultKind.RATE_LIMITED, VenueFaultKind.BANNED, VenueFaultKind.MAINTENANCE)
            else None,
            address_wide=kind is VenueFaultKind.BANNED,
        )

    def _on_exchange_update(self, update: OrderUpdate) -> None:
        lost = self._fault_schedule.next(*OF_AN_UPDATE)
        if self._world.now_ns() < self._away_until_ns or (lost is not None and lost.kind is VenueFaultKind.UPDATE_LOST):
            return
        self._on_update(update)
        if lost is not None:
            self._on_update(update)

    async def _ask(self, what: str, kinds: Sequence[VenueFaultKind]) -> tuple[VenueFault | None, str | None]:
        """Carry a question there; gives what strikes it, and why it will not be answered, if it will not."""
        world = self._world
        world.points.reach(what)
        venue_fault = self._fault_schedule.next(*kinds)
        if world.now_ns() < self._away_until_ns or self._address.banned:
            return venue_fault, "the venue is away"
        if venue_fault is not None and venue_fault.kind is kinds[0]:
            await world.pause(_TIMEOUT_S)
            return venue_fault, "no answer in time"
        await world.pause(_LATENCY_S)
        return venue_fault, None

    async def _answer(self, what: str, venue_fault: VenueFault | None) -> None:
        """Carry an answer back."""
        late = venue_fault is not None and venue_fault.kind in _STALE
        await self._world.pause(venue_fault.seconds if venue_fault is not None and late else _LATENCY_S)
        self._world.points.reach(f"answer to {what}")

    async def _silence(self) -> Unanswered:
        await self._world.pause(_TIMEOUT_S)
        self._world.points.reach("no reply")
        return Unanswered(detail="no answer in time")


_STALE = (VenueFaultKind.LOOKUP_STALE, VenueFaultKind.LISTING_STALE)


def _forget(_: Answer) -> None:
    """Nobody waits for it any more."""


def _ignore(_: OrderUpdate) -> None:
    pass
