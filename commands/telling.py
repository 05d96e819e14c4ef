"""The events of a signal in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from domain import events as e
from domain.moment import iso_of
from domain.order import Evidence, Fill
from domain.order_line import plain, traded
from domain.ports import OpenSignal
from domain.verdict import Measure

__all__ = ["Step", "margin_of", "steps_of"]


class Step(Struct, frozen=True, kw_only=True):
    """One event of a signal. `margin` is how far `measured` is above `limit`; `attempt` counts intents."""

    at: str
    elapsed_ms: float
    kind: str
    words: str
    measured: Measure
    limit: Measure
    margin: str | None
    attempt: int | None
    body: e.Body


def steps_of(life: OpenSignal) -> Iterator[Step]:
    """Tell a signal's life, event by event."""
    attempt = 0
    for event in life.events:
        body = event.body
        attempt += isinstance(body, e.Intended)
        measured: Measure = getattr(body, "measured", None)
        limit: Measure = getattr(body, "limit", None)
        yield Step(
            at=iso_of(event.at_ns),
            elapsed_ms=(event.at_ns - life.events[0].at_ns) / 1e6,
            kind=e.kind_of(body),
            words=_in_words(body, attempt) + _evidence(getattr(body, "evidence", None)),
            measured=measured,
            limit=limit,
            margin=margin_of(measured, limit),
            attempt=attempt if hasattr(body, "client_order_id") else None,
            body=body,
        )


def margin_of(measured: Measure, limit: Measure) -> str | None:
    """`measured` less `limit`, where both are numbers or written so."""
    try:
        margin = Decimal(str(measured)) - Decimal(str(limit))
    except InvalidOperation:
        return None
    return plain(margin.normalize()) if margin.is_finite() else None


def _in_words(body: e.Body, attempt: int) -> str:
    match body:
        case e.Accepted(score=score, parts=parts, expires_at_ns=ends_ns):
            return f"score {score:g}{_parts(parts)}, waits until {iso_of(ends_ns)}"
        case e.Refused(reason=reason, score=score):
            return reason if score is None else f"{reason}, score {score:g}"
        case e.Redelivered():
            return "the same signal came again"
        case e.Superseded(by=by):
            return f"{by} took its place"
        case e.Expired(reason=reason):
            return f"its last obstacle: {reason}"
        case e.Intended():
            return f"attempt {attempt}: {_order(body)}"
        case e.Placed(venue_order_id=venue_id, status=status, fills=fills):
            return f"{status} on the venue as {venue_id}{_fills(fills)}"
        case e.Deferred(reason=reason, detail=detail, retry_at_ns=again_ns):
            return f"not placed, {reason}: {detail}; again from {iso_of(again_ns)}"
        case e.Failed(reason=reason, detail=detail):
            return f"not placed, {reason}: {detail}"
        case e.Unresolved(detail=detail):
            return f"nobody knows whether it was placed: {detail}"
        case e.Parked(detail=detail):
            return f"no proof to be had, a person decides: {detail}"
        case e.Reopened(venue_order_id=venue_id, detail=detail):
            return f"found on the venue after all as {venue_id}: {detail}"
        case e.Adopted(venue_order_id=venue_id, detail=detail, request=request, status=status, fills=fills):
            return f"{_order(request)}: {detail}; {status} on the venue as {venue_id}{_fills(fills)}"
        case e.Filled(fill=fill):
            return f"{_fills((fill,)).lstrip(', ')}, trade {fill.trade_id}"
        case e.OrderChanged(status=status):
            return f"{status} on the venue"
    return ""


def _evidence(seen: Evidence | None) -> str:
    if seen is None:
        return ""
    took_ms = (seen.answered_at_ns - seen.asked_at_ns) / 1e6
    return f" [{seen.asked or 'not sent'}, {took_ms:.0f} ms, {seen.meaning}: {seen.answer}]"


def _parts(parts: tuple[tuple[str, float], ...]) -> str:
    return f" ({', '.join(f'{factor} {value:g}' for factor, value in parts)})" if parts else ""


def _order(intent: e.Intended) -> str:
    price = "" if intent.price is None else f" at {plain(intent.price)}"
    return (
        f"{intent.side} {plain(intent.amount)} {intent.symbol} {intent.order_type}{price} "
        f"by {intent.trader} as {intent.client_order_id}, {plain(intent.reserved)} set aside"
    )


def _fills(fills: tuple[Fill, ...]) -> str:
    if not fills:
        return ""
    amount, average = traded(fills)
    fees = ", ".join(f"{plain(fill.fee)} {fill.fee_currency}" for fill in fills)
    return f", filled {amount} at {average}, fee {fees}"
