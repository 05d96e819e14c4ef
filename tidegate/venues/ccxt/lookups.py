"""The ways in which a venue can be asked for an order by the client order id that we gave it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

__all__ = ["Lookup", "LookupCall", "LookupSource"]


class LookupSource(StrEnum):
    """Where a lookup looks. All but the first answer with a list, empty where there is no such order."""

    ORDER = "order"
    OPEN = "open orders"
    CLOSED = "closed orders"
    RECENT = "recent orders"


_METHODS = {
    LookupSource.ORDER: "fetch_order",
    LookupSource.OPEN: "fetch_open_orders",
    LookupSource.CLOSED: "fetch_closed_orders",
    LookupSource.RECENT: "fetch_orders",
}


class LookupCall(Struct, frozen=True, gc=False):
    """A call of a unified method: `getattr(exchange, method)(*arguments, params=params)`."""

    method: str
    arguments: tuple[Any, ...]
    params: Mapping[str, str]


class Lookup(Struct, frozen=True, kw_only=True, gc=False):
    """One way to look an order up.

    `id_param` is the parameter that takes its id; where it is None, the venue's listing is read to its end and sifted
    here: orders that are over, since `sifted_since_s` ago. `method` is the unified method, where it is not the usual
    one of the source.
    """

    source: LookupSource
    id_param: str | None = None
    method: str | None = None
    sifted_since_s: float = 3600

    def call(self, venue_id: str, symbol: str) -> LookupCall:
        """The call that asks a venue for an order by the id."""
        method = self.method or _METHODS[self.source]
        params = {} if self.id_param is None else {self.id_param: venue_id}
        return LookupCall(method, (None, symbol) if self.source is LookupSource.ORDER else (symbol,), params)
