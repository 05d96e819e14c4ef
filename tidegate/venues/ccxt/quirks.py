"""What is particular to each venue, as data: ids, lookups, how a request expires, codes, options."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from tidegate.venues.ccxt.codes import (
    BINANCE,
    BITGET,
    BYBIT,
    COINBASE,
    GATE,
    GENERIC_CODES,
    KRAKEN,
    KUCOIN,
    MEXC,
    OKX,
    Codes,
)
from tidegate.venues.ccxt.direct import BINANCE_ORDERS, BYBIT_ORDERS, DirectOrders
from tidegate.venues.ccxt.forms import Forms
from tidegate.venues.ccxt.lookups import Lookup, LookupSource
from tidegate.venues.ccxt.meaning import TOO_MANY_FROM_HERE, Ruling
from tidegate.venues.ccxt.paging import ListingMethods
from tidegate.venues.ccxt.shapes import (
    BINANCE_FORMS,
    BINANCE_LISTINGS,
    BITGET_FORMS,
    BYBIT_FORMS,
    BYBIT_LISTINGS,
    KRAKEN_FORMS,
    KRAKEN_LISTINGS,
    KUCOIN_FORMS,
    OKX_FORMS,
    OKX_LISTINGS,
)

__all__ = ["GENERIC", "ORDERS_BY_GET", "VENUES", "Carrier", "Fence", "Quirks", "quirks_of"]


class Carrier(StrEnum):
    """What carries the moment until which a request is good."""

    OPTION = "option"  # ccxt sends it with every signed request, from the exchange's options
    PARAM = "parameter"
    HEADER = "header"


class Fence(Struct, frozen=True, gc=False):
    """A venue's own refusal of requests that come too late: `window_ms` after they were signed."""

    carrier: Carrier
    name: str
    window_ms: int


class Quirks(Struct, frozen=True, kw_only=True, gc=False):
    """One venue as we know it.

    The client order id goes to ccxt as `id_param`, and on the wire as `id_field`, with `id_prefix` and at most
    `id_max` long. `lookups` are asked all; `lookup_proved` says that tests show what they send, and `lag_s` is how long
    an order may stay hidden from them. `statuses` are the meanings of HTTP statuses of answers without a code.
    `options` go to the class; `warm_up` is called before the first order, as ccxt would else ask in the midst of it.
    `batch_max` is 1 wherever ccxt's batch reply hides what became of the single orders. A market order never has a
    price, which would become an amount to spend; where `market_buys` is not set the venue takes no amount to buy.
    `order_limits` are how many orders of an account it takes, by seconds. `sandbox_header` marks requests of the
    sandbox where it has the addresses of the real venue.

    `forms` is what its answers must look like, `listings` how they are read to their end. `fee_currency_field` is that
    of its trades where ccxt guesses the currency of a fee. `direct` is how it is given orders without `create_order`,
    where tests prove that this comes to the same. `gets_only_read` says that it takes no orders by GET.
    """

    exchange_id: str
    codes: Codes
    id_param: str = "clientOrderId"
    id_field: str = "clientOrderId"
    id_prefix: str = ""
    id_max: int = 18
    lookups: tuple[Lookup, ...] = ()
    lookup_proved: bool = False
    lag_s: float = 30
    fence: Fence | None = None
    statuses: Mapping[int, Ruling] = {}
    options: Mapping[str, Any] = MappingProxyType({"defaultType": "spot"})
    warm_up: str | None = None
    batch_max: int = 1
    market_buys: bool = True
    sandbox_header: str | None = None
    order_limits: Mapping[float, int] = MappingProxyType({})
    forms: Forms = Forms()
    listings: ListingMethods = ListingMethods()
    fee_currency_field: str | None = None
    direct: DirectOrders | None = None
    gets_only_read: bool = True

    def venue_id(self, client_order_id: str) -> str:
        """The client order id as the venue tells it."""
        return f"{self.id_prefix}{client_order_id}"

    def client_order_id(self, venue_id: str | None) -> str | None:
        """Our own id of an order of which the venue tells `venue_id`; None where it tells none."""
        return (venue_id or "").removeprefix(self.id_prefix) or None


def _lookup(source: LookupSource, id_param: str | None = None, method: str | None = None) -> Lookup:
    return Lookup(source=source, id_param=id_param, method=method)


_BY_ID = _lookup(LookupSource.ORDER, "clientOrderId")
_SIFTED = (_lookup(LookupSource.OPEN), _lookup(LookupSource.RECENT))
_ONLY_SIFTED = (_lookup(LookupSource.OPEN), Lookup(source=LookupSource.RECENT, sifted_since_s=86_400))
_SPOT = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}

ORDERS_BY_GET = frozenset({"coinbaseinternational", "deribit", "dydx"})
"""The exchanges to which ccxt sends orders by GET, which aiohttp sends again when a connection drops."""

GENERIC = Quirks(exchange_id="", codes=GENERIC_CODES, lookups=_ONLY_SIFTED, gets_only_read=False)
"""Any venue we know nothing of: what it does not tell plainly is for a person to decide."""

VENUES: Mapping[str, Quirks] = {
    quirks.exchange_id: quirks
    for quirks in (
        Quirks(
            exchange_id="binance",
            codes=BINANCE,
            id_field="newClientOrderId",
            id_max=36,
            lookups=(_BY_ID, *_SIFTED),
            lookup_proved=True,
            lag_s=10,
            fence=Fence(Carrier.OPTION, "recvWindow", 10_000),
            statuses={403: TOO_MANY_FROM_HERE},
            options={**_SPOT, "fetchMargins": False, "warnOnFetchOpenOrdersWithoutSymbol": False},
            order_limits={10: 100, 86_400: 200_000},
            forms=BINANCE_FORMS,
            listings=BINANCE_LISTINGS,
            direct=BINANCE_ORDERS,
        ),
        Quirks(
            exchange_id="bybit",
            codes=BYBIT,
            id_field="orderLinkId",
            id_max=36,
            lookups=(
                _lookup(LookupSource.OPEN, "orderLinkId"),
                _lookup(LookupSource.CLOSED, "orderLinkId", "fetch_canceled_and_closed_orders"),
            ),
            lookup_proved=True,
            lag_s=10,
            fence=Fence(Carrier.OPTION, "recvWindow", 5_000),
            statuses={403: TOO_MANY_FROM_HERE},
            options=_SPOT,
            order_limits={1: 10},
            warm_up="is_unified_enabled",
            forms=BYBIT_FORMS,
            listings=BYBIT_LISTINGS,
            fee_currency_field="feeCurrency",
            direct=BYBIT_ORDERS,
        ),
        Quirks(
            exchange_id="okx",
            codes=OKX,
            id_field="clOrdId",
            id_max=32,
            lookups=(_BY_ID, _lookup(LookupSource.OPEN)),
            lookup_proved=True,
            lag_s=10,
            fence=Fence(Carrier.HEADER, "expTime", 10_000),
            options=_SPOT,
            sandbox_header="x-simulated-trading",
            forms=OKX_FORMS,
            listings=OKX_LISTINGS,
        ),
        Quirks(
            exchange_id="kraken",
            codes=KRAKEN,
            id_field="cl_ord_id",
            lookups=(_lookup(LookupSource.OPEN, "clientOrderId"), _lookup(LookupSource.CLOSED, "clientOrderId")),
            lookup_proved=True,
            lag_s=10,
            fence=Fence(Carrier.PARAM, "deadline", 10_000),
            forms=KRAKEN_FORMS,
            listings=KRAKEN_LISTINGS,
        ),
        Quirks(
            exchange_id="coinbase",
            codes=COINBASE,
            id_param="client_order_id",
            id_field="client_order_id",
            id_max=36,
            lookups=_ONLY_SIFTED,
            market_buys=False,
        ),
        Quirks(
            exchange_id="kucoin",
            codes=KUCOIN,
            id_field="clientOid",
            id_max=40,
            lookups=(_BY_ID, *_SIFTED[:1]),
            forms=KUCOIN_FORMS,
        ),
        Quirks(
            exchange_id="gate",
            codes=GATE,
            id_field="text",
            id_prefix="t-",
            id_max=28,
            lookups=(_BY_ID, *_SIFTED[:1]),
            market_buys=False,
        ),
        Quirks(
            exchange_id="bitget",
            codes=BITGET,
            id_field="clientOid",
            id_max=40,
            lookups=(_BY_ID, *_SIFTED[:1]),
            market_buys=False,
            forms=BITGET_FORMS,
        ),
        Quirks(
            exchange_id="mexc",
            codes=MEXC,
            id_field="newClientOrderId",
            id_max=32,
            lookups=(_BY_ID, *_SIFTED[:1]),
            fence=Fence(Carrier.OPTION, "recvWindow", 5_000),
        ),
    )
}
"""The venues we know, by ccxt's id."""


def quirks_of(exchange_id: str) -> Quirks:
    """What is particular to a venue; `GENERIC` for one that is not listed."""
    return VENUES.get(exchange_id, GENERIC)
