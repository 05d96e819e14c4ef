"""What can go wrong at venues and around them, as values: one fault is one line of a script."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

__all__ = [
    "AT_A_TIME",
    "OF_AN_UPDATE",
    "OF_A_LISTING",
    "OF_A_LOOKUP",
    "OF_A_SEND",
    "OF_RESTING",
    "STRANGERS",
    "VenueFault",
    "VenueFaultKind",
]


class VenueFaultKind(StrEnum):
    """How something goes wrong."""

    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    REPLY_LATE = "reply_late"
    DELIVERED_LATE = "delivered_late"
    RAISED = "raised"
    NEVER_SENT = "never_sent"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    MAINTENANCE = "maintenance"
    MARKET_CLOSED = "market_closed"
    CLOCK_SKEW = "clock_skew"

    HIDDEN = "hidden"
    CANCELED = "canceled"
    FILLED = "filled"
    LOOKUP_FAILS = "lookup_fails"
    LOOKUP_STALE = "lookup_stale"
    LISTING_FAILS = "listing_fails"
    LISTING_STALE = "listing_stale"
    PAGE_MISSING = "page_missing"
    UPDATE_LOST = "update_lost"
    UPDATE_TWICE = "update_twice"
    AWAY = "away"
    RULES_CHANGED = "rules_changed"
    FOREIGN_ORDER = "foreign_order"
    FOREIGN_TRADE = "foreign_trade"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    SWEPT = "swept"
    WIPED = "wiped"

    DISK_FAILS = "disk_fails"
    DISK_SLOW = "disk_slow"

    REDELIVERED = "redelivered"
    RESPELLED = "respelled"
    MUTATED = "mutated"
    FLOOD = "flood"

    THIN_BOOK = "thin_book"
    GAP = "gap"
    SUSPENDED = "suspended"
    WALL_STEPPED = "wall_stepped"
    WALL_GLITCH = "wall_glitch"
    COMPARED = "compared"
    HALTED = "halted"


OF_A_SEND = tuple(VenueFaultKind)[: tuple(VenueFaultKind).index(VenueFaultKind.HIDDEN)]
"""Faults of an order on its way to an account: at most one applies."""

OF_A_LOOKUP = (VenueFaultKind.LOOKUP_FAILS, VenueFaultKind.LOOKUP_STALE)
"""Faults of a lookup."""

OF_A_LISTING = (VenueFaultKind.LISTING_FAILS, VenueFaultKind.LISTING_STALE, VenueFaultKind.PAGE_MISSING)
"""Faults of a listing of orders or balances."""

OF_AN_UPDATE = (VenueFaultKind.UPDATE_LOST, VenueFaultKind.UPDATE_TWICE)
"""Faults of an order update."""

STRANGERS = frozenset(
    {VenueFaultKind.FOREIGN_ORDER, VenueFaultKind.FOREIGN_TRADE, VenueFaultKind.DEPOSIT, VenueFaultKind.WITHDRAWAL}
)
"""What others do with an account of ours."""

OF_RESTING = frozenset({VenueFaultKind.SWEPT, VenueFaultKind.WIPED})
"""What happens to all our resting orders on an account: they trade, or are cancelled."""

AT_A_TIME = (
    STRANGERS
    | OF_RESTING
    | {
        VenueFaultKind.AWAY,
        VenueFaultKind.RULES_CHANGED,
        VenueFaultKind.THIN_BOOK,
        VenueFaultKind.GAP,
        VenueFaultKind.SUSPENDED,
        VenueFaultKind.WALL_STEPPED,
        VenueFaultKind.WALL_GLITCH,
        VenueFaultKind.COMPARED,
        VenueFaultKind.HALTED,
    }
)
"""What begins at a moment. The others strike the nth of something: send, order, question, update, commit, signal."""


class VenueFault(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing that goes wrong: with the `nth` of something, from 1 on, or `at_s` seconds after the beginning.

    `seconds` is how long it lasts, how late something is, or by how much a clock is set; `trader` names the account
    where it is one account's.
    """

    kind: VenueFaultKind
    nth: int = 0
    at_s: float = 0.0
    seconds: float = 0.0
    trader: str = ""

    def __str__(self) -> str:
        which = f"after {self.at_s:g} s" if self.kind in AT_A_TIME else f"no. {self.nth}"
        where = f" of {self.trader}" if self.trader else ""
        long = f", {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {which}{where}{long}"
