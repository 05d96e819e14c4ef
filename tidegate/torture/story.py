"""A run as text, in the order of events."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.domain import events as e
from tidegate.torture.history import TortureHistory

__all__ = ["story_of"]

_WIDTH = 250


def story_of(past: TortureHistory, *, start_ns: int) -> Sequence[str]:
    """One line for each event in the journal, and for each thing that happened at a venue, with its time."""
    lines: list[tuple[int, int, str]] = []
    for event in past.events:
        said = msgspec.json.encode(event.body).decode()
        lines.append((event.at_ns, event.position, f"journal  {event.signal_id[:6]:6} {e.kind_of(event.body)} {said}"))
    for sent in past.ledger.sent:
        request = sent.request
        what = f"venue    sent   {request.side} {request.amount} {request.symbol} as {request.client_order_id}"
        lines.append((sent.at_ns, sent.believed, f"{what} to {request.trader}"))
    for taken in past.ledger.taken:
        what = f"venue    taken  {taken.request.client_order_id} at {taken.request.trader}, shown "
        lines.append((taken.at_ns, 1 << 62, f"{what}{(taken.shown_ns - taken.at_ns) / 1e9:g} s later"))
    lines += [(at_ns, 1 << 62, f"venue    {what}") for at_ns, what in past.ledger.news]
    return [f"{(at_ns - start_ns) / 1e9:9.3f} s  {what}"[:_WIDTH] for at_ns, _, what in sorted(lines)]
