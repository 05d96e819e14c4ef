"""Deciding what nobody told us: whether an order exists whose answer was lost. Nothing else decides that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain import events as e
from domain.lifecycle import Outcome
from domain.order import Answer, OrderRequest, Unanswered
from domain.ports import OpenSignal, Venue
from streams.decision import Send
from streams.placement import Placement
from streams.state import State
from streams.waiting import Entry, WaitingRoom

__all__ = ["reopen"]


async def reopen(
    lives: Iterable[OpenSignal], state: State, room: WaitingRoom, venues: Mapping[str, Venue], placement: Placement
) -> None:
    """Take up what an earlier run left: waiting signals wait on; of orders without an outcome the venue is asked.

    A signal whose order is answered with anything but a proof stays unknown.
    """
    for life in list(lives):  # before anything new is recorded
        outcome = state.outcome(life.number)
        if outcome is Outcome.WAITING:
            entry = Entry.of(life)
            if room.enter(entry) and entry.not_before_ns:
                placement.retry_at.on_next(entry)
        elif outcome in (Outcome.PLACING, Outcome.UNKNOWN):
            request = _last_request(life)
            answer = await _ask(venues.get(request.trader), request)
            if outcome is Outcome.PLACING or not isinstance(answer, Unanswered):
                placement.take_up(Send(Entry.of(life), request), answer)


async def _ask(venue: Venue | None, request: OrderRequest) -> Answer:
    if venue is None:
        return Unanswered(detail=f"{request.trader} is not among the traders")
    try:
        return await venue.find_order(request)
    except Exception as error:  # whatever it is, it is no proof
        return Unanswered(detail=f"{type(error).__name__}: {error}")


def _last_request(life: OpenSignal) -> OrderRequest:
    return next(event.body for event in reversed(life.events) if isinstance(event.body, e.Intended))
