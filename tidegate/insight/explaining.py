"""A reason in words: what was measured, the limit, and by how much it was missed."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from tidegate.domain.order_summary import plain
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.text import printable
from tidegate.domain.verdict import Measure
from tidegate.insight.formatting import rounded

__all__ = ["explain", "margin_of"]


def explain(reason: Reason, measured: Measure = None, limit: Measure = None, rule: str | None = None) -> str:
    """`weak: strength 0.2, 0.3 below the minimum of 0.5`: one line that steers no terminal, with short numbers. A rule
    of the user's own comes with its name: `rule mine:unsure: 0.4, limit 0.6`."""
    words, margin = REASONS[reason].words, margin_of(measured, limit)
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
