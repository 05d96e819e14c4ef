"""An order spends no more than is free."""

from __future__ import annotations

from streams.checks.situation import Situation
from tidegate.domain.market import quote_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["balance"]


def balance(signal: Signal, situation: Situation) -> Refusal | None:
    """Refuse to buy for more than the account has free, fees included. Measured is what is free, in the quote currency.

    A sale is cut to what is free before: see `price_and_size`.
    """
    if signal.side is Side.SELL:
        return None
    free, reserved = situation.account.free(quote_of(signal.symbol)), situation.terms.reserved
    if reserved > free:
        return Refusal(Reason.INSUFFICIENT_BALANCE, measured=str(free), limit=str(reserved))
    return None
