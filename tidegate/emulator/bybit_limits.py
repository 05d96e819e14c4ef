"""What Bybit takes: requests a second to each endpoint of an account, and requests in five seconds from an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import orjson

from tidegate.emulator.limits import Spent, Windows
from tidegate.emulator.wire import Reply, Request

__all__ = ["BybitLimits"]

_SECOND_MS, _FIVE_SECONDS_MS = 1000, 5000
_PER_SECOND: Mapping[tuple[str, str], int] = {
    ("GET", "/v5/order/realtime"): 50,
    ("GET", "/v5/order/history"): 50,
    ("GET", "/v5/execution/list"): 50,
    ("GET", "/v5/account/wallet-balance"): 50,
    ("GET", "/v5/user/query-api"): 10,
}


class BybitLimits:
    """`orders` a second of an account, `requests` in five seconds from an address, as much of the rest as Bybit takes.

    Who breaks the address's limit is banned for `ban_s`. `most` has the largest count that a window came to, `exceeded`
    how often which limit was broken.
    """

    def __init__(self, *, orders: int = 20, requests: int = 600, ban_s: float = 600) -> None:
        self._orders, self._requests, self._ban_ms = orders, requests, round(ban_s * 1000)
        self._windows = Windows()
        self.exceeded: Counter[str] = Counter()

    @property
    def most(self) -> Mapping[str, int]:
        """The largest counts so far: `requests`, and those of each endpoint of each account."""
        return self._windows.most

    def spend(self, request: Request, params: Mapping[str, str], api_key: str, now_ms: int) -> Spent:  # noqa: ARG002
        """Count a request for the address, and for the endpoint of the account."""
        if self._windows.add("requests", _FIVE_SECONDS_MS, 1, now_ms) > self._requests:
            self.exceeded["requests"] += 1
            until_ms = now_ms + self._ban_ms
            page = Reply(b"403, access too frequent", status=403, content_type="text/plain")
            return Spent(refused=page, banned_until_ms=until_ms)
        endpoint = (request.method, request.path)
        limit = self._orders if endpoint == ("POST", "/v5/order/create") else _PER_SECOND.get(endpoint)
        if limit is None or not api_key:
            return Spent()
        used = self._windows.add(f"{api_key} {request.path}", _SECOND_MS, 1, now_ms)
        reset_ms = (now_ms // _SECOND_MS + 1) * _SECOND_MS
        left = max(0, limit - used)
        headers = (
            f"X-Bapi-Limit: {limit}\r\nX-Bapi-Limit-Status: {left}\r\nX-Bapi-Limit-Reset-Timestamp: {reset_ms}\r\n"
        )
        if used <= limit:
            return Spent(headers)
        self.exceeded["orders" if endpoint[0] == "POST" else request.path] += 1
        said = {"retCode": 10006, "retMsg": "Too many visits. Exceeded the API Rate Limit.", "result": {},
                "retExtInfo": {}, "time": now_ms}  # fmt: skip
        return Spent(headers, Reply(orjson.dumps(said), headers=headers))

    def declared(self) -> list[dict[str, object]]:
        """Bybit reports its limits only with each answer."""
        return []
