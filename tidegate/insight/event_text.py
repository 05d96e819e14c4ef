"""The events of a signal, in words."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.market import base_of, quote_of
from tidegate.domain.moment import iso_of
from tidegate.domain.order import Evidence, Fill, OrderRequest
from tidegate.domain.order_summary import plain, traded
from tidegate.domain.ports import SignalHistory
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Measure
from tidegate.insight.explaining import explain, margin_of
from tidegate.insight.formatting import rounded

__all__ = ["EventText", "steps_of"]


class EventText(Struct, frozen=True, kw_only=True):
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


def steps_of(history: SignalHistory) -> Iterator[EventText]:
    """Describe a signal's events, oldest first."""
    attempt = 0
    for event in history.events:
        body = event.body
        attempt += isinstance(body, e.Intent)
        measured: Measure = getattr(body, "measured", None)
        limit: Measure = getattr(body, "limit", None)
        yield EventText(
            at=iso_of(event.at_ns),
            elapsed_ms=(event.at_ns - history.events[0].at_ns) / 1e6,
            kind=e.kind_of(body),
            words=" ".join(
                filter(None, (_in_words(body, attempt, event.at_ns), _evidence(getattr(body, "evidence", None))))
            ),
            measured=measured,
            limit=limit,
            margin=margin_of(measured, limit),
            attempt=attempt if hasattr(body, "client_order_id") else None,
            body=body,
        )


def _in_words(body: e.Body, attempt: int, at_ns: int) -> str:
    match body:
        case e.Accepted(score=score, parts=parts, expires_at_ns=ends_ns):
            until = _moment(ends_ns, at_ns)
            return f"Passed every check with a score of {score:.3g}{_parts(parts)}. It may wait until {until}."
        case e.Refused(reason=reason, score=score):
            scored = "" if score is None or reason is Reason.SCORE_TOO_LOW else f" Its score was {score:.3g}."
            return f"{_because(reason, body.measured, body.limit, body.rule)}{scored}"
        case e.Redelivered():
            return "The same signal arrived again: nothing changed."
        case e.Superseded(by=by):
            return f"Replaced by the newer signal {by}."
        case e.Expired(reason=reason):
            last = _because(reason, body.measured, body.limit, body.rule)
            return f"Its time to live ran out. Last obstacle: {last}"
        case e.Intent():
            return f"Attempt {attempt}: {_order(body)}"
        case e.Placed(venue_order_id=venue_id, status=status, fills=fills):
            return f"The venue has the order as {venue_id}: {status}.{_fills(fills)}"
        case e.Deferred(reason=reason, detail=detail, retry_at_ns=again_ns):
            return f"Not placed. {_because(reason, detail)} It may be retried from {_moment(again_ns, at_ns)}."
        case e.Failed(reason=reason, detail=detail):
            return f"Not placed. {_because(reason, detail)}"
        case e.Unknown(detail=detail):
            return f"Placement unconfirmed: {_ended(detail)} The venue is being asked; nothing is resent on a guess."
        case e.Parked(detail=detail):
            return f"Cannot be proved either way: {_ended(detail)}"
        case e.Reopened(venue_order_id=venue_id, detail=detail, status=status, fills=fills):
            return f"Found on the venue as {venue_id}: {status}. {_ended(detail)}{_fills(fills)}"
        case e.Adopted(venue_order_id=venue_id, detail=detail, request=request, status=status, fills=fills):
            return f"{_order(request)} {_ended(detail)} The venue has it as {venue_id}: {status}.{_fills(fills)}"
        case e.Filled(fill=fill):
            return f"Trade {fill.trade_id}.{_fills((fill,))}"
        case e.OrderChanged(status=status):
            return f"The order is {status} on the venue."
    return ""


def _moment(at_ns: int, seen_from_ns: int) -> str:
    """`02:04:06` in UTC, with its date where that is another day."""
    moment, seen_from = iso_of(at_ns), iso_of(seen_from_ns)
    return moment[11:19] if moment[:10] == seen_from[:10] else f"{moment[:10]} {moment[11:19]}"


def _because(reason: Reason, measured: Measure = None, limit: Measure = None, rule: str | None = None) -> str:
    return _ended(explain(reason, measured, limit, rule))


def _ended(words: str) -> str:
    """The words with a full stop, unless they have an end of their own."""
    return words if words.endswith((".", "!", "?", "]", "}")) else f"{words}."


def _evidence(seen: Evidence | None) -> str:
    if seen is None:
        return ""
    took_ms = (seen.answered_at_ns - seen.asked_at_ns) / 1e6
    said = ": ".join(filter(None, (seen.meaning, seen.answer)))
    return f"[{seen.asked or 'not sent'}, {took_ms:.0f} ms, {said}]"


def _parts(parts: tuple[tuple[str, float], ...]) -> str:
    return f" ({', '.join(f'{factor} {value:.3g}' for factor, value in parts)})" if parts else ""


def _order(intent: OrderRequest) -> str:
    price = "" if intent.price is None else f" at {plain(intent.price)}"
    return (
        f"{intent.side} {plain(intent.amount)} {intent.symbol}, {intent.order_type}{price}, by {intent.trader} "
        f"as {intent.client_order_id}. {_reserved(intent)}{_sale(intent)}"
    )


def _reserved(intent: OrderRequest) -> str:
    currency = quote_of(intent.symbol) if intent.side == "buy" else base_of(intent.symbol)
    return f"{rounded(intent.reserved)} {currency} reserved."


def _sale(intent: OrderRequest) -> str:
    """What is particular to a sale: that it was cut, and that it goes beyond closing."""
    cut = "" if intent.cut_from is None else f" Reduced from {plain(intent.cut_from)}: no more may be sold."
    return cut + (" Includes coins that our trades did not buy." if intent.own_coins else "")


def _fills(fills: tuple[Fill, ...]) -> str:
    if not fills:
        return ""
    amount, average = traded(fills)
    fees = " + ".join(f"{rounded(fill.fee)} {fill.fee_currency}{_value(fill)}" for fill in fills)
    return f" Filled {amount} at {average}, fee {fees}."


def _value(fill: Fill) -> str:
    return "" if fill.fee_in_quote is None else f" (worth {rounded(fill.fee_in_quote)})"
