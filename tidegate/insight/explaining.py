"""A reason in words: what was measured, the limit, and by how much it was missed."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from tidegate.domain.order_summary import plain
from tidegate.domain.reasons import Reason
from tidegate.domain.text import printable
from tidegate.domain.verdict import Measure
from tidegate.insight.formatting import rounded

__all__ = ["explain", "margin_of"]

_IN_WORDS: dict[Reason, str] = {
    Reason.MALFORMED: "{measured}",
    Reason.CONFLICT: "its key was used before with different content",
    Reason.STALE: "{measured} ms old at receipt, {margin} ms more than the {limit} ms allowed",
    Reason.FROM_FUTURE: "timestamp {measured} ms ahead, {margin} ms more than the {limit} ms allowed",
    Reason.WEAK: "strength {measured}, {margin} below the minimum of {limit}",
    Reason.SCORE_TOO_LOW: "score {measured}, {margin} below the minimum of {limit}",
    Reason.UNKNOWN_SOURCE: "the source {measured} is not one of {limit}",
    Reason.UNKNOWN_SYMBOL: "{measured} is not one of {limit}",
    Reason.UNKNOWN_TRADER: "there is no trader {measured}, only {limit}",
    Reason.REPEAT: "a similar signal passed {measured} s before, the window is {limit} s",
    Reason.POSITION_LIMIT: "would make {measured} open positions, {limit} allowed",
    Reason.NOTIONAL_LIMIT: "would cost {measured}, {margin} more than the {limit} allowed",
    Reason.BELOW_MINIMUM: "{measured} is less than the venue's minimum of {limit}",
    Reason.INSUFFICIENT_BALANCE: "{measured} free, {limit} needed: {margin} missing",
    Reason.NO_POSITION: "{measured} held, the minimum to sell is {limit}",
    Reason.STALE_MARKET_DATA: "price {measured} s old, {limit} s allowed",
    Reason.PRICE_DRIFTED: "the price moved {measured} bps the wrong way, {margin} more than the {limit} allowed",
    Reason.OUTSIDE_HOURS: "it is {measured}, entries are made {limit}",
    Reason.SPREAD_TOO_WIDE: "the spread is {measured} bps of mid, {margin} more than the {limit} allowed",
    Reason.TOO_VOLATILE: "the volatility is {measured} per candle, {margin} more than the {limit} allowed",
    Reason.VOLUME_TOO_LOW: "the last candle traded {measured}, {margin} less than the minimum of {limit}",
    Reason.NO_MARKET_DATA: "{measured} has no price yet",
    Reason.IN_FLIGHT_FULL: "{limit} orders in flight, the most allowed",
}


def explain(reason: Reason, measured: Measure = None, limit: Measure = None, rule: str | None = None) -> str:
    """`weak: strength 0.2, 0.3 below the minimum of 0.5`: one line that steers no terminal, with short numbers. A rule
    of the user's own comes with its name: `rule mine:unsure: 0.4, limit 0.6`."""
    words, margin = _IN_WORDS.get(reason), margin_of(measured, limit)
    given = {"measured": measured, "limit": limit, "margin": None if margin is None else margin.lstrip("-")}
    if words is None or any(f"{{{name}}}" in words for name, value in given.items() if value is None):
        shown = ("", measured), ("limit ", limit)
        words = ", ".join(f"{name}{_short(value)}" for name, value in shown if value is not None)
    else:
        words = words.format(**{name: _short(value) for name, value in given.items()})
    named = f"{reason}" if rule is None else f"{reason} {rule}"
    return printable(f"{named}: {words}" if words else named)


def margin_of(measured: Measure, limit: Measure) -> str | None:
    """`measured` less `limit`, where both are numbers or written so."""
    try:
        margin = Decimal(str(measured)) - Decimal(str(limit))
    except InvalidOperation:
        return None
    return plain(margin.normalize()) if margin.is_finite() else None


def _short(value: Measure) -> str:
    try:
        return rounded(Decimal(str(value)))
    except InvalidOperation:
        return str(value)
