"""How many symbols may be held or being bought at once, over all accounts."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck
from streams.checks.situation import Situation
from streams.traders import is_dust
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["position_limit"]


def position_limit(max_open_positions: int) -> ExecutionCheck:
    """Refuse to buy where that would open more than `max_open_positions`, dust left out. Selling opens none."""

    def check(signal: Signal, situation: Situation) -> Refusal | None:
        known = situation.known
        book = known.state.book
        if len(book.open_positions) < max_open_positions or signal.side is Side.SELL:
            return None
        open_symbols = book.without_dust(is_dust(known.traders, known.markets))
        positions = len(open_symbols) + 1
        if signal.symbol not in open_symbols and positions > max_open_positions:
            return Refusal(Reason.POSITION_LIMIT, measured=positions, limit=max_open_positions)
        return None

    return check
