"""How fast an account may be given orders: by what its venue allows, and what it wants of our address."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from streams.availability import Suspension
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal
from tidegate.venues.ccxt.address import RequestBudget
from tidegate.venues.ccxt.limits import LimitKind, ReportedLimit
from tidegate.venues.ccxt.window import Window

__all__ = ["OrderPace"]

_AGAIN_NS = 1_000_000_000


class OrderPace:
    """Room for orders, looked for before an order is decided. Satisfies `streams.availability.Pace`.

    `limits` are how many orders the venue takes, by seconds; what it says itself takes their place. An order counts
    from its decision until a window after its answer: no window of the venue, however it lies, has more than its limit.
    Nothing is let through while one of `addresses` is to be left alone. Memory: the orders of the longest window.
    """

    def __init__(self, addresses: Collection[RequestBudget], limits: Mapping[float, int]) -> None:
        self._addresses = addresses
        self._earlier_ns: Sequence[int] = ()
        self._windows = {window_s: Window(limit, window_s) for window_s, limit in limits.items()}
        self._under_way = 0
        self._full_until_ns = 0

    def suspension(self, at_ns: int) -> Suspension | None:
        """Why no order may be given at a moment, and until when; None where one may."""
        for address in self._addresses:
            if (for_s := address.left_alone_s()) > 0:
                why = Refusal(address.reason, measured=f"{address.host} wants to be left alone")
                return Suspension(why, at_ns + round(for_s * 1e9))
        now_ns = _now_ns()
        ready_ns, full = self._full_until_ns, ""
        for window_s, window in self._windows.items():
            at = window.ready_ns(now_ns, self._under_way + 1)
            at = now_ns + _AGAIN_NS if at <= now_ns and self._under_way >= window.limit else at
            if at > ready_ns:
                ready_ns, full = at, f"{window.limit:g} orders in {window_s:g} s"
        if ready_ns <= now_ns:
            return None
        return Suspension(Refusal(Reason.PACED, measured=full or None), at_ns + max(ready_ns - now_ns, _AGAIN_NS))

    def sent_before(self, ages_s: Iterable[float]) -> None:
        """Count the orders of an earlier run, sent so many seconds ago: the venue still does."""
        now_ns = _now_ns()
        self._earlier_ns = sorted(now_ns - round(age_s * 1e9) for age_s in ages_s)
        for window in self._windows.values():
            self._count_earlier(window)

    def given(self) -> None:
        """An order was decided."""
        self._under_way += 1

    def answered(self) -> None:
        """An order was answered, or came to nothing before it was sent."""
        self._under_way -= 1
        for window in self._windows.values():
            window.take(_now_ns())

    def heard(self, counted: Iterable[ReportedLimit], venue_ms: float, *, of_an_order: bool) -> None:
        """Take in what an answer says of limits; `of_an_order`: it is one to an order."""
        for said in counted:
            if said.kind is LimitKind.ORDERS or (said.kind is LimitKind.ENDPOINT and of_an_order):
                self._observe(said, venue_ms)

    def _observe(self, said: ReportedLimit, venue_ms: float) -> None:
        now_ns, window = _now_ns(), self._windows.get(said.window_s)
        if said.limit is not None:
            if window is None:
                window = self._windows[said.window_s] = Window(said.limit, said.window_s)
                self._count_earlier(window)
            window.limit = said.limit
        if window is None or said.used is None:
            return
        window.observe(said.used - self._under_way, now_ns)
        if said.used >= window.limit and said.resets_ms is not None:
            self._full_until_ns = now_ns + round((said.resets_ms - venue_ms) * 1e6)

    def _count_earlier(self, window: Window) -> None:
        for at_ns in self._earlier_ns:
            window.take(at_ns)


def _now_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)
