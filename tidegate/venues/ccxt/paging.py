"""How a venue's listing goes on after its first page, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from tidegate.venues.ccxt.forms import MalformedAnswer, value_at

__all__ = ["ListingMethods", "Onward", "Paging"]


class Onward(StrEnum):
    """What leads to the next page."""

    WHOLE = "one page has all of it"
    NEXT_ID = "oldest first; the next begins behind the last id"
    OLDER_ID = "newest first; the next begins before the last id"
    CURSOR = "the answer names the next"
    OFFSET = "the next begins after as many as were read"
    NOT_KNOWN = "only the first is read"


class Paging(Struct, frozen=True, kw_only=True, gc=False):
    """How to read a listing to its end.

    A page has at most `limit` items; None where that is the venue's to say. `param` carries where the next begins, and
    `path` leads to it: to the id in an item, or to the cursor or the number of all in the answer. What is listed since
    a moment is asked for in windows of at most `window_ms`.
    """

    onward: Onward = Onward.NOT_KNOWN
    limit: int | None = None
    param: str = ""
    path: str = ""
    window_ms: int | None = None

    def next_page(self, answer: Any, items: Sequence[Any], read: int) -> Mapping[str, Any] | None:
        """The parameters of the page after one, with `read` items so far; None where it was the last.

        Raises:
            MalformedAnswer: the answer does not say where it goes on.
        """
        if not items or self.onward in (Onward.WHOLE, Onward.NOT_KNOWN):
            return None
        if self.onward is Onward.CURSOR:
            cursor = value_at(answer, self.path)
            return {self.param: cursor} if cursor else None
        if self.onward is Onward.OFFSET:
            total = value_at(answer, self.path)
            if not str(total).isdigit():
                raise MalformedAnswer(f"the answer has no {self.path}")
            return {self.param: read} if read < int(total) else None
        if len(items) < (self.limit or 1):
            return None
        last = value_at(items[-1], self.path)
        if last is None:
            raise MalformedAnswer(f"the answer has an item without {self.path}")
        return {self.param: int(last) + 1 if self.onward is Onward.NEXT_ID else last}

    def may_be_cut(self, items: int) -> bool:
        """Whether a page of which the next is not known may not be the last: it is full, or of a round number."""
        if self.onward is not Onward.NOT_KNOWN:
            return False
        return items >= self.limit if self.limit else items >= 10 and (items % 10 == 0 or items % 25 == 0)


class ListingMethods(Struct, frozen=True, kw_only=True, gc=False):
    """How a venue lists orders and trades.

    `closed_by` are the unified methods that together list the orders that are over; where it is empty, what ccxt says
    that the class has. `of_order` says how the trades of one order are listed by `fetch_order_trades`: since the order
    was made, or at any time; None where they are sifted out of all trades.
    """

    open: Paging = Paging(onward=Onward.WHOLE)
    closed: Paging = Paging()
    closed_by: tuple[str, ...] = ()
    trades: Paging = Paging()
    of_order: Paging | None = None
