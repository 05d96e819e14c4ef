"""What signals will be once everything submitted is committed: no event is written that cannot follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import TRANSITIONS, Outcome, advance
from tidegate.domain.ports import Item

__all__ = ["Transitions"]

_BEGINNINGS = frozenset(kind for before, kind in TRANSITIONS if before is None)


class Transitions:
    """Where the groups that are being written lead, each signal from its outcome by `committed(number)`.

    A signal that is done is None there; only an event that reopens it can follow, and it says what the signal was.
    Memory: an outcome for each known signal in a group that was begun and is not believed yet.
    """

    def __init__(self, committed: Callable[[int], Outcome | None]) -> None:
        self._committed = committed
        self._groups: deque[dict[int, Outcome | None]] = deque()  # oldest first: what each leads to

    def begin(self, items: Sequence[Item]) -> Mapping[int, str]:
        """Begin to write a group; gives by place in it why an item must not be: its events cannot follow those before.

        The items count as written for whatever follows, those that must not be left out.
        """
        ahead: dict[int, Outcome | None] = {}
        why_not: dict[int, str] = {}
        for place, item in enumerate(items):
            number, bodies, outcome = item.number, item.bodies, None
            if number:
                outcome = ahead[number] if number in ahead else self._before(number)
            elif item.new is None or (len(bodies) == 1 and type(bodies[0]) in _BEGINNINGS):
                continue
            after = TRANSITIONS.get((outcome, type(bodies[0]))) if len(bodies) == 1 else None
            if after is None or type(bodies[0]) is e.Reopened:
                try:
                    after = _walk(outcome, bodies)
                except IllegalTransition as error:
                    after, why_not[place] = outcome, str(error)
            if number:
                ahead[number] = after
        self._groups.append(ahead)
        return why_not

    def give_up(self) -> None:
        """The group begun last was not written."""
        self._groups.pop()

    def believe(self) -> None:
        """The group begun first is about to be folded: `committed` will know it."""
        self._groups.popleft()

    def outcome(self, number: int, queued: Iterable[Item]) -> Outcome | None:
        """What a signal will be after the groups that were begun and its `queued` items; None if it is done."""
        outcome = self._before(number)
        for item in queued:
            try:
                outcome = _walk(outcome, item.bodies)
            except IllegalTransition:
                continue
        return outcome

    def _before(self, number: int) -> Outcome | None:
        for ahead in reversed(self._groups):
            if number in ahead:
                return ahead[number]
        return self._committed(number)


def _walk(outcome: Outcome | None, bodies: Sequence[e.Body]) -> Outcome | None:
    """What a signal is after events.

    Raises:
        IllegalTransition: one of them cannot follow.
    """
    for body in bodies:
        if isinstance(body, e.Redelivered):
            continue
        if isinstance(body, e.Reopened):
            if outcome is not None and outcome != body.outcome:
                raise IllegalTransition(f"reopened as {body.outcome} cannot follow {outcome}")
            outcome = Outcome(body.outcome)
        outcome = advance(outcome, body)
    return outcome
