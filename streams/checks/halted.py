"""Orders may be halted, all of them or all but closing ones."""

from __future__ import annotations

from streams.checks.check import Wait
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal

__all__ = ["halted"]


def halted(signal: Signal, situation: Situation) -> Wait | None:
    """Wait while orders are halted; `reduce_only` lets closing ones through. Measured is why they are."""
    halt = situation.known.state.halted
    if halt is None or (halt.reduce_only and situation.closes(signal)):
        return None
    return Wait(Reason.HALTED, measured=halt.why)
