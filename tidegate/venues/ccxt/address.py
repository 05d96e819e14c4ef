"""A venue's address: what it wants of all that speak to it from here, and whose turn it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count

from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.reasons import Reason
from tidegate.venues.ccxt.limits import LimitKind, ReportedLimit, read_away
from tidegate.venues.ccxt.window import Window

__all__ = ["PRIORITY", "TURN_S", "LeftAlone", "Priority", "RequestBudget", "RequestBudgets", "asked_as"]

_SENT_AWAY = (403, 418, 429)
_BANNED = 418
_LONGEST_S = 600.0
TURN_S = 10.0
"""How long a read waits for its turn, at most."""

_KEPT_FREE = 0.2  # of what a venue counts: for orders, and for what is under way
_RECORDED_FROM_S = 5.0


class Priority(IntEnum):
    """Whose turn comes first. Orders never wait here: room for them is looked for before they are decided."""

    ORDER = 0
    READ = 1
    LOOKUP = 2
    FOLLOW = 3


PRIORITY: ContextVar[Priority] = ContextVar("ccxt_priority", default=Priority.READ)


@contextmanager
def asked_as(priority: Priority) -> Iterator[None]:
    """Whatever is asked within, by this task or by tasks that it starts, has this priority."""
    token = PRIORITY.set(priority)
    try:
        yield
    finally:
        PRIORITY.reset(token)


class LeftAlone(VenueUnavailable):
    """Nothing was sent: the address wants nothing, or not so much, for `for_s` seconds more."""

    def __init__(self, host: str, for_s: float, reason: Reason, why: str) -> None:
        super().__init__(f"{host} {why}: nothing was sent, {for_s:.0f} s more")
        self.for_s, self.reason = for_s, reason


class RequestBudget:
    """One host, with one budget for everybody here, and what it said of how long it is to be left alone.

    Reads wait for their turn, the more important ones first, for 10 s at most. `told(host, for_s, reason)` hears of
    every time for which nothing may be sent that is longer than 5 s. Memory: what waits, what was asked lately.
    """

    def __init__(self, host: str, told: Callable[[str, float, Reason], None]) -> None:
        self.host = host
        self._told = told
        self.rate: Window | None = None
        self._alone_until_ns = 0
        self._alone = Reason.REJECTED_FOR_NOW
        self._sent_away = 0
        self._limits: dict[float, int] = {}
        self._full_until_ns = 0
        self._endpoints: dict[str, int] = {}
        self._waiting: list[tuple[Priority, int, float, asyncio.Future[None]]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    def left_alone_s(self) -> float:
        """For how many seconds more nothing may be sent; 0 where it may."""
        return max(0, self._alone_until_ns - _now_ns()) / 1e9

    @property
    def reason(self) -> Reason:
        """Why it is left alone, while it is."""
        return self._alone

    def leave_alone(self, for_s: float, reason: Reason, *, tell: bool = True) -> None:
        """Send nothing for some seconds, and never for less than before."""
        until_ns = _now_ns() + round(for_s * 1e9)
        if until_ns <= self._alone_until_ns:
            return
        self._alone_until_ns, self._alone = until_ns, reason
        if tell and for_s >= _RECORDED_FROM_S:
            self._told(self.host, for_s, reason)

    def check(self) -> None:
        """Look whether anything may be sent now.

        Raises:
            LeftAlone: not now.
        """
        if (for_s := self.left_alone_s()) > 0:
            raise LeftAlone(self.host, for_s, self._alone, "wants to be left alone")

    def spend(self, cost: float) -> None:
        """Count a request that does not wait for its turn.

        Raises:
            LeftAlone: nothing may be sent now.
        """
        self.check()
        if self.rate is not None:
            self.rate.take(_now_ns(), cost)

    async def turn(self, cost: float, priority: Priority, path: str) -> None:
        """Come back when it is the turn of a request.

        Raises:
            LeftAlone: that would take longer than 10 s.
        """
        now_ns = _now_ns()
        if (for_s := (self._ready_ns(cost, now_ns) - now_ns) / 1e9) > TURN_S:
            raise self._no_turn(for_s)
        if (until_ns := self._endpoints.pop(path.strip("/"), 0)) > now_ns:
            await asyncio.sleep(min((until_ns - now_ns) / 1e9, TURN_S))
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (priority, next(self._numbers), cost, mine))
        self._call_up()
        try:
            async with asyncio.timeout(TURN_S):
                await mine
        except TimeoutError:
            raise self._no_turn(max(1.0, (self._ready_ns(cost, _now_ns()) - _now_ns()) / 1e9)) from None

    def heard(
        self,
        status: int,
        headers: Mapping[str, str],
        text: str,
        *,
        counted: tuple[ReportedLimit, ...],
        venue_ms: float,
        path: str,
    ) -> None:
        """Take in an answer: what it says of limits, and whether it sends us away."""
        now_ns = _now_ns()
        for said in counted:
            if said.kind is LimitKind.WEIGHT:
                self._weigh(said, venue_ms, now_ns)
            elif said.kind is LimitKind.ENDPOINT and said.used == said.limit and said.resets_ms is not None:
                self._endpoints[path.strip("/")] = now_ns + round((said.resets_ms - venue_ms) * 1e6)
        if status not in _SENT_AWAY:
            self._sent_away = 0 if status < 400 else self._sent_away
            return
        if any(said.kind is LimitKind.ORDERS and said.used == said.limit for said in counted):
            return  # too many orders: that is the account's own
        named_s, banned = read_away(headers, text, venue_ms)
        for_s = min(2.0**self._sent_away, _LONGEST_S) if named_s is None else named_s
        self._sent_away += 1
        self.leave_alone(for_s, Reason.BANNED if banned or status == _BANNED else Reason.REJECTED_FOR_NOW)

    def _weigh(self, said: ReportedLimit, venue_ms: float, now_ns: int) -> None:
        if said.limit is not None:
            self._limits[said.window_s] = said.limit
        limit = self._limits.get(said.window_s)
        if said.used is None or limit is None or said.used < limit * (1 - _KEPT_FREE):
            return
        window_ms = said.window_s * 1000
        until_ns = now_ns + round((window_ms - venue_ms % window_ms) * 1e6)
        self._full_until_ns = max(self._full_until_ns, until_ns)

    def _ready_ns(self, cost: float, now_ns: int) -> int:
        rate_ns = now_ns if self.rate is None else self.rate.ready_ns(now_ns, cost)
        return max(self._alone_until_ns, self._full_until_ns, rate_ns)

    def _no_turn(self, for_s: float) -> LeftAlone:
        if self.left_alone_s() > 0:
            return LeftAlone(self.host, for_s, self._alone, "wants to be left alone")
        return LeftAlone(self.host, for_s, Reason.PACED, "has no room for more requests")

    def _call_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            _, _, cost, turn = self._waiting[0]
            now_ns = _now_ns()
            if not turn.done():
                ready_ns = self._ready_ns(cost, now_ns)
                if ready_ns > now_ns:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later((ready_ns - now_ns) / 1e9, self._call_up)
                    return
                if self.rate is not None:
                    self.rate.take(now_ns, cost)
                turn.set_result(None)
            heappop(self._waiting)


class RequestBudgets:
    """All hosts that are spoken to, by name. Memory: one for each."""

    def __init__(self) -> None:
        self._of: dict[str, RequestBudget] = {}
        self._left_alone: Callable[[str, int, Reason], None] = _nobody

    def of(self, host: str) -> RequestBudget:
        """The address of a host."""
        if (address := self._of.get(host)) is None:
            address = self._of[host] = RequestBudget(host, self._tell)
        return address

    def on_left_alone(self, told: Callable[[str, int, Reason], None]) -> None:
        """From now on, let `told` know each host that is to be left alone, until when by the wall clock, and why."""
        self._left_alone = told

    def remember(self, until_ns: Mapping[str, int]) -> Mapping[str, float]:
        """Leave hosts alone until moments of the wall clock, as an earlier run was told.

        Gives those that still are to be left alone, and for how many seconds.
        """
        now_ns = time.time_ns()
        still = {host: (end_ns - now_ns) / 1e9 for host, end_ns in until_ns.items() if end_ns > now_ns}
        for host, for_s in still.items():
            self.of(host).leave_alone(for_s, Reason.BANNED, tell=False)
        return still

    def _tell(self, host: str, for_s: float, reason: Reason) -> None:
        self._left_alone(host, time.time_ns() + round(for_s * 1e9), reason)


def _nobody(_: str, __: int, ___: Reason) -> None:
    pass


def _now_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)
