"""All that is known of each reason, in one table. docs/reasons.md is generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from tidegate.domain.errors import (
    ConfidenceTooLow,
    ExchangeError,
    ExecutionError,
    NoSignalsAvailable,
    PositionLimitsExceeded,
    SignalExpired,
    TraderUnavailable,
    TradingLimitsExceeded,
)
from tidegate.domain.reasons import Reason

__all__ = ["AGAINST_VENUE", "COSTS_NO_ATTEMPT", "JUDGED_AT_RECEIPT", "REASONS", "Origin", "Phase", "ReasonEntry"]


class Phase(StrEnum):
    """When a reason is decided."""

    RECEIPT = "receipt"
    INTAKE = "intake"
    SUPERSEDING = "superseding"
    EXECUTION = "execution"
    WAITING = "waiting"
    VENUE = "venue"


class Origin(StrEnum):
    """Where the cause lies, and so who can do something about it."""

    SENDER = "sender"
    SETTINGS = "settings"
    RULE = "your rule"
    MARKET = "market"
    ACCOUNT = "account"
    VENUE = "venue"
    NETWORK = "network"
    MACHINE = "machine"
    PIPELINE = "pipeline"
    NONE = "none"


class ReasonEntry(Struct, frozen=True, kw_only=True):
    """What is known of one reason.

    `meaning`, `measured` and `limit` are for the document, `remedy` is also shown by commands. `words` is how `why`
    puts it, with `{measured}`, `{limit}` and `{margin}`. `final` says that it ends the signal; other reasons pass.
    `costs_attempt` says that an attempt that ended so counts towards `execution.order_creation_retries`,
    `against_venue` that it counts as a failure of the account's venue. `error` is what `execute_with_diagnostics`
    raises.
    """

    phase: Phase
    origin: Origin
    final: bool
    meaning: str
    measured: str = "none"
    limit: str = "none"
    remedy: str
    words: str | None = None
    costs_attempt: bool = False
    against_venue: bool = False
    error: type[ExecutionError] | None = None


_R, _P, _O = Reason, Phase, Origin

_RETRIED = (
    "nothing to do: it is retried automatically until its time to live runs out; `why ID` shows the venue's answer"
)

REASONS: Mapping[Reason, ReasonEntry] = MappingProxyType(
    {
        _R.MALFORMED: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="The input cannot be read as a signal.",
            measured="what is wrong, with the field",
            limit="the size allowed, if it is too long",
            remedy="ask the sender to correct it: `why ID` shows the signal as it was received, up to 16 KiB",
            words="{measured}",
            error=NoSignalsAvailable,
        ),
        _R.CONFLICT: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="The same source used the key before, for different content. It gets a record of its own; the "
            "first signal is not affected.",
            measured="the hash of its content",
            limit="the id of the signal that had the key first",
            remedy="ask the sender to give every signal its own key",
            words="its key was used before with different content",
            error=NoSignalsAvailable,
        ),
        _R.STALE: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="It was too old when it was received.",
            measured="its age in ms, from its timestamp to receipt",
            limit="`validation.max_signal_age_ms`",
            remedy="send sooner, synchronise the sender's clock, or raise validation.max_signal_age_ms",
            words="{measured} ms old at receipt, {margin} ms more than the {limit} ms allowed",
            error=NoSignalsAvailable,
        ),
        _R.FROM_FUTURE: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="Its timestamp lies too far in the future.",
            measured="by how much, in ms",
            limit="5000 ms",
            remedy="synchronise the sender's clock",
            words="timestamp {measured} ms ahead, {margin} ms more than the {limit} ms allowed",
            error=NoSignalsAvailable,
        ),
        _R.WEAK: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="The strength that the sender claims is too low.",
            measured="its strength",
            limit="`validation.min_signal_strength`",
            remedy="lower validation.min_signal_strength to accept weaker signals",
            words="strength {measured}, {margin} below the minimum of {limit}",
            error=ConfidenceTooLow,
        ),
        _R.UNKNOWN_SOURCE: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SETTINGS,
            final=True,
            meaning="Signals of this sender are not accepted.",
            measured="its source",
            limit="the sources that are accepted",
            remedy="add the sender to validation.sources",
            words="the source {measured} is not one of {limit}",
            error=NoSignalsAvailable,
        ),
        _R.UNKNOWN_SYMBOL: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SETTINGS,
            final=True,
            meaning="The symbol is not followed, or no account trades it. At execution only after a restart with other "
            "settings; the same holds for `unknown_trader`.",
            measured="the symbol",
            limit="the symbols that are followed, or the accounts asked",
            remedy="add the symbol to the setting symbols, or to the trader's symbols",
            words="{measured} is not one of {limit}",
            error=TradingLimitsExceeded,
        ),
        _R.UNKNOWN_TRADER: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="It names a trader that does not exist.",
            measured="the name",
            limit="the configured traders",
            remedy="name one of the configured traders, or none",
            words="there is no trader {measured}, only {limit}",
            error=TraderUnavailable,
        ),
        _R.REPEAT: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="Another signal of the same source, symbol and side was accepted shortly before.",
            measured="seconds since then",
            limit="`dedup.window_s`",
            remedy="shorten dedup.window_s if it should be accepted; 0 turns the check off",
            words="a similar signal passed {measured} s before, the window is {limit} s",
            error=NoSignalsAvailable,
        ),
        _R.SCORE_TOO_LOW: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.SENDER,
            final=True,
            meaning="The weighted mean of strength, confidence and freshness is too low.",
            measured="the score",
            limit="`validation.min_score`",
            remedy="lower validation.min_score, or change validation.weights",
            words="score {measured}, {margin} below the minimum of {limit}",
            error=ConfidenceTooLow,
        ),
        _R.CHECK_FAILED: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.RULE,
            final=True,
            meaning="A rule of your own raised an error or gave an answer that cannot be recorded, so the signal was "
            "refused rather than accepted.",
            measured="the error, or what was wrong with the answer; the field `rule` names the rule",
            remedy="fix the rule: `why ID` names it and shows what went wrong",
            error=NoSignalsAvailable,
        ),
        _R.RULE: ReasonEntry(
            phase=_P.RECEIPT,
            origin=_O.RULE,
            final=True,
            meaning="A rule of your own refused it: the field `rule` names it, as in `rule mine:unsure`. Also at "
            "execution, and as an obstacle.",
            measured="what the rule measured",
            limit="the rule's limit",
            remedy="change the rule that is named, or remove it from validation.checks",
            error=TradingLimitsExceeded,
        ),
        _R.DOOR_FULL: ReasonEntry(
            phase=_P.INTAKE,
            origin=_O.SENDER,
            final=False,
            meaning="Too many signals wait for their commit, or for their execution, or it would have been committed "
            "too late.",
            limit="`intake.capacity`, `intake.max_waiting`, `intake.max_delay_ms`",
            remedy="send more slowly, or raise intake.max_delay_ms, intake.capacity or intake.max_waiting",
        ),
        _R.RATE_LIMITED: ReasonEntry(
            phase=_P.INTAKE,
            origin=_O.SENDER,
            final=False,
            meaning="Too many signals arrived within a second.",
            limit="`intake.max_per_s`",
            remedy="send more slowly, or raise intake.max_per_s",
        ),
        _R.JOURNAL_UNAVAILABLE: ReasonEntry(
            phase=_P.INTAKE,
            origin=_O.MACHINE,
            final=False,
            meaning="The journal could not be written. Also the obstacle of a waiting signal whose intent could not be "
            "committed: nothing was sent.",
            measured="the journal's error, for a waiting signal",
            remedy="free disk space, or stop the program that locks the file; the write is retried automatically",
            error=TradingLimitsExceeded,
        ),
        _R.STOPPING: ReasonEntry(
            phase=_P.INTAKE,
            origin=_O.NONE,
            final=False,
            meaning="The program is stopping.",
            remedy="send it again when the pipeline runs",
        ),
        _R.NEWER_SIGNAL: ReasonEntry(
            phase=_P.SUPERSEDING,
            origin=_O.NONE,
            final=True,
            meaning="A newer buying signal of the same strategy and symbol replaced it.",
            measured="the newer signal's id",
            remedy="nothing to do; execution.supersede turns this off",
            error=NoSignalsAvailable,
        ),
        _R.POSITION_LIMIT: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.SETTINGS,
            final=True,
            meaning="It would open one position too many. Closing orders are never held back, and positions too small "
            "to sell do not count.",
            measured="the positions there would be",
            limit="`limits.max_open_positions`",
            remedy="close a position, or raise limits.max_open_positions",
            words="would make {measured} open positions, {limit} allowed",
            error=PositionLimitsExceeded,
        ),
        _R.NOTIONAL_LIMIT: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.SETTINGS,
            final=True,
            meaning="The order would cost too much. Sales that close what our trades hold are never held back; sales "
            "of the account's own coins are.",
            measured="its cost, in the quote currency",
            limit="`limits.max_order_notional`, or `limits.per_quote` of that currency",
            remedy="order less, or raise limits.max_order_notional",
            words="would cost {measured}, {margin} more than the {limit} allowed",
            error=TradingLimitsExceeded,
        ),
        _R.BELOW_MINIMUM: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.SETTINGS,
            final=True,
            meaning="The order, or its price, is smaller than the venue accepts.",
            measured="its cost, in the quote currency; or the price",
            limit="the venue's minimum cost; or its tick",
            remedy="order more: raise sizing.notional, or the signal's quantity",
            words="{measured} is less than the venue's minimum of {limit}",
            error=TradingLimitsExceeded,
        ),
        _R.INSUFFICIENT_BALANCE: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.ACCOUNT,
            final=True,
            meaning="The free balance is too small.",
            measured="the free balance of the quote currency",
            limit="what the order reserves, including its fee",
            remedy="close a position, lower sizing.notional, or deposit funds",
            words="{measured} free, {limit} needed: {margin} missing",
            error=TradingLimitsExceeded,
        ),
        _R.NO_POSITION: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.SENDER,
            final=True,
            meaning="Our own trades hold nothing of the symbol that is not being sold already, or less than a lot. "
            "Other coins on the account are not ours to sell.",
            measured="what may be sold of the base currency",
            limit="the smallest amount, one lot",
            remedy="nothing to close; sizing.sell_holdings allows selling the account's own coins, within every limit",
            words="{measured} held, the minimum to sell is {limit}",
            error=TradingLimitsExceeded,
        ),
        _R.PRICE_DRIFTED: ReasonEntry(
            phase=_P.EXECUTION,
            origin=_O.MARKET,
            final=True,
            meaning="The price moved too far against the trade, since the signal named a price or, where it named "
            "none, since it was received. Closing is never held back.",
            measured="by how much, in bps of that price; or that no price was known then",
            limit="`validation.market.max_drift_bps`",
            remedy="send and execute sooner, or raise validation.market.max_drift_bps",
            words="the price moved {measured} bps the wrong way, {margin} more than the {limit} allowed",
            error=TradingLimitsExceeded,
        ),
        _R.AWAITING_TICK: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.SETTINGS,
            final=False,
            meaning="Nothing blocks it: its time to live ended before the next execution.",
            measured="none, or that it expired directly before it would have been sent",
            remedy="wait for the next execution, or `trigger` one; to prevent it, shorten execution.interval_s, raise "
            "execution.signal_ttl_s, or set execution.urgent_score",
            error=SignalExpired,
        ),
        _R.HALTED: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.NONE,
            final=False,
            meaning="Orders are halted, or only closing orders are allowed.",
            measured="the reason given for the halt",
            remedy="`resume` when the cause is resolved",
            error=TradingLimitsExceeded,
        ),
        _R.NO_MARKET_DATA: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.MARKET,
            final=False,
            meaning="The symbol has no price yet.",
            measured="the symbol",
            remedy="wait for the first price, or check market.source and the setting symbols",
            words="{measured} has no price yet",
            error=TradingLimitsExceeded,
        ),
        _R.STALE_MARKET_DATA: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.MARKET,
            final=False,
            meaning="The symbol's price is too old to act on.",
            measured="its age, in s",
            limit="`validation.market.max_data_age_s`, or two timeframes",
            remedy="check the market's source, or raise validation.market.max_data_age_s",
            words="price {measured} s old, {limit} s allowed",
            error=TradingLimitsExceeded,
        ),
        _R.OUTSIDE_HOURS: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.SETTINGS,
            final=False,
            meaning="No positions are opened at this hour. Closing is never held back.",
            measured="weekday and time, UTC",
            limit="`validation.market.hours`",
            remedy="wait for the hours to begin, or widen validation.market.hours",
            words="it is {measured}, entries are made {limit}",
            error=TradingLimitsExceeded,
        ),
        _R.SPREAD_TOO_WIDE: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.MARKET,
            final=False,
            meaning="Best bid and best ask are too far apart. Closing is never held back.",
            measured="the spread, in bps of the mid price",
            limit="`validation.market.max_spread_bps`",
            remedy="wait for a narrower spread, or raise validation.market.max_spread_bps",
            words="the spread is {measured} bps of mid, {margin} more than the {limit} allowed",
            error=TradingLimitsExceeded,
        ),
        _R.TOO_VOLATILE: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.MARKET,
            final=False,
            meaning="The symbol's closed candles differ too much from each other. Closing is never held back.",
            measured="the standard deviation of the last returns, per candle, as a fraction; or which candles are "
            "missing",
            limit="`validation.market.max_volatility`",
            remedy="wait for a calmer market, or raise validation.market.max_volatility",
            words="the volatility is {measured} per candle, {margin} more than the {limit} allowed",
            error=TradingLimitsExceeded,
        ),
        _R.VOLUME_TOO_LOW: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.MARKET,
            final=False,
            meaning="Too little was traded in the symbol's last closed candle. Closing is never held back.",
            measured="its volume, in the quote currency; or which candles are missing",
            limit="`validation.market.min_volume`, or `min_volume_per_quote` of that currency",
            remedy="wait for a candle with more volume, or lower validation.market.min_volume",
            words="the last candle traded {measured}, {margin} less than the minimum of {limit}",
            error=TradingLimitsExceeded,
        ),
        _R.NO_TRADER: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.VENUE,
            final=False,
            meaning="No account can take an order now: each eligible one is suspended.",
            measured="what suspends each account",
            remedy="see what suspends each trader: `diagnose` lists them",
            error=TraderUnavailable,
        ),
        _R.CIRCUIT_OPEN: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.VENUE,
            final=False,
            meaning="Several failures in a row opened the circuit breaker of the account's venue. The venue is probed "
            "with a read-only request, and used again when that succeeds.",
            measured="the number of failures in a row, and of what",
            remedy="nothing to do: the venue is probed, and used again once it answers; `why` shows the last answers",
            error=TraderUnavailable,
        ),
        _R.NOT_RECONCILED: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.VENUE,
            final=False,
            meaning="The account has not been compared with the venue yet.",
            measured="that this is under way, or what failed",
            remedy="wait: it is retried automatically; `diagnose` shows what fails",
            error=TraderUnavailable,
        ),
        _R.PACED: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.VENUE,
            final=False,
            meaning="As many orders were sent to the account as its venue allows in this time.",
            measured="how many in how long",
            remedy="nothing to do: it is sent as soon as the venue's limit allows; or add another account",
            error=TraderUnavailable,
        ),
        _R.IN_FLIGHT_FULL: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.SETTINGS,
            final=False,
            meaning="The maximum number of orders is in flight.",
            limit="`execution.max_in_flight`",
            remedy="nothing to do: it is sent when an order in flight is answered; or raise execution.max_in_flight",
            words="{limit} orders in flight, the most allowed",
            error=TradingLimitsExceeded,
        ),
        _R.BACKOFF: ReasonEntry(
            phase=_P.WAITING,
            origin=_O.VENUE,
            final=False,
            meaning="An attempt failed, and the next one is delayed. Only `diagnose` reports it; `why` has the "
            "attempt's own reason.",
            measured="why the attempt failed",
            remedy=_RETRIED,
            error=ExchangeError,
        ),
        _R.REJECTED: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.VENUE,
            final=True,
            meaning="The venue rejected the order, and would reject it again. Another eligible account is tried; "
            "without one, the signal has failed.",
            measured="the venue's answer",
            remedy="correct what the venue objects to: `why ID` shows its answer",
            costs_attempt=True,
            error=ExchangeError,
        ),
        _R.REJECTED_FOR_NOW: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.VENUE,
            final=False,
            meaning="The venue rejected the order, but may accept it later. The signal keeps waiting.",
            measured="the venue's answer",
            remedy=_RETRIED,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.BANNED: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.PIPELINE,
            final=False,
            meaning="The venue banned our address for a while, because of too many requests. The signal keeps waiting.",
            measured="the venue's answer, or its address",
            remedy="wait: nothing is sent to the venue until the ban ends, even after a restart; check what else uses "
            "this address",
            against_venue=True,
            error=ExchangeError,
        ),
        _R.MAINTENANCE: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.VENUE,
            final=False,
            meaning="The venue is closed for maintenance. The signal keeps waiting.",
            measured="the venue's answer",
            remedy=_RETRIED,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.MARKET_CLOSED: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.MARKET,
            final=False,
            meaning="The symbol is not traded at the moment. The signal keeps waiting; other symbols are not affected.",
            measured="the venue's answer",
            remedy=_RETRIED,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.ACCOUNT_BLOCKED: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.ACCOUNT,
            final=False,
            meaning="The venue does not allow this account or key to trade. The account is not used again until the "
            "program restarts; the signal goes to another account, or waits.",
            measured="the venue's answer",
            remedy="check the account and its key on the venue, then restart",
            against_venue=True,
            error=ExchangeError,
        ),
        _R.CLOCK_SKEW: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.MACHINE,
            final=False,
            meaning="The venue rejected the time that the order was signed with. Its clock was measured again; the "
            "signal keeps waiting.",
            measured="the venue's answer",
            remedy="synchronise the machine's clock with NTP",
            error=ExchangeError,
        ),
        _R.NEVER_SENT: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.NETWORK,
            final=False,
            meaning="The order did not reach the venue.",
            measured="what went wrong",
            remedy=_RETRIED,
            costs_attempt=True,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.ATTEMPTS_USED_UP: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.VENUE,
            final=True,
            meaning="The last allowed attempt failed, so the signal has failed.",
            measured="the last answer",
            limit="none; `execution.order_creation_retries` attempts, including the first",
            remedy="see the venue's answers with `why ID`, or raise execution.order_creation_retries",
            costs_attempt=True,
            error=ExchangeError,
        ),
        _R.INTERRUPTED: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.PIPELINE,
            final=False,
            meaning="The program ended between the intent and the outcome, and the venue proves that it never received "
            "the order. The signal keeps waiting.",
            measured="the venue's answer",
            remedy=_RETRIED,
            costs_attempt=True,
            error=ExchangeError,
        ),
        _R.NO_ANSWER: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.NETWORK,
            final=False,
            meaning="Placement unconfirmed. The signal is `unknown`, and its capital stays reserved.",
            measured="what went wrong",
            remedy="nothing to do: the venue is asked until there is proof",
            costs_attempt=True,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.NO_PROOF: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.VENUE,
            final=False,
            meaning="Placement cannot be proved either way, so the signal is `parked` and a person decides.",
            measured="why there is no proof",
            remedy="look the order up on the venue, and decide with `resolve`",
            costs_attempt=True,
            against_venue=True,
            error=ExchangeError,
        ),
        _R.FOUND: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.NONE,
            final=True,
            meaning="An unconfirmed order was found on the venue. The signal is `placed`.",
            measured="none, or the venue's answer",
            remedy="nothing to do: the order was found",
            costs_attempt=True,
        ),
        _R.BY_HAND: ReasonEntry(
            phase=_P.VENUE,
            origin=_O.NONE,
            final=True,
            meaning="A person decided with `resolve` that the order was never placed. The signal has failed.",
            measured="that it was decided by hand",
            remedy="nothing to do: it was decided with `resolve`",
            costs_attempt=True,
            error=ExchangeError,
        ),
    }
)

COSTS_NO_ATTEMPT = frozenset(reason for reason, entry in REASONS.items() if not entry.costs_attempt)
"""Why an order was not placed though nothing is wrong with it: the signal keeps waiting, with no attempt lost."""

AGAINST_VENUE = frozenset(reason for reason, entry in REASONS.items() if entry.against_venue)
"""Answers that count as a failure of the account's venue, and may suspend the account."""

JUDGED_AT_RECEIPT = tuple(reason for reason, entry in REASONS.items() if entry.phase is Phase.RECEIPT)
"""Reasons for which a signal is refused at receipt."""
