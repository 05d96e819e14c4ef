"""One signal in one line, as it is exported: what was asked, what came of it, and why."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import Outcome, course
from tidegate.domain.moment import iso_of
from tidegate.domain.order_summary import fills_in, orders_of, plain, traded
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Side, Signal
from tidegate.domain.verdict import Measure

__all__ = ["SignalSummary", "line_of", "signal_of"]

_Cause: TypeAlias = tuple[Reason | None, Measure, Measure]


class SignalSummary(Struct, frozen=True, kw_only=True):
    """A signal and its outcome. Decimals are plain strings, moments ISO 8601 in UTC.

    What a sender says is None where the signal could not be read, except what names it: key, source and symbol.
    `quantity` and `price` are those of the order, and before there is one those of the signal; `cut_from` is the
    quantity asked for, where less could be sold. `reason`, `measured` and `limit` are those of the event at
    `decided_at`, which made the outcome what it is; `measured` may be the venue's own words, `rule` names the
    user's own rule that gave the reason.
    """

    signal_id: str
    key: str | None
    source: str | None
    symbol: str | None
    side: Side | None
    strength: float | None
    score: float | None
    received_at: str
    outcome: Outcome
    reason: Reason | None
    measured: Measure
    limit: Measure
    trader: str | None
    client_order_ids: list[str]
    venue_order_id: str | None
    order_status: str | None
    quantity: str | None
    price: str | None
    filled: str
    average: str | None
    decided_at: str
    placed_at: str | None
    cut_from: str | None = None
    rule: str | None = None

    @property
    def cause(self) -> str | None:
        """The reason, with the name of the user's own rule where one gave it: `rule: mine:unsure`."""
        return self.reason if self.rule is None else f"{self.reason}: {self.rule}"


def signal_of(history: SignalHistory) -> Signal | None:
    """What the sender said, read again; None where it could not be read at receipt."""
    first = history.events[0]
    if isinstance(first.body, e.Refused) and first.body.reason is Reason.MALFORMED:
        return None
    signal, unreadable = read_signal(Raw(history.raw, may_say_now=True), first.at_ns)
    return None if unreadable else signal


def line_of(history: SignalHistory) -> SignalSummary:
    """Fold a signal's life into its line. Events that cannot follow are left out.

    Raises:
        IllegalTransition: its first event is none to begin with.
    """
    first = history.events[0]
    signal = signal_of(history)
    named = signal or read_signal(Raw(history.raw, may_say_now=True), first.at_ns)[0]
    outcome, decisive, (reason, measured, limit) = _decision(history)
    orders = orders_of(history)
    order = next((order for order in reversed(orders) if order.placed_at), orders[-1] if orders else None)
    filled, average = traded(fill for event in history.events for fill in fills_in(event.body))
    asked_quantity = plain(signal.quantity) if signal and signal.quantity is not None else None
    asked_price = plain(signal.price) if signal and signal.price is not None else None
    return SignalSummary(
        signal_id=history.signal_id,
        key=named.key,
        source=named.source or None,
        symbol=named.symbol or None,
        side=signal.side if signal else None,
        strength=signal.strength if signal else None,
        score=first.body.score if isinstance(first.body, e.Accepted | e.Refused) else None,
        received_at=iso_of(first.at_ns),
        outcome=outcome,
        reason=reason,
        measured=measured,
        limit=limit,
        trader=order.trader if order else None,
        client_order_ids=[order.client_order_id for order in orders],
        venue_order_id=order.venue_order_id if order else None,
        order_status=order.status.value if order and order.placed_at else None,
        quantity=order.quantity if order else asked_quantity,
        price=order.price if order else asked_price,
        filled=filled,
        average=average,
        decided_at=iso_of(decisive.at_ns),
        placed_at=order.placed_at if order else None,
        cut_from=order.cut_from if order else None,
        rule=getattr(decisive.body, "rule", None),
    )


def _decision(history: SignalHistory) -> tuple[Outcome, e.Recorded, _Cause]:
    """The outcome, the event that last changed it, and the cause that event states."""
    decided = [(before, event, after) for before, event, after in course(history.events) if after is not before]
    if not decided:
        raise IllegalTransition(f"{history.signal_id} begins with {e.kind_of(history.events[0].body)}")
    before, decisive, outcome = decided[-1]
    return outcome, decisive, _cause(before, decisive.body)


def _cause(before: Outcome | None, body: e.Body) -> _Cause:
    match body:
        case e.Accepted():
            return Reason.AWAITING_TICK, None, None
        case e.Refused() | e.Expired():
            return body.reason, body.measured, body.limit
        case e.Superseded(by=by):
            return Reason.NEWER_SIGNAL, by, None
        case e.Deferred() | e.Failed():
            return body.reason, body.detail, None
        case e.Unknown(detail=detail):
            return Reason.NO_ANSWER, detail, None
        case e.Parked(detail=detail):
            return Reason.NO_PROOF, detail, None
        case e.Reopened(detail=detail) | e.Adopted(detail=detail):
            return Reason.FOUND, detail, None
        case e.Placed() if before in (Outcome.UNKNOWN, Outcome.PARKED):
            return Reason.FOUND, None, None
    return None, None, None
