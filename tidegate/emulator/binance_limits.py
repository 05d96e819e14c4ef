"""What Binance takes: weight a minute from an address, orders in ten seconds of an account; beyond that, bans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import orjson

from tidegate.emulator.limits import Spent, Windows
from tidegate.emulator.wire import Reply, Request

__all__ = ["BinanceLimits"]

_MINUTE_MS, _TEN_SECONDS_MS = 60_000, 10_000
_WEIGHTS: Mapping[tuple[str, str], tuple[int, int]] = {
    ("POST", "/api/v3/order"): (1, 1),
    ("DELETE", "/api/v3/order"): (1, 1),
    ("GET", "/api/v3/order"): (4, 4),
    ("GET", "/api/v3/openOrders"): (6, 80),
    ("GET", "/api/v3/allOrders"): (20, 20),
    ("GET", "/api/v3/myTrades"): (20, 20),
    ("GET", "/api/v3/account"): (20, 20),
    ("GET", "/api/v3/exchangeInfo"): (20, 20),
    ("GET", "/api/v3/ticker/24hr"): (2, 80),
    ("GET", "/api/v3/ticker/bookTicker"): (2, 4),
    ("GET", "/api/v3/ticker/price"): (2, 4),
    ("GET", "/api/v3/depth"): (5, 5),
    ("GET", "/api/v3/klines"): (2, 2),
    ("GET", "/sapi/v1/capital/config/getall"): (10, 10),
}
"""By method and path: with a symbol, and without one. Everything else weighs 1."""
_TOO_MUCH = "Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
_BANNED = "Way too much request weight used; IP banned until {until_ms}."
_TOO_MANY = "Too many new orders; current limit is {limit} orders per 10 SECOND."


class BinanceLimits:
    """`weight` a minute from an address, `orders` in ten seconds of an account.

    A client rejected more than `bans_after` times in a minute is banned for `ban_s`. With `publishes` the limits are
    listed beside the markets. `most` has the largest count of any window, `exceeded` how often each limit was broken.
    """

    def __init__(
        self, *, weight: int = 6000, orders: int = 100, bans_after: int = 3, ban_s: float = 120, publishes: bool = True
    ) -> None:
        self._weight, self._orders, self._bans_after, self._ban_ms = weight, orders, bans_after, round(ban_s * 1000)
        self._tells = publishes
        self._windows = Windows()
        self.exceeded: Counter[str] = Counter()

    @property
    def most(self) -> Mapping[str, int]:
        """The largest counts so far: `weight`, `refused`, and the orders of each account by its key."""
        return self._windows.most

    def spend(self, request: Request, params: Mapping[str, str], api_key: str, now_ms: int) -> Spent:
        """Count weight for the address, an order for the account."""
        with_symbol, without = _WEIGHTS.get((request.method, request.path), (1, 1))
        weight = with_symbol if params.keys() & {"symbol", "symbols"} else without
        used = self._windows.add("weight", _MINUTE_MS, weight, now_ms)
        headers = f"x-mbx-used-weight: {used}\r\nx-mbx-used-weight-1m: {used}\r\n"
        if used > self._weight:
            return self._refused("weight", -1003, _TOO_MUCH.format(limit=self._weight), _MINUTE_MS, headers, now_ms)
        if (request.method, request.path) != ("POST", "/api/v3/order"):
            return Spent(headers)
        orders = self._windows.add(api_key, _TEN_SECONDS_MS, 1, now_ms)
        headers += f"x-mbx-order-count-10s: {orders}\r\nx-mbx-order-count-1d: {orders}\r\n"
        if orders > self._orders:
            said = _TOO_MANY.format(limit=self._orders)
            return self._refused("orders", -1015, said, _TEN_SECONDS_MS, headers, now_ms)
        return Spent(headers)

    def declared(self) -> list[dict[str, object]]:
        """As `rateLimits` has them."""
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self._weight}
        orders = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": self._orders}
        return [weight, orders] if self._tells else []

    def _refused(self, limit: str, code: int, words: str, window_ms: int, headers: str, now_ms: int) -> Spent:
        self.exceeded[limit] += 1
        status, until_ms, banned_until_ms = 429, (now_ms // window_ms + 1) * window_ms, 0
        if self._windows.add("refused", _MINUTE_MS, 1, now_ms) > self._bans_after:
            banned_until_ms = until_ms = now_ms + self._ban_ms
            status, code, words = 418, -1003, _BANNED.format(until_ms=until_ms)
        headers += f"Retry-After: {max(1, -(-(until_ms - now_ms) // 1000))}\r\n"
        reply = Reply(orjson.dumps({"code": code, "msg": words}), status, headers=headers)
        return Spent(headers, reply, banned_until_ms)
