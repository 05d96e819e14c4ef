"""Which accounts may be given orders now, as far as their venues have shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct
from reactivex import Observable, Subject

from operators.breaker import Breaker, Circuit
from tidegate.domain.reason_table import AGAINST_VENUE
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = ["FOR_EVER", "Availability", "Pace", "Suspension", "Watch"]

FOR_EVER = 2**62
"""A moment that does not come."""

_MARKET_CLOSED_NS = 60_000_000_000
_MAINTENANCE_NS = 60_000_000_000
_BANNED_NS = 120_000_000_000
_LATER_NS = 1_000_000_000
_MINUTE_NS = 60_000_000_000
_MINUTES = 1440
_DAY_NS = _MINUTES * _MINUTE_NS


class Suspension(Struct, frozen=True, gc=False):
    """Why an account takes no order, and until when (steady), as far as is known."""

    why: Refusal
    until_ns: int


class Pace(Protocol):
    """How fast an account may be given orders: by what its venue takes, and wants of our address."""

    def suspension(self, at_ns: int) -> Suspension | None:
        """Why no order may be given at a moment, and until when; None where one may."""
        ...

    def sent_before(self, ages_s: Iterable[float]) -> None:
        """Count the orders of an earlier run, sent so many seconds ago."""
        ...

    def given(self) -> None:
        """An order was decided."""
        ...

    def answered(self) -> None:
        """An order was answered, or came to nothing before it was sent."""
        ...


class Watch(StrEnum):
    """What is watched of an account, each with a breaker of its own."""

    ORDERS = "orders"
    READS = "reads"


class _Seen:
    __slots__ = (
        "address",
        "breakers",
        "closed_markets",
        "down",
        "last_failure",
        "last_success_ns",
        "not_reconciled",
        "pace",
        "suspension",
    )

    def __init__(self, address: str) -> None:
        self.address = address
        self.breakers = {watch: Breaker() for watch in Watch}
        self.suspension: Suspension | None = None
        self.not_reconciled: str | None = None
        self.pace: Pace | None = None
        self.closed_markets: dict[str, int] = {}
        self.last_success_ns = 0
        self.last_failure: Refusal | None = None
        self.down: deque[tuple[int, int]] = deque()

    def suspend(self, suspension: Suspension, at_ns: int) -> None:
        """Take no orders for as long as is said, and never for less than was said before."""
        if self.suspension is None or suspension.until_ns > self.suspension.until_ns:
            self.suspension = suspension
        self.note_down(at_ns, suspension.until_ns)

    def note_down(self, at_ns: int, until_ns: int) -> None:
        """Count the time from one moment to another as bad: a minute at least, a day at most."""
        while self.down and self.down[0][1] < at_ns - _DAY_NS:
            self.down.popleft()
        from_ns, ends_ns = self.down.pop() if self.down and at_ns < self.down[-1][1] else (at_ns, at_ns + _MINUTE_NS)
        self.down.append((from_ns, max(ends_ns, until_ns)))


class Availability:
    """Keeps what accounts have shown: failures in a row, bans, suspensions, closed markets.

    `addresses` says under which network address each account talks to its venue: a ban for an address stops all of its
    accounts. A rejected order is no failure. `opened` emits an account whose circuit opened, `freed` of one that was
    kept from taking orders for an unknown time, and is no more. All moments are steady.
    Memory: for each account, a day of bad times and the markets that are closed.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._opened: Subject[str] = Subject()
        self._freed: Subject[str] = Subject()
        self._seen = {trader: _Seen(address) for trader, address in addresses.items()}

    @property
    def opened(self) -> Observable[str]:
        """Accounts whose circuit opened."""
        return self._opened

    @property
    def freed(self) -> Observable[str]:
        """Accounts that were kept from taking orders for an unknown time, and are no more."""
        return self._freed

    def check_trader(self, trader: str, at_ns: int, symbol: str | None = None) -> Suspension | None:
        """Why an account takes no order at a moment, of `symbol` if one is given; None when it does."""
        seen = self._seen.get(trader)
        if seen is None:
            return None
        if seen.not_reconciled is not None:
            return Suspension(Refusal(Reason.NOT_RECONCILED, measured=seen.not_reconciled), FOR_EVER)
        if seen.pace is not None and (paced := seen.pace.suspension(at_ns)) is not None:
            return paced
        suspension = seen.suspension
        if suspension is not None:
            if at_ns < suspension.until_ns:
                return suspension
            seen.suspension = None
        for watch, breaker in seen.breakers.items():
            state = breaker.state(at_ns)
            if state is not Circuit.CLOSED:
                why = Refusal(Reason.CIRCUIT_OPEN, measured=f"{watch}: {breaker.failures} failures in a row")
                return Suspension(why, (breaker.probe_at_ns if state is Circuit.OPEN else None) or FOR_EVER)
        if symbol is not None and (until_ns := seen.closed_markets.get(symbol)) is not None:
            if at_ns < until_ns:
                return Suspension(Refusal(Reason.MARKET_CLOSED, measured=symbol), until_ns)
            del seen.closed_markets[symbol]
        return None

    def get_available_traders(self, at_ns: int) -> Collection[str]:
        """The accounts that take orders at a moment."""
        return [trader for trader in self._seen if self.check_trader(trader, at_ns) is None]

    def report_success(self, trader: str, at_ns: int, watch: Watch = Watch.ORDERS) -> None:
        """The venue did what an account asked, or gave a proper answer: a rejected order is one."""
        seen = self._seen.get(trader)
        if seen is not None:
            seen.last_success_ns = at_ns
            self._close(trader, seen.breakers[watch])

    def report_trader_failure(
        self,
        trader: str,
        why: Refusal,
        at_ns: int,
        *,
        watch: Watch = Watch.ORDERS,
        retry_after_s: float | None = None,
        address_wide: bool = False,
        symbol: str | None = None,
    ) -> None:
        """A venue failed an account, or sent it away, for `why.reason`."""
        seen = self._seen.get(trader)
        if seen is None or why.reason not in AGAINST_VENUE:
            return
        seen.last_failure = why
        again_ns = None if retry_after_s is None else at_ns + int(retry_after_s * 1e9)
        match why.reason:
            case Reason.MARKET_CLOSED:
                seen.closed_markets[symbol or ""] = again_ns or at_ns + _MARKET_CLOSED_NS
                return
            case Reason.ACCOUNT_BLOCKED:
                seen.suspend(Suspension(why, FOR_EVER), at_ns)
            case Reason.MAINTENANCE:
                seen.suspend(Suspension(why, again_ns or at_ns + _MAINTENANCE_NS), at_ns)
            case Reason.BANNED | Reason.REJECTED_FOR_NOW:
                banned = why.reason is Reason.BANNED
                suspension = Suspension(why, again_ns or at_ns + (_BANNED_NS if banned else _LATER_NS))
                for other in self._seen.values() if banned or address_wide else (seen,):
                    if other.address == seen.address:
                        other.suspend(suspension, at_ns)
            case _:
                closed = self.probe_due_ns(trader) is None
                seen.breakers[watch].failed(at_ns)
                if closed and self.probe_due_ns(trader) is not None:
                    self._opened.on_next(trader)
        seen.note_down(at_ns, max((b.probe_at_ns or at_ns for b in seen.breakers.values()), default=at_ns))

    def pace(self, trader: str, pace: Pace) -> None:
        """Give an account orders no faster than that."""
        if (seen := self._seen.get(trader)) is not None:
            seen.pace = pace

    def gave_order(self, trader: str) -> None:
        """An order is on its way to an account: the next ones keep the pace."""
        seen = self._seen.get(trader)
        if seen is not None and seen.pace is not None:
            seen.pace.given()

    def order_answered(self, trader: str) -> None:
        """An order that was on its way to an account was answered, or was not sent."""
        seen = self._seen.get(trader)
        if seen is not None and seen.pace is not None:
            seen.pace.answered()

    def await_reconciliation(self, trader: str) -> None:
        """Give an account no order before its books were compared with the venue."""
        self._seen[trader].not_reconciled = "its books are being compared with the venue for the first time"

    def reconciled(self, trader: str) -> None:
        """The books of an account agree with the venue."""
        seen = self._seen[trader]
        if seen.not_reconciled is not None:
            seen.not_reconciled = None
            self._freed.on_next(trader)

    def not_compared(self, trader: str, why: str) -> None:
        """The books of an account could not be compared: while it waits for that, this is why."""
        if self._seen[trader].not_reconciled is not None:
            self._seen[trader].not_reconciled = f"its books could not be compared with the venue: {why}"

    def probe_due_ns(self, trader: str) -> int | None:
        """When an account should be probed with a read; None while nothing asks for it. Never during a ban."""
        seen = self._seen[trader]
        due = [at_ns for breaker in seen.breakers.values() if (at_ns := breaker.probe_at_ns) is not None]
        if not due:
            return None
        return max(min(due), seen.suspension.until_ns if seen.suspension is not None else 0)

    def report_probe(self, trader: str, at_ns: int, failed: Refusal | None) -> None:
        """What a read showed that was begun because the account was at a standstill."""
        for watch, breaker in self._seen[trader].breakers.items():
            if failed is None:
                self._close(trader, breaker)
            elif breaker.probe_at_ns is not None:
                self.report_trader_failure(trader, failed, at_ns, watch=watch)

    def _close(self, trader: str, breaker: Breaker) -> None:
        closed = breaker.probe_at_ns is None
        breaker.succeeded()
        if not closed:
            self._freed.on_next(trader)

    def bad_minutes(self, trader: str, at_ns: int, minutes: int = _MINUTES) -> int:
        """How many of the last minutes, up to a day, the account was failed or sent away; each begun one counts."""
        seen, since_ns = self._seen.get(trader), at_ns - minutes * _MINUTE_NS
        bad_ns = (
            min(until_ns, at_ns) - max(from_ns, since_ns)
            for from_ns, until_ns in (() if seen is None else seen.down)
            if since_ns < until_ns and from_ns <= at_ns
        )
        return sum(max(1, -(-ns // _MINUTE_NS)) for ns in bad_ns)

    def last_failure(self, trader: str) -> Refusal | None:
        """What went wrong last on an account."""
        seen = self._seen.get(trader)
        return None if seen is None else seen.last_failure
