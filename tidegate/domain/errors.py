"""Everything that can go wrong, named once, sorted by what to do next.

    TidegateError
    ├── SettingsError            settings, files, arguments: correct them and start again (exit 2)
    ├── JournalError
    │   ├── JournalRefused         another writer, another mode, newer, corrupt: nothing may be written (exit 2)
    │   └── JournalUnavailable     the commit did not happen: disk full, locked; the same batch may be tried again
    ├── SignalNotFound           the journal has no signal of that name, or several: ask by another name
    ├── VenueUnavailable         a venue did not answer a request for information: ask again later
    ├── IllegalTransition        an event that cannot follow: a bug, it is not written
    └── NotAccepted              the signal was not recorded, the sender may send it again

    and what only `execute_with_diagnostics` raises: NoSignalsAvailable, TraderUnavailable, SignalExpired,
    ConfidenceTooLow, PositionLimitsExceeded, TradingLimitsExceeded, ExchangeError.

A refused signal is not an error: see `tidegate.domain.verdict.Refusal`. What a venue answers is a value:
`tidegate.domain.order.Answer`.
"""

from __future__ import annotations

__all__ = [
    "ConfidenceTooLow",
    "ExchangeError",
    "ExecutionError",
    "IllegalTransition",
    "JournalError",
    "JournalRefused",
    "JournalUnavailable",
    "NoSignalsAvailable",
    "NotAccepted",
    "PositionLimitsExceeded",
    "SettingsError",
    "SignalExpired",
    "SignalNotFound",
    "TidegateError",
    "TraderUnavailable",
    "TradingLimitsExceeded",
    "VenueUnavailable",
]


class TidegateError(Exception):
    """The root of all errors that this program raises on purpose."""


class SettingsError(TidegateError):
    """A setting, a file or an argument is wrong; the message names the place and the fix."""


class JournalError(TidegateError):
    """The journal cannot be used."""


class JournalRefused(JournalError):
    """This journal must not be written by this program; the message says why and what to do."""


class JournalUnavailable(JournalError):
    """The commit did not happen; the same batch may be tried again."""


class SignalNotFound(TidegateError):
    """No signal goes by a name, or several ids begin with it; the message says which."""


class VenueUnavailable(TidegateError):
    """A venue did not answer a request for information, or not completely; nothing was changed there."""


class IllegalTransition(TidegateError):
    """An event cannot follow the ones before it."""


class NotAccepted(TidegateError):
    """The signal was not recorded: it may be sent again."""


class ExecutionError(TidegateError):
    """Why an execution placed no order."""


class NoSignalsAvailable(ExecutionError):
    """Nothing is waiting."""

    def __init__(self) -> None:
        super().__init__("no signal is waiting")


class TraderUnavailable(ExecutionError):
    """No account can take the order."""

    def __init__(self, trader_id: str) -> None:
        super().__init__(f"trader {trader_id} is not available")
        self.trader_id = trader_id


class SignalExpired(ExecutionError):
    """The signal's time to live ended before an order was placed."""

    def __init__(self, signal_id: str) -> None:
        super().__init__(f"signal {signal_id} has expired")
        self.signal_id = signal_id


class ConfidenceTooLow(ExecutionError):
    """The score, or the strength, is below its threshold; `confidence` carries it."""

    def __init__(self, confidence: float, threshold: float) -> None:
        super().__init__(f"score or strength must be at least {threshold}, was {confidence}")
        self.confidence, self.threshold = confidence, threshold


class PositionLimitsExceeded(ExecutionError):
    """The maximum number of positions is open."""

    def __init__(self, current: int, max: int) -> None:
        super().__init__(f"{current} positions are open, at most {max} may be")
        self.current, self.max = current, max


class TradingLimitsExceeded(ExecutionError):
    """One of our own limits forbids the order."""

    def __init__(self, limit_type: str) -> None:
        super().__init__(f"the limit {limit_type} forbids it")
        self.limit_type = limit_type


class ExchangeError(ExecutionError):
    """The venue rejected the order, or did not answer."""

    def __init__(self, exchange: str, error: str) -> None:
        super().__init__(f"{exchange}: {error}")
        self.exchange, self.error = exchange, error
