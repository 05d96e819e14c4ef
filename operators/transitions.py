"""What signals will be once everything queued is committed: no event is written that cannot follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import Outcome, advance
from tidegate.domain.ports import Item

__all__ = ["Transitions"]


class Transitions:
    """The items that are queued for each signal, and where they lead from its outcome by `committed(number)`.

    A signal that is done is None there; only an event that reopens it can follow, and it says what the signal was.
    Memory: the items of known signals that are queued.
    """

    def __init__(self, committed: Callable[[int], Outcome | None]) -> None:
        self._committed = committed
        self._queued: dict[int, deque[Item]] = {}

    def queue(self, item: Item) -> None:
        """An item is to be committed, after those that were queued before it."""
        if item.number:
            self._queued.setdefault(item.number, deque()).append(item)

    def drop(self, item: Item) -> None:
        """An item is committed, or will not be."""
        queued = self._queued.get(item.number)
        if queued is not None:
            queued.remove(item)
            if not queued:
                del self._queued[item.number]

    def outcome(self, number: int) -> Outcome | None:
        """What a signal will be once everything queued for it is committed; None if it is done, and stays so."""
        outcome = self._committed(number)
        for item in self._queued.get(number, ()):
            outcome = _after(outcome, item) or outcome
        return outcome

    def why_not(self, item: Item) -> str | None:
        """Why a queued item must not be written: its events cannot follow those before it. None if they can."""
        outcome = self._committed(item.number) if item.number else None
        for before in self._queued.get(item.number, ()):
            if before is item:
                break
            outcome = _after(outcome, before) or outcome
        try:
            _walk(outcome, item)
        except IllegalTransition as error:
            return str(error)
        return None


def _after(outcome: Outcome | None, item: Item) -> Outcome | None:
    try:
        return _walk(outcome, item)
    except IllegalTransition:
        return None


def _walk(outcome: Outcome | None, item: Item) -> Outcome | None:
    """What a signal is after an item.

    Raises:
        IllegalTransition: one of its events cannot follow.
    """
    if not item.number and item.new is None:
        return None
    for body in item.bodies:
        if isinstance(body, e.Redelivered):
            continue
        if isinstance(body, e.Reopened):
            if outcome is not None and outcome != body.outcome:
                raise IllegalTransition(f"reopened as {body.outcome} cannot follow {outcome}")
            outcome = Outcome(body.outcome)
        outcome = advance(outcome, body)
    return outcome
