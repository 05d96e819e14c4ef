"""Any venue, behind a network that a script makes bad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from domain.errors import VenueUnavailable
from domain.market import MarketRules
from domain.order import (
    Acknowledged,
    Answer,
    Finding,
    Listing,
    NotFound,
    NotPlaced,
    OrderRequest,
    OrderUpdate,
    Unanswered,
    VenueOrder,
)
from domain.ports import Settlement
from domain.reasons import Reason
from simulation.faulty.bourse import Bourse, Exchange
from simulation.faulty.ledger import Sent, Taken
from simulation.faulty.mishap import OF_A_SEND, Kind, Mishap
from simulation.faulty.strikes import OF_AN_UPDATE, Strikes
from simulation.faulty.world import World

__all__ = ["FaultyVenue"]

_LATENCY_S = 0.05
_TIMEOUT_S = 10.0


_NOT_TAKEN: dict[Kind, tuple[Reason, bool]] = {
    Kind.NEVER_SENT: (Reason.NEVER_SENT, False),
    Kind.REJECTED: (Reason.REJECTED, True),
    Kind.RATE_LIMITED: (Reason.REJECTED_FOR_NOW, False),
    Kind.BANNED: (Reason.BANNED, False),
    Kind.MAINTENANCE: (Reason.MAINTENANCE, False),
    Kind.MARKET_CLOSED: (Reason.MARKET_CLOSED, False),
    Kind.CLOCK_SKEW: (Reason.CLOCK_SKEW, False),
}
"""What a venue answers where it takes no order: the reason, and whether that is final."""


class FaultyVenue:
    """Wraps `inner`, which takes orders and trades them, and lets go wrong what the world's script says.

    Requests and replies get lost and come late, questions stay without answer, words on orders get lost and come twice;
    the ledger has what really happened. Questions are answered from what the venue took, so that also orders that are
    over are found. Not found proves nothing where its settings do not let it settle orders by that. One object serves
    all the lives of a pipeline. Memory: every order, for ever.
    """

    def __init__(self, inner: Exchange, world: World, *, settles: bool) -> None:
        lag = world.script.lag
        self.trader = inner.trader
        self.batch_max = 1
        self.settlement = Settlement(window_s=lag.window_s, proves=lag.proves and settles)
        self._world, self._strikes = world, Strikes(world, inner.trader)
        self._bourse = Bourse(inner, world, self._strikes, self._told)
        self._heard: Callable[[OrderUpdate], None] = _nobody
        self._away_until_ns = self._banned_until_ns = 0

    def begin(self, mishap: Mishap) -> None:
        """Let a mishap of this account begin that does so at a moment."""
        if mishap.kind is Kind.AWAY:
            self._away_until_ns = self._world.now_ns() + int(mishap.seconds * 1e9)
        elif mishap.kind is Kind.RULES_CHANGED:
            self._bourse.change_rules()

    def spoil_next(self, kind: Kind, seconds: float = 0.0) -> None:
        """Let a mishap strike the next send, order, question or update."""
        self._strikes.plan(kind, seconds)

    def rules(self, symbol: str) -> MarketRules | None:
        """The rules as they were read last."""
        return self._bourse.rules(symbol)

    def listen(self, heard: Callable[[OrderUpdate], None]) -> None:
        """Tell `heard` of orders from now on, and nobody else: the others are dead."""
        self._heard = heard

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        """Send orders one by one; the ledger has each, from before it leaves."""
        return [await self._send(request) for request in requests]

    async def find_order(self, request: OrderRequest) -> Finding:
        """Look an order up among those that show by now."""
        failure = await self._asked("lookup", Kind.LOOKUP_FAILS)
        if failure is not None:
            return Unanswered(detail=failure)
        taken = self._bourse.find(request.client_order_id)
        if taken is None:
            return NotFound(detail="no such order")
        return Acknowledged(venue_order_id=taken.venue_order_id, status=taken.status, fills=tuple(taken.fills))

    async def orders_since(self, since_ns: int) -> Listing:
        """The orders that show by now, and are open or changed since then."""
        failure = await self._asked("listing of orders", Kind.LISTING_FAILS)
        if failure is not None:
            raise VenueUnavailable(failure)
        return Listing(orders=[_listed(taken) for taken in self._bourse.since(since_ns)])

    async def balances(self) -> dict[str, Decimal]:
        """What there is of each currency."""
        failure = await self._asked("listing of balances", Kind.LISTING_FAILS)
        if failure is not None:
            raise VenueUnavailable(failure)
        return dict(await self._bourse.balances())

    async def _send(self, request: OrderRequest) -> Answer:
        world, now_ns = self._world, self._world.now_ns()
        banned = now_ns < self._banned_until_ns
        world.ledger.sent.append(Sent(request, now_ns, world.clock.now_ns(), world.believed(), banned))
        world.points.reach("send")
        mishap = self._strikes.next(*OF_A_SEND)
        if now_ns < self._away_until_ns:
            return NotPlaced(reason=Reason.NEVER_SENT, detail="no route to host", final=False)
        await world.pause(_LATENCY_S)
        kind = mishap.kind if mishap is not None else None
        seconds = mishap.seconds if mishap is not None else 0.0
        if kind in _NOT_TAKEN:
            return self._refused(kind, seconds)
        if kind is Kind.REQUEST_LOST:
            return await self._silence()
        if kind is Kind.DELIVERED_LATE:
            world.after(seconds, lambda: _forget(self._bourse.arrive(request, now_ns)))
            return await self._silence()
        answer = self._bourse.arrive(request, now_ns)
        world.points.reach("accepted")
        if kind is Kind.RAISED:
            raise ConnectionResetError("the answer could not be read")
        if kind is Kind.REPLY_LOST:
            return await self._silence()
        await world.pause(seconds if kind is Kind.REPLY_LATE else _LATENCY_S)
        world.points.reach("reply")
        return answer

    def _refused(self, kind: Kind, seconds: float) -> Answer:
        reason, final = _NOT_TAKEN[kind]
        if kind is Kind.BANNED:
            self._banned_until_ns = self._world.now_ns() + int(seconds * 1e9)
        return NotPlaced(
            reason=reason,
            detail=f"{kind} by the script",
            final=final,
            retry_after_s=seconds if kind in (Kind.RATE_LIMITED, Kind.BANNED, Kind.MAINTENANCE) else None,
            address_wide=kind is Kind.BANNED,
        )

    def _told(self, update: OrderUpdate) -> None:
        lost = self._strikes.next(*OF_AN_UPDATE)
        if self._world.now_ns() < self._away_until_ns or (lost is not None and lost.kind is Kind.UPDATE_LOST):
            return
        self._heard(update)
        if lost is not None:
            self._heard(update)

    async def _asked(self, what: str, failing: Kind) -> str | None:
        """Carry a question there and back; gives why no answer came, if none did."""
        world = self._world
        world.points.reach(what)
        mishap = self._strikes.next(failing)
        if world.now_ns() < max(self._away_until_ns, self._banned_until_ns):
            return "the venue is away"
        await world.pause(_LATENCY_S if mishap is None else _TIMEOUT_S)
        world.points.reach(f"answer to {what}")
        return None if mishap is None else "no answer in time"

    async def _silence(self) -> Unanswered:
        await self._world.pause(_TIMEOUT_S)
        self._world.points.reach("no reply")
        return Unanswered(detail="no answer in time")


def _listed(taken: Taken) -> VenueOrder:
    request = taken.request
    return VenueOrder(
        venue_order_id=taken.venue_order_id,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        amount=request.amount,
        price=request.price,
        status=taken.status,
        filled=taken.filled,
        at_ns=taken.at_ns,
        fills=tuple(taken.fills),
    )


def _forget(_: Answer) -> None:
    """Nobody waits for it any more."""


def _nobody(_: OrderUpdate) -> None:
    pass
