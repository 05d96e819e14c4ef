"""What helps against each reason, in a sentence for the one who trades."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.domain.reasons import Reason

__all__ = ["REMEDIES"]

_SENDER = "ask the sender: `why ID` shows the signal as it came"
_VENUE = "it is tried again by itself until its time to live runs out; `why ID` shows the venue's answer"

REMEDIES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.MALFORMED: _SENDER,
        Reason.CONFLICT: "a key names one signal for ever: let the sender give a new one",
        Reason.STALE: "send sooner, or raise validation.max_signal_age_ms",
        Reason.FROM_FUTURE: "set the sender's clock",
        Reason.WEAK: "lower validation.min_signal_strength",
        Reason.UNKNOWN_SOURCE: "add the sender to validation.sources",
        Reason.REPEAT: "shorten dedup.window_s",
        Reason.SCORE_TOO_LOW: "lower validation.min_score, or change validation.weights",
        Reason.CHECK_FAILED: "fix the rule: `why ID` names it and shows what went wrong",
        Reason.RULE: "change the rule that is named, or take it out of validation.checks",
        Reason.DOOR_FULL: "send more slowly, or raise intake.capacity",
        Reason.RATE_LIMITED: "send more slowly, or raise intake.max_per_s",
        Reason.JOURNAL_UNAVAILABLE: "free disk space, or end what locks the file; it is tried again by itself",
        Reason.STOPPING: "send it again once the pipeline runs",
        Reason.NEWER_SIGNAL: "nothing to do: the newer signal stands for it",
        Reason.UNKNOWN_SYMBOL: "add the symbol to symbols, or to the trader's",
        Reason.UNKNOWN_TRADER: "name a trader of the settings, or none",
        Reason.POSITION_LIMIT: "close a position, or raise limits.max_open_positions",
        Reason.NOTIONAL_LIMIT: "order less, or raise limits.max_order_notional",
        Reason.BELOW_MINIMUM: "order more: raise sizing.notional",
        Reason.INSUFFICIENT_BALANCE: "close a position, lower sizing.notional, or put money in",
        Reason.NO_POSITION: "our trades hold nothing to sell; sizing.sell_holdings lets the account's own coins go",
        Reason.PRICE_DRIFTED: "send sooner, execute sooner, or raise validation.market.max_drift_bps",
        Reason.AWAITING_TICK: "wait for the next execution, or `trigger` one",
        Reason.HALTED: "`resume` once the cause is gone",
        Reason.NO_MARKET_DATA: "check market.source and symbols: the symbol has no price yet",
        Reason.STALE_MARKET_DATA: "check the market's source, or raise validation.market.max_data_age_s",
        Reason.OUTSIDE_HOURS: "wait for the hours to begin, or widen validation.market.hours",
        Reason.SPREAD_TOO_WIDE: "wait for a narrower spread, or raise validation.market.max_spread_bps",
        Reason.TOO_VOLATILE: "wait for calmer candles, or raise validation.market.max_volatility",
        Reason.VOLUME_TOO_LOW: "wait for a candle with more trades, or lower validation.market.min_volume",
        Reason.NO_TRADER: "see what keeps each trader: `diagnose` tells",
        Reason.PACED: "they go as fast as the venue allows; or use another account",
        Reason.NOT_RECONCILED: "the account's books are compared with the venue first; `diagnose` tells what fails",
        Reason.CIRCUIT_OPEN: "the venue failed several times in a row: it is probed, and used again once it answers",
        Reason.IN_FLIGHT_FULL: "they go as places come free; or raise execution.max_in_flight",
        Reason.BACKOFF: _VENUE,
        Reason.REJECTED: "`why ID` shows the venue's answer",
        Reason.REJECTED_FOR_NOW: _VENUE,
        Reason.BANNED: "nothing is asked of the venue until the ban is over; lower the rate of requests",
        Reason.MAINTENANCE: _VENUE,
        Reason.MARKET_CLOSED: _VENUE,
        Reason.ACCOUNT_BLOCKED: "see the account and its key on the venue, then start again",
        Reason.CLOCK_SKEW: "let the machine keep its time by NTP",
        Reason.NEVER_SENT: _VENUE,
        Reason.ATTEMPTS_USED_UP: "`why ID` shows the venue's answers; or raise execution.order_creation_retries",
        Reason.INTERRUPTED: _VENUE,
        Reason.NO_ANSWER: "the venue is asked what became of it",
        Reason.NO_PROOF: "look the order up on the venue, and decide with `resolve`",
        Reason.FOUND: "nothing to do: the order was found",
        Reason.BY_HAND: "nothing to do: somebody decided it with `resolve`",
    }
)
