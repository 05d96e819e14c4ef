"""An event in one plain line: of a signal, or of the pipeline as a whole."""

from __future__ import annotations

from tidegate.domain import events as e
from tidegate.domain.moment import iso_of
from tidegate.domain.order import Fill
from tidegate.domain.order_summary import fills_in, plain, traded
from tidegate.domain.signal_summary import SignalSummary
from tidegate.domain.text import encodable
from tidegate.domain.verdict import Measure

__all__ = ["has_line", "pipeline_text", "signal_text"]

_ID_SHOWN = 10
_WORDS: dict[type[e.Body], str] = {
    e.Refused: "refused",
    e.Superseded: "superseded",
    e.Expired: "expired",
    e.Placed: "placed",
    e.Deferred: "deferred",
    e.Failed: "failed",
    e.Unknown: "unknown",
    e.Parked: "parked",
    e.Reopened: "reopened",
    e.Adopted: "adopted",
    e.Filled: "filled",
    e.OrderChanged: "order",
}


def has_line(body: e.Body) -> bool:
    """Whether an event of a signal is an outcome or an update of its order: each of those has a line."""
    return type(body) in _WORDS


def signal_text(body: e.Body, line: SignalSummary) -> str:
    """The line of an event that has one: the start of the signal's id, as `why` accepts it, the side, the symbol and
    the source."""
    asked = f"{line.side} {line.symbol} from {line.source}" if line.symbol else "unreadable"
    said = _said(body, line)
    return _one_line(f"{_WORDS[type(body)]} {line.signal_id[:_ID_SHOWN]} {asked}{': ' if said else ''}{said}")


def pipeline_text(body: e.Body) -> str | None:
    """The line of an event of the pipeline as a whole; None for one that needs none.

    Incidents and differences have none: the log has a record of each, with its severity.
    """
    match body:
        case e.Halted(reduce_only=True, why=why):
            return _one_line(f"halted, closing orders only: {why}")
        case e.Halted(why=why):
            return _one_line(f"halted: {why}")
        case e.Resumed():
            return "resumed: new orders are allowed again"
        case e.TurnedAway(count=count, reason=reason):
            return f"{count} signals were shed at intake: {reason}"
        case e.Banned(address=address, until_ns=until_ns, reason=reason):
            return f"nothing is sent to {address} until {iso_of(until_ns)}: {reason}"
        case e.Gap(where=where, silent_s=silent_s):
            return _one_line(f"{where}: no data for {silent_s:g} s")
    return None


def _said(body: e.Body, line: SignalSummary) -> str:
    match body:
        case (
            e.Refused(reason=reason, measured=measured, limit=limit, rule=rule)
            | e.Expired(reason=reason, measured=measured, limit=limit, rule=rule)
        ):
            return f"{reason}{'' if rule is None else f' {rule}'}{_measured(measured, limit)}"
        case e.Superseded(by=by):
            return f"by {by[:_ID_SHOWN]}"
        case e.Placed(status=status):
            price = f" at {line.price}" if line.price else ""
            return f"{line.quantity}{price} by {line.trader}, {status}{_filled(fills_in(body))}"
        case e.Deferred(reason=reason, detail=detail) | e.Failed(reason=reason, detail=detail):
            return f"not placed, {reason}: {detail}"
        case e.Unknown(detail=detail) | e.Parked(detail=detail):
            return detail
        case e.Reopened(detail=detail) | e.Adopted(detail=detail):
            return f"{detail}{_filled(fills_in(body))}"
        case e.Filled(fill=fill):
            return _filled((fill,)).removeprefix(", filled ")
        case e.OrderChanged(status=status):
            return f"{status} on {line.trader}"
    return ""


def _measured(measured: Measure, limit: Measure) -> str:
    words = [_measure(measured)] * (measured is not None) + [f"limit {_measure(limit)}"] * (limit is not None)
    return f" ({', '.join(words)})" if words else ""


def _measure(value: Measure) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _filled(fills: tuple[Fill, ...]) -> str:
    if not fills:
        return ""
    amount, average = traded(fills)
    fees = ", ".join(f"{plain(fill.fee.normalize())} {fill.fee_currency}" for fill in fills)
    return f", filled {amount} at {average}, fee {fees}"


def _one_line(text: str) -> str:
    return " ".join(encodable(text).split())
