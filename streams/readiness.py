"""What stands in the way of an execution now, though it may go away: a signal waits for that, it is not refused."""

from __future__ import annotations

from tidegate.domain.events import Halted
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["halting", "obstacle"]


def halting(signal: Signal, halted: Halted | None) -> Refusal | None:
    """The halt, where it keeps `signal` back: `reduce_only` keeps only what does not close."""
    if halted is None or (halted.reduce_only and signal.side is Side.SELL):
        return None
    return Refusal(Reason.HALTED, measured=halted.why)


def obstacle(signal: Signal, *, halted: Halted | None, data_age_ns: int | None, max_data_age_ns: int) -> Refusal | None:
    """What keeps `signal` from being executed; None when nothing does.

    Besides a halt: without a quote, or where the newest is older than `max_data_age_ns`, nothing is sent.
    """
    if (halt := halting(signal, halted)) is not None:
        return halt
    if data_age_ns is None:
        return Refusal(Reason.NO_MARKET_DATA, measured=signal.symbol)
    if data_age_ns > max_data_age_ns:
        return Refusal(Reason.STALE_MARKET_DATA, measured=data_age_ns / 1e9, limit=max_data_age_ns / 1e9)
    return None
