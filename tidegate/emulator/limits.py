"""How much an exchange takes in a while: weight from an address, orders of an account, requests to an endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from tidegate.emulator.wire import Reply, Request

__all__ = ["NoLimits", "RequestLimits", "Spent", "Windows"]


class Spent(Struct, frozen=True):
    """What a request cost: headers for its answer, and the answer itself where it was one too many.

    `banned_until_ms` is when the address may come again, where this one brought a ban.
    """

    headers: str = ""
    refused: Reply | None = None
    banned_until_ms: int = 0


class RequestLimits(Protocol):
    """Counts requests, and refuses those that are too many. `exceeded` counts these, by the limit they broke."""

    exceeded: Counter[str]

    def spend(self, request: Request, params: Mapping[str, str], api_key: str, now_ms: int) -> Spent:
        """Count a request of an account (empty for an unsigned one) before anything else is done with it."""
        ...

    def declared(self) -> list[dict[str, object]]:
        """The limits as the exchange publishes them beside its markets."""
        ...


class NoLimits:
    """Whatever comes is taken."""

    def __init__(self) -> None:
        self.exceeded: Counter[str] = Counter()

    def spend(self, request: Request, params: Mapping[str, str], api_key: str, now_ms: int) -> Spent:  # noqa: ARG002
        """Nothing is counted."""
        return Spent()

    def declared(self) -> list[dict[str, object]]:
        """None."""
        return []


class Windows:
    """Counts within windows that begin at whole multiples of their length, as exchanges count. Memory: one number each.

    `most` keeps the largest count that any window came to, by name.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}
        self.most: Counter[str] = Counter()

    def add(self, name: str, window_ms: int, cost: int, now_ms: int) -> int:
        """Count `cost` more, and give the sum of the window that `now_ms` lies in."""
        window, key = now_ms // window_ms, (name, window_ms)
        began, count = self._counts.get(key, (window, 0))
        count = cost + (count if began == window else 0)
        self._counts[key] = (window, count)
        self.most[name] = max(self.most[name], count)
        return count
