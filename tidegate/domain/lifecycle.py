"""The outcomes of a signal: the table of transitions between them, and the ledger that every screen shows.

received = refused + superseded + expired + waiting + placing + unknown + placed + failed + parked
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition

__all__ = ["FINAL", "TRANSITIONS", "Ledger", "Outcome", "advance", "course"]


class Outcome(StrEnum):
    """The outcome of a signal so far: exactly one at any moment."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    REFUSED = "refused"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    WAITING = "waiting"
    PLACING = "placing"
    UNKNOWN = "unknown"
    PLACED = "placed"
    FAILED = "failed"
    PARKED = "parked"


FINAL = frozenset({Outcome.REFUSED, Outcome.SUPERSEDED, Outcome.EXPIRED, Outcome.PLACED, Outcome.FAILED})
"""Outcomes that only evidence from a venue can change."""

_O = Outcome

TRANSITIONS: dict[tuple[Outcome | None, type[e.Body]], Outcome] = {
    (None, e.Accepted): _O.WAITING,
    (None, e.Refused): _O.REFUSED,
    (None, e.Adopted): _O.PLACED,
    (_O.WAITING, e.Superseded): _O.SUPERSEDED,
    (_O.WAITING, e.Expired): _O.EXPIRED,
    (_O.WAITING, e.Refused): _O.REFUSED,
    (_O.WAITING, e.Intent): _O.PLACING,
    (_O.PLACING, e.Placed): _O.PLACED,
    (_O.PLACING, e.Deferred): _O.WAITING,
    (_O.PLACING, e.Failed): _O.FAILED,
    (_O.PLACING, e.Unknown): _O.UNKNOWN,
    (_O.UNKNOWN, e.Placed): _O.PLACED,
    (_O.UNKNOWN, e.Deferred): _O.WAITING,
    (_O.UNKNOWN, e.Failed): _O.FAILED,
    (_O.UNKNOWN, e.Parked): _O.PARKED,
    (_O.PARKED, e.Placed): _O.PLACED,
    (_O.PARKED, e.Failed): _O.FAILED,
    (_O.PARKED, e.Reopened): _O.PLACED,
    (_O.FAILED, e.Reopened): _O.PLACED,
    (_O.REFUSED, e.Reopened): _O.PLACED,
    (_O.SUPERSEDED, e.Reopened): _O.PLACED,
    (_O.EXPIRED, e.Reopened): _O.PLACED,
    (_O.WAITING, e.Reopened): _O.PLACED,
    (_O.UNKNOWN, e.Reopened): _O.PLACED,
}
"""Each transition: the outcome before it, the class of the event, the outcome after it."""

_STAY = (e.Redelivered, e.Filled, e.OrderChanged)


def advance(outcome: Outcome | None, body: e.Body) -> Outcome:
    """The outcome of a signal after `body`, its next event.

    Raises:
        IllegalTransition: the event cannot follow.
    """
    after = TRANSITIONS.get((outcome, type(body)))
    if after is not None:
        return after
    if outcome is not None and isinstance(body, _STAY):
        return outcome
    raise IllegalTransition(f"{e.kind_of(body)} cannot follow {outcome or 'nothing'}")


def course(events: Iterable[e.Recorded]) -> Iterator[tuple[Outcome | None, e.Recorded, Outcome]]:
    """For each event of a signal, the outcome before it and the outcome after it. An event that cannot follow changes
    nothing, and is left out."""
    outcome: Outcome | None = None
    for event in events:
        try:
            after = advance(outcome, event.body)
        except IllegalTransition:
            continue
        yield outcome, event, after
        outcome = after


_RULES_MAX = 1000
_OTHER_RULES = "other rules"


class Ledger:
    """How many signals were received, and how many have each outcome.

    Both sides are counted separately, `received` from first events and the outcomes from every transition, so that a
    sum that does not add up reveals an error. `rules` counts what the user's own rules refused, as `rule: NAME`.
    Memory: one number for each outcome and reason, and for each of the first 1,000 rules.
    """

    def __init__(self) -> None:
        self.received = 0
        self.redelivered = 0
        self.turned_away = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.reasons: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()

    def move(self, before: Outcome | None, after: Outcome) -> None:
        """Count the transition of a signal from `before` to `after`; None is a new signal."""
        if before is None:
            self.received += 1
        else:
            self.outcomes[before] -= 1
        self.outcomes[after] += 1

    def count(self, reason: str, rule: str | None) -> None:
        """Book why a signal ended, and the user's own rule that ended it."""
        self.reasons[reason] += 1
        if rule is not None:
            named = f"{reason}: {rule}"
            self.rules[named if named in self.rules or len(self.rules) < _RULES_MAX else _OTHER_RULES] += 1

    @property
    def balanced(self) -> bool:
        """Whether every signal received has exactly one outcome."""
        return self.received == sum(self.outcomes.values()) and min(self.outcomes.values(), default=0) >= 0

    def open_among(self, outcomes: Iterable[Outcome] = (_O.WAITING, _O.PLACING, _O.UNKNOWN)) -> int:
        """How many signals have one of `outcomes`."""
        return sum(self.outcomes[outcome] for outcome in outcomes)
