"""What a halt keeps from being executed."""

from __future__ import annotations

from tidegate.domain.events import Halted
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["halting"]


def halting(signal: Signal, halted: Halted | None) -> Refusal | None:
    """The halt, where it keeps `signal` back: `reduce_only` lets everything through that sells."""
    if halted is None or (halted.reduce_only and signal.side is Side.SELL):
        return None
    return Refusal(Reason.HALTED, measured=halted.why)
