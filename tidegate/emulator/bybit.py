"""Bybit v5 spot, as its clients see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from tidegate.emulator import bybit_market as market
from tidegate.emulator import bybit_trading as trading
from tidegate.emulator.bybit_errors import refuse
from tidegate.emulator.bybit_stream import BybitStream
from tidegate.emulator.bybit_words import key_of, wallet_of
from tidegate.emulator.dialect import Claim, DialectCall, Route, StreamDialect
from tidegate.emulator.faults import Operation
from tidegate.emulator.reading import enveloped, pairs
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply, Request

__all__ = ["Bybit"]


class Bybit:
    """Bybit's dialect: JSON requests, the signature in their headers, and answers in an envelope with a `retCode`."""

    def __init__(self) -> None:
        self.stream: StreamDialect = BybitStream()
        self.routes: Mapping[tuple[str, str], Route] = {
            ("POST", "/v5/order/create"): _signed(Operation.CREATE, trading.create),
            ("POST", "/v5/order/cancel"): _signed(Operation.CANCEL, trading.cancel),
            ("GET", "/v5/order/realtime"): Route(_one_or(Operation.OPEN_ORDERS), trading.realtime),
            ("GET", "/v5/order/history"): Route(_one_or(Operation.RECENT), trading.history),
            ("GET", "/v5/execution/list"): _signed(Operation.TRADES, trading.trades),
            ("GET", "/v5/account/wallet-balance"): _signed(
                Operation.BALANCE, lambda call: enveloped({"list": [wallet_of(call.account)]}, call.now_ms)
            ),
            ("GET", "/v5/account/info"): _signed(Operation.KEY, market.account_info),
            ("GET", "/v5/user/query-api"): _signed(
                Operation.KEY, lambda call: enveloped(key_of(call.account), call.now_ms)
            ),
            ("GET", "/v5/account/fee-rate"): _signed(Operation.OTHER, market.fees),
            ("GET", "/v5/asset/coin/query-info"): _signed(Operation.MARKETS, market.coins),
            ("GET", "/v5/market/time"): _public(Operation.TIME, market.time),
            ("GET", "/v5/market/instruments-info"): _public(Operation.MARKETS, market.markets),
            ("GET", "/v5/market/tickers"): _public(Operation.PRICES, market.tickers),
            ("GET", "/v5/market/orderbook"): _public(Operation.PRICES, market.depth),
            ("GET", "/v5/market/kline"): _public(Operation.CANDLES, market.klines),
        }

    def read(self, request: Request) -> Mapping[str, str]:
        """The query, or the JSON body."""
        return orjson.loads(request.body) if request.body else pairs(request.query)

    def claim(self, request: Request, params: Mapping[str, str]) -> Claim | VenueRejection:  # noqa: ARG002
        """What is signed is the time, the key, the window, and the query or the body."""
        headers = request.headers
        key, at, window = (headers.get(f"x-bapi-{name}", "") for name in ("api-key", "timestamp", "recv-window"))
        if not key:
            return VenueRejection.UNKNOWN_KEY
        if not (at.isdigit() and window.isdigit()):
            return VenueRejection.BAD_PARAMETER
        text = f"{at}{key}{window}{request.query}".encode() + request.body
        return Claim(key, int(at), int(window), text, headers.get("x-bapi-sign", ""))

    def order_of(self, params: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The symbol and the client order id."""
        return params.get("symbol"), params.get("orderLinkId")

    def refuse(self, refusal: VenueRejection, *, now_ms: int, until_ms: int, status: int | None = None) -> Reply:
        """Bybit's own code and words."""
        return refuse(refusal, now_ms=now_ms, until_ms=until_ms, status=status)


def _signed(operation: Operation, respond: Callable[[DialectCall], Reply | VenueRejection]) -> Route:
    return Route(lambda _: operation, respond)


def _public(operation: Operation, respond: Callable[[DialectCall], Reply | VenueRejection]) -> Route:
    return Route(lambda _: operation, respond, signed=False)


def _one_or(operation: Operation) -> Callable[[Mapping[str, str]], Operation]:
    """A request that names an order is a lookup."""
    return lambda params: Operation.LOOKUP if params.keys() & {"orderId", "orderLinkId"} else operation
