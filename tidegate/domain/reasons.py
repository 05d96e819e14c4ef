"""Why an outcome is what it is: one code for each cause. `reason_table` has all that is known of each."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """A cause, in one word that is recorded, exported and documented."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    # judged at receipt
    MALFORMED = "malformed"
    CONFLICT = "conflict"
    STALE = "stale"
    FROM_FUTURE = "from_future"
    WEAK = "weak"
    UNKNOWN_SOURCE = "unknown_source"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_TRADER = "unknown_trader"
    REPEAT = "repeat"
    SCORE_TOO_LOW = "score_too_low"
    CHECK_FAILED = "check_failed"
    RULE = "rule"
    # shed at intake: nothing was recorded
    DOOR_FULL = "door_full"
    RATE_LIMITED = "rate_limited"
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    STOPPING = "stopping"
    # a newer one took its place
    NEWER_SIGNAL = "newer_signal"
    # our own limits, at the time of execution
    POSITION_LIMIT = "position_limit"
    NOTIONAL_LIMIT = "notional_limit"
    BELOW_MINIMUM = "below_minimum"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NO_POSITION = "no_position"
    PRICE_DRIFTED = "price_drifted"
    # what a waiting signal waits for; the last one is recorded with its expiry
    AWAITING_TICK = "awaiting_tick"
    HALTED = "halted"
    NO_MARKET_DATA = "no_market_data"
    STALE_MARKET_DATA = "stale_market_data"
    OUTSIDE_HOURS = "outside_hours"
    SPREAD_TOO_WIDE = "spread_too_wide"
    TOO_VOLATILE = "too_volatile"
    VOLUME_TOO_LOW = "volume_too_low"
    NO_TRADER = "no_trader"
    CIRCUIT_OPEN = "circuit_open"
    NOT_RECONCILED = "not_reconciled"
    PACED = "paced"
    IN_FLIGHT_FULL = "in_flight_full"
    BACKOFF = "backoff"
    # what a venue answered
    REJECTED = "rejected"
    REJECTED_FOR_NOW = "rejected_for_now"
    BANNED = "banned"
    MAINTENANCE = "maintenance"
    MARKET_CLOSED = "market_closed"
    ACCOUNT_BLOCKED = "account_blocked"
    CLOCK_SKEW = "clock_skew"
    NEVER_SENT = "never_sent"
    ATTEMPTS_USED_UP = "attempts_used_up"
    INTERRUPTED = "interrupted"
    NO_ANSWER = "no_answer"
    NO_PROOF = "no_proof"
    FOUND = "found"
    BY_HAND = "by_hand"
