"""What stands in the way of an execution now, though it may go away: a signal waits for that, it is not refused."""

from __future__ import annotations

from domain.events import Halted
from domain.reasons import Reason
from domain.signal import Side, Signal
from domain.verdict import Refusal

__all__ = ["obstacle"]


def obstacle(signal: Signal, *, halted: Halted | None, data_age_ns: int | None, max_data_age_ns: int) -> Refusal | None:
    """What keeps `signal` from being executed; None when nothing does.

    A halt keeps everything back, `reduce_only` only what does not close. Without a quote, or where the newest is
    older than `max_data_age_ns`, nothing is sent.
    """
    if halted is not None and not (halted.reduce_only and signal.side is Side.SELL):
        return Refusal(Reason.HALTED, measured=halted.why)
    if data_age_ns is None:
        return Refusal(Reason.NO_MARKET_DATA, measured=signal.symbol)
    if data_age_ns > max_data_age_ns:
        return Refusal(Reason.STALE_MARKET_DATA, measured=data_age_ns / 1e9, limit=max_data_age_ns / 1e9)
    return None
