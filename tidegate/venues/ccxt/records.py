"""What a venue was asked and what it answered, in the words of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.clock import Clock
from tidegate.domain.order import Acknowledged, Evidence, OrderStatus
from tidegate.venues.ccxt.answers import OrderTaken
from tidegate.venues.ccxt.parsing import fills_of
from tidegate.venues.ccxt.quirks import Quirks

__all__ = ["Question", "acknowledged"]

_SAID_MAX = 300


class Question:
    """Something that a venue is asked now; `evidence` closes it with the answer, at most 300 characters of it."""

    def __init__(self, asked: str, clock: Clock) -> None:
        self._asked, self._clock, self._asked_ns = asked, clock, clock.wall_ns()

    def evidence(self, answer: str, meaning: str, *, asked: str | None = None) -> Evidence:
        """The question with its answer, and what that was taken for; `asked` where it is known better by now."""
        return Evidence(
            asked=asked or self._asked,
            asked_at_ns=self._asked_ns,
            answered_at_ns=self._clock.wall_ns(),
            answer=answer[:_SAID_MAX],
            meaning=meaning,
        )


def acknowledged(
    taken: OrderTaken,
    order: Mapping[str, Any],
    trades: Sequence[Any],
    quirks: Quirks,
    question: Question,
    *,
    asked: str | None = None,
) -> Acknowledged:
    """An order that the venue has: it is over only once the trades that we know of add up to what was filled.

    Raises:
        MalformedAnswer: one of `trades`, which are all its own, lacks what a trade has.
    """
    fills = fills_of(taken.venue_order_id, trades, quirks.fee_currency_field, of_order=True)
    complete = taken.filled is not None and sum(fill.amount for fill in fills) >= taken.filled
    said = f"{order.get('status')}, filled {order.get('filled')}, as {taken.venue_order_id}"
    return Acknowledged(
        venue_order_id=taken.venue_order_id,
        status=taken.status if complete else OrderStatus.OPEN,
        fills=fills,
        filled=taken.filled,
        evidence=question.evidence(said, "acknowledged", asked=asked),
    )
