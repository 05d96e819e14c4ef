"""What each venue's answers look like, and how it lists orders and trades: data, held to ccxt's code by tests."""

from __future__ import annotations

from tidegate.venues.ccxt.forms import Content, Form, Forms
from tidegate.venues.ccxt.paging import ListingMethods, Onward, Paging

__all__ = [
    "BINANCE_FORMS",
    "BINANCE_LISTINGS",
    "BITGET_FORMS",
    "BYBIT_FORMS",
    "BYBIT_LISTINGS",
    "KRAKEN_FORMS",
    "KRAKEN_LISTINGS",
    "KUCOIN_FORMS",
    "OKX_FORMS",
    "OKX_LISTINGS",
]

_DAY_MS = 86_400_000

_BINANCE_ORDER = ("symbol", "orderId", "clientOrderId", "side", "origQty", "executedQty", "status")
BINANCE_FORMS = Forms(
    contents={
        Content.ORDER: Form(alone=True, fields=_BINANCE_ORDER),
        Content.ORDERS: Form(fields=_BINANCE_ORDER),
        Content.TRADES: Form(fields=("id", "orderId", "price", "qty", "commission", "commissionAsset")),
        Content.BALANCES: Form(at=("balances",), fields=("asset", "free", "locked")),
    }
)
BINANCE_LISTINGS = ListingMethods(
    closed_by=("fetch_orders",),
    closed=Paging(onward=Onward.NEXT_ID, limit=1000, param="orderId", path="orderId", window_ms=_DAY_MS),
    trades=Paging(onward=Onward.NEXT_ID, limit=1000, param="fromId", path="id", window_ms=_DAY_MS),
    of_order=Paging(onward=Onward.NEXT_ID, limit=1000, param="fromId", path="id"),
)

BYBIT_FORMS = Forms(
    success_at="retCode",
    success=(0, "0"),
    contents={
        Content.ORDERS: Form(
            at=("result.list",),
            fields=("symbol", "orderId", "orderLinkId", "side", "qty", "cumExecQty", "orderStatus"),
        ),
        Content.TRADES: Form(at=("result.list",), fields=("execId", "orderId", "execPrice", "execQty", "execFee")),
        Content.BALANCES: Form(at=("result.list.0.coin",), fields=("coin", "walletBalance")),
    },
)
_BYBIT_PAGES = Paging(
    onward=Onward.CURSOR, limit=50, param="cursor", path="result.nextPageCursor", window_ms=7 * _DAY_MS
)
_BYBIT_TRADES = Paging(
    onward=Onward.CURSOR, limit=100, param="cursor", path="result.nextPageCursor", window_ms=7 * _DAY_MS
)
BYBIT_LISTINGS = ListingMethods(
    open=Paging(onward=Onward.CURSOR, limit=50, param="cursor", path="result.nextPageCursor"),
    closed_by=("fetch_canceled_and_closed_orders",),
    closed=_BYBIT_PAGES,
    trades=_BYBIT_TRADES,
    of_order=_BYBIT_TRADES,
)

_OKX_ORDER = ("instId", "ordId", "clOrdId", "side", "sz", "accFillSz", "state")
OKX_FORMS = Forms(
    success_at="code",
    success=("0", 0),
    contents={
        Content.ORDER: Form(at=("data.0",), alone=True, fields=_OKX_ORDER),
        Content.ORDERS: Form(at=("data",), fields=_OKX_ORDER),
        Content.TRADES: Form(at=("data",), fields=("tradeId", "ordId", "billId", "fillPx", "fillSz", "fee", "feeCcy")),
        Content.BALANCES: Form(at=("data.0.details",), fields=("ccy",)),
    },
)
_OKX_ORDERS = Paging(onward=Onward.OLDER_ID, limit=100, param="after", path="ordId")
_OKX_TRADES = Paging(onward=Onward.OLDER_ID, limit=100, param="after", path="billId")
OKX_LISTINGS = ListingMethods(
    open=_OKX_ORDERS,
    closed_by=("fetch_closed_orders", "fetch_canceled_orders"),
    closed=_OKX_ORDERS,
    trades=_OKX_TRADES,
    of_order=_OKX_TRADES,
)

KRAKEN_FORMS = Forms(
    success_at="error",
    success=([],),
    contents={
        Content.ORDERS: Form(
            at=("result.open", "result.closed"), by_id=True, fields=("status", "vol", "vol_exec", "descr")
        ),
        Content.TRADES: Form(at=("result.trades",), by_id=True, fields=("ordertxid", "pair", "price", "vol", "fee")),
        Content.BALANCES: Form(at=("result",), by_id=True),
    },
)
_KRAKEN_PAGES = Paging(onward=Onward.OFFSET, param="ofs", path="result.count")
KRAKEN_LISTINGS = ListingMethods(closed_by=("fetch_closed_orders",), closed=_KRAKEN_PAGES, trades=_KRAKEN_PAGES)

KUCOIN_FORMS = Forms(success_at="code", success=("200000",))
BITGET_FORMS = Forms(success_at="code", success=("00000",))
