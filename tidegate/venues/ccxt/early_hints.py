"""What the user stream said of orders before their acknowledgement came: the stream is often faster."""

from __future__ import annotations

from tidegate.venues.ccxt.user_stream import Hint

__all__ = ["EarlyHints"]

_KEPT = 256


class EarlyHints:
    """The latest hints about orders that are not known here, most of them other people's. Memory: 256 hints."""

    def __init__(self) -> None:
        self._kept: dict[str, Hint] = {}

    def keep(self, hint: Hint) -> None:
        """Keep a hint in place of an earlier one about the same order, unless that said more."""
        name = hint.client_order_id or hint.venue_order_id
        if name is None:
            return
        before = self._kept.pop(name, None)
        self._kept[name] = hint if before is None or not _says_more(before, hint) else before
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]

    def take(self, client_order_id: str, venue_order_id: str) -> Hint | None:
        """The hint about an order that is known from now on; None where there was none."""
        return self._kept.pop(client_order_id, None) or self._kept.pop(venue_order_id, None)


def _says_more(one: Hint, other: Hint) -> bool:
    """Messages may come out of order: an order that is over stays so, and fills only grow."""
    return (not one.is_open, one.filled or 0) > (not other.is_open, other.filled or 0)
