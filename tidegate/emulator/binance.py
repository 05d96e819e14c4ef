"""Binance spot, as its clients see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidegate.emulator import binance_market as market
from tidegate.emulator import binance_trading as trading
from tidegate.emulator.binance_errors import refuse
from tidegate.emulator.binance_stream import BinanceStream
from tidegate.emulator.binance_words import account_of, key_of
from tidegate.emulator.dialect import Claim, DialectCall, Route, StreamDialect
from tidegate.emulator.faults import Operation
from tidegate.emulator.reading import as_json, pairs
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply, Request

__all__ = ["Binance"]

_WINDOW_MS = 5000


class Binance:
    """Binance's dialect: form-encoded requests with the signature at their end, errors as `code` and `msg`."""

    def __init__(self) -> None:
        self.stream: StreamDialect = BinanceStream()
        free, signed = _public, _signed
        self.routes: Mapping[tuple[str, str], Route] = {
            ("POST", "/api/v3/order"): signed(Operation.CREATE, trading.create),
            ("GET", "/api/v3/order"): signed(Operation.LOOKUP, trading.look_up),
            ("DELETE", "/api/v3/order"): signed(Operation.CANCEL, trading.cancel),
            ("GET", "/api/v3/openOrders"): signed(Operation.OPEN_ORDERS, trading.open_orders),
            ("DELETE", "/api/v3/openOrders"): signed(Operation.CANCEL, trading.cancel_all),
            ("GET", "/api/v3/allOrders"): signed(Operation.RECENT, trading.recent),
            ("GET", "/api/v3/myTrades"): signed(Operation.TRADES, trading.trades),
            ("GET", "/api/v3/account"): signed(
                Operation.BALANCE, lambda call: as_json(account_of(call.account, call.now_ms))
            ),
            ("GET", "/sapi/v1/account/apiRestrictions"): signed(
                Operation.KEY, lambda call: as_json(key_of(call.account))
            ),
            ("GET", "/sapi/v1/asset/tradeFee"): signed(Operation.OTHER, market.fees),
            ("GET", "/sapi/v1/capital/config/getall"): signed(Operation.MARKETS, market.coins),
            ("GET", "/sapi/v1/margin/allPairs"): signed(Operation.MARKETS, lambda _: as_json([])),
            ("GET", "/sapi/v1/margin/isolated/allPairs"): signed(Operation.MARKETS, lambda _: as_json([])),
            ("GET", "/sapi/v1/system/status"): free(Operation.OTHER, lambda _: as_json({"status": 0, "msg": "normal"})),
            ("GET", "/api/v3/ping"): free(Operation.TIME, lambda _: as_json({})),
            ("GET", "/api/v3/time"): free(Operation.TIME, lambda call: as_json({"serverTime": call.now_ms})),
            ("GET", "/api/v3/exchangeInfo"): free(Operation.MARKETS, market.markets),
            ("GET", "/fapi/v1/exchangeInfo"): free(Operation.MARKETS, lambda _: as_json({"symbols": []})),
            ("GET", "/dapi/v1/exchangeInfo"): free(Operation.MARKETS, lambda _: as_json({"symbols": []})),
            ("GET", "/api/v3/ticker/24hr"): free(Operation.PRICES, market.tickers),
            ("GET", "/api/v3/ticker/bookTicker"): free(Operation.PRICES, market.tickers),
            ("GET", "/api/v3/ticker/price"): free(Operation.PRICES, market.prices),
            ("GET", "/api/v3/depth"): free(Operation.PRICES, market.depth),
            ("GET", "/api/v3/klines"): free(Operation.CANDLES, market.klines),
        }

    def read(self, request: Request) -> Mapping[str, str]:
        """The query and the form, as one."""
        return pairs(f"{request.query}{request.body.decode()}")

    def claim(self, request: Request, params: Mapping[str, str]) -> Claim | VenueRejection:
        """The key is a header; what is signed is all parameters as they were sent."""
        key = request.headers.get("x-mbx-apikey")
        if key is None:
            return VenueRejection.UNKNOWN_KEY
        text, _, signature = (request.query.encode() + request.body).rpartition(b"&signature=")
        try:
            timestamp_ms, window_ms = int(params["timestamp"]), int(params.get("recvWindow", _WINDOW_MS))
        except (KeyError, ValueError):
            return VenueRejection.BAD_PARAMETER
        return Claim(key, timestamp_ms, window_ms, text, signature.decode())

    def order_of(self, params: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The symbol and the client order id, new or old."""
        return params.get("symbol"), params.get("newClientOrderId") or params.get("origClientOrderId")

    def refuse(self, refusal: VenueRejection, *, now_ms: int, until_ms: int, status: int | None = None) -> Reply:
        """Binance's own code and words."""
        return refuse(refusal, now_ms=now_ms, until_ms=until_ms, status=status)


def _signed(operation: Operation, respond: Callable[[DialectCall], Reply | VenueRejection]) -> Route:
    return Route(lambda _: operation, respond)


def _public(operation: Operation, respond: Callable[[DialectCall], Reply | VenueRejection]) -> Route:
    return Route(lambda _: operation, respond, signed=False)
