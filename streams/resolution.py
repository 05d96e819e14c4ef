"""Finding out whether an order exists whose answer was lost. Nothing else decides that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Never

from msgspec import Struct
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators import backoff_s
from operators.group_commit import GroupCommit
from streams.decision import Send
from streams.pending import PendingSignal
from streams.placement import Placement
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.order import Acknowledged, LookupResult, NotFound, NotPlaced, OrderRequest, Unanswered
from tidegate.domain.ports import Item, SignalHistory, Venue
from tidegate.domain.reasons import Reason

__all__ = ["Lookups", "Resolution", "resolve"]


class Lookups(Struct, frozen=True):
    """How soon an order is looked up again: after `delay_s`, doubling up to `max_delay_s`."""

    delay_s: float = 1.0
    max_delay_s: float = 30.0


class _PendingLookup(Struct):
    order: Send
    reason: Reason
    closes_ns: int
    recorded: bool


class Resolution:
    """Looks up orders without an answer, until there is proof or none is possible.

    The settle window counts from the end of the send; after a restart, when that is unknown, from the start.
    Found, an order is placed. Not found by a lookup that began after the window, it is proved not placed where the
    venue's settlement says that this proves it, and goes back to be tried again inside its time to live; elsewhere it
    is parked, for a person to decide. A lookup that fails says nothing, and is repeated for as long as it takes.
    Memory: the orders that are unknown or parked, and one task for each that is looked up.
    """

    def __init__(
        self,
        placement: Placement,
        venues: Mapping[str, Venue],
        *,
        clock: Clock,
        commits: GroupCommit,
        lookups: Lookups,
    ) -> None:
        self._placement, self._venues = placement, venues
        self._clock, self._commits, self._lookups = clock, commits, lookups
        self._pending_lookups: dict[int, _PendingLookup] = {}

    @property
    def lookup(self) -> Mapping[int, str]:
        """The client order ids of the orders that are unknown or parked, by the numbers of their signals."""
        return {number: it.order.request.client_order_id for number, it in self._pending_lookups.items()}

    def look_up(self, order: Send) -> None:
        """Begin to look an order up whose answer was lost, as is recorded."""
        self._keep_looking(order, Reason.NO_ANSWER, recorded=True)

    def resume(self, history: SignalHistory, outcome: Outcome) -> None:
        """Go on with an order that an earlier run left without an outcome, unknown, or parked."""
        order = Send(PendingSignal.of(history, self._clock), _last_request(history))
        if outcome is Outcome.PARKED:
            self._pending_lookups[history.number] = _PendingLookup(order, Reason.NO_PROOF, 0, recorded=True)
        elif outcome is Outcome.UNKNOWN:
            self._keep_looking(order, Reason.NO_ANSWER, recorded=True)
        else:
            self._keep_looking(order, Reason.INTERRUPTED, recorded=False)

    def _keep_looking(self, order: Send, reason: Reason, *, recorded: bool) -> None:
        request = order.request
        venue = self._venues.get(request.trader)
        window_s = venue.unknown_order_policy.window_s if venue is not None else 0.0
        lookup = _PendingLookup(order, reason, self._clock.now_ns() + int(window_s * 1e9), recorded)
        self._pending_lookups[order.entry.number] = lookup
        self._clock.run(lambda: self._look_up(lookup, venue), name=f"looking up {request.client_order_id}")

    def found(self, number: int, answer: Acknowledged) -> bool:
        """Record that a pending lookup's order was found, on the venue or by a person. False: none is pending."""
        lookup = self._pending_lookups.pop(number, None)
        if lookup is not None:
            self._placement.resume(lookup.order, answer)
        return lookup is not None

    def resolve_as_not_placed(self, number: int, why: str) -> bool:
        """Record a person's word that a pending lookup's order was never placed. False: none is pending."""
        lookup = self._pending_lookups.pop(number, None)
        if lookup is not None:
            self._placement.resume(lookup.order, NotPlaced(reason=Reason.BY_HAND, detail=why, final=True))
        return lookup is not None

    def stop(self) -> None:
        """Stop deciding: the next start resumes."""
        self._pending_lookups.clear()

    async def _look_up(self, lookup: _PendingLookup, venue: Venue | None) -> None:
        order, tries = lookup.order, 0
        number = order.entry.number
        while self._pending_lookups.get(number) is lookup:
            begun_ns = self._clock.now_ns()
            finding = await _ask(venue, order.request)
            if self._pending_lookups.get(number) is not lookup:
                return
            if isinstance(finding, Acknowledged):
                self.found(number, finding)
            elif isinstance(finding, NotFound) and begun_ns >= lookup.closes_ns:
                self._settle(lookup, finding, proved=venue is not None and venue.unknown_order_policy.absence_is_proof)
                return
            else:
                self._record_unknown(lookup, finding)
                await self._pause(lookup, tries)
                tries += 1

    def _settle(self, lookup: _PendingLookup, finding: NotFound, *, proved: bool) -> None:
        order = lookup.order
        if proved:
            del self._pending_lookups[order.entry.number]
            answer = NotPlaced(reason=lookup.reason, detail=finding.detail, final=False, evidence=finding.evidence)
            self._placement.resume(order, answer)
            return
        self._record_unknown(lookup, finding)
        parked = e.Parked(
            client_order_id=order.request.client_order_id,
            detail=f"{finding.detail}; here that proves nothing: decide with `resolve`",
            evidence=finding.evidence,
        )
        self._record(lookup, parked)

    def _record_unknown(self, lookup: _PendingLookup, finding: NotFound | Unanswered) -> None:
        if not lookup.recorded:
            lookup.recorded = True
            order_id = lookup.order.request.client_order_id
            self._record(lookup, e.Unknown(client_order_id=order_id, detail=finding.detail, evidence=finding.evidence))

    def _record(self, lookup: _PendingLookup, body: e.Body) -> None:
        entry = lookup.order.entry
        self._commits.submit(Item(self._clock.wall_ns(), (body,), entry.number, entry.signal.id), must=True)

    async def _pause(self, lookup: _PendingLookup, tries: int) -> None:
        lookups, now_ns = self._lookups, self._clock.now_ns()
        delay_s = backoff_s(tries, delay_s=lookups.delay_s, max_delay_s=lookups.max_delay_s, jitter=lambda: 1.0)
        again_ns = now_ns + int(delay_s * 1e9)
        if now_ns < lookup.closes_ns:
            again_ns = min(again_ns, lookup.closes_ns)
        await self._clock.sleep_until(again_ns)


def resolve(resolution: Resolution) -> Callable[[Observable[Send]], Observable[Never]]:
    """Look up each order whose answer was lost, until it is found, proved not placed, or parked.

        -o-----|
        -------|     what is found out of o is recorded, and moves its signal

    Emits when:      never.
    Completes when:  never.
    Errors when:     upstream errors.
    Memory:          that of the `resolution`. Unsubscribing ends it: the next start resumes.
    """

    def stage(source: Observable[Send]) -> Observable[Never]:
        def subscribe(observer: abc.ObserverBase[Never], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            lost = source.subscribe(resolution.look_up, observer.on_error)
            return CompositeDisposable(lost, Disposable(resolution.stop))

        return Observable(subscribe)

    return stage


async def _ask(venue: Venue | None, request: OrderRequest) -> LookupResult:
    if venue is None:
        return Unanswered(detail=f"{request.trader} is not among the traders")
    try:
        return await venue.find_order(request)
    except Exception as error:  # no exception is proof
        return Unanswered(detail=f"{type(error).__name__}: {error}")


def _last_request(history: SignalHistory) -> e.Intent:
    return next(event.body for event in reversed(history.events) if isinstance(event.body, e.Intent))
