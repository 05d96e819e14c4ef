"""Which account takes an order."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from domain.ports import Venue
from domain.reasons import Reason
from domain.signal import Signal
from domain.verdict import Refusal

__all__ = ["Trader", "choose"]


class Trader(Struct, frozen=True):
    """An account that may take orders: of `symbols` only, where that is set. The higher `priority` is asked first."""

    venue: Venue
    priority: int = 0
    symbols: frozenset[str] | None = None

    @property
    def id(self) -> str:
        """The account's id in the settings."""
        return self.venue.trader


def choose(signal: Signal, traders: Sequence[Trader]) -> Trader | Refusal:
    """The account for `signal`: the one it names, else the first by priority that trades its symbol."""
    named = [trader for trader in traders if signal.trader in (None, trader.id)]
    if not named:
        return Refusal(Reason.UNKNOWN_TRADER, measured=signal.trader, limit=", ".join(trader.id for trader in traders))
    able = [trader for trader in named if trader.symbols is None or signal.symbol in trader.symbols]
    if not able:
        return Refusal(Reason.UNKNOWN_SYMBOL, measured=signal.symbol, limit=", ".join(t.id for t in named))
    return max(able, key=lambda trader: trader.priority)
