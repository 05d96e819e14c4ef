"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["backoff_s"]

_MANY_DOUBLINGS = 60


def backoff_s(attempt: int, *, delay_s: float, max_delay_s: float, jitter: Callable[[], float]) -> float:
    """How long to wait after the failed attempt number `attempt`, counted from 0, in seconds.

    `min(max_delay_s, delay_s * 2**attempt) * (0.5 + jitter() / 2)`, `jitter()` being from 0 to 1: between half of the
    delay and the whole of it, so that those who failed together do not come back together.
    """
    doubled_s = delay_s * 2.0 ** min(attempt, _MANY_DOUBLINGS)
    return min(max_delay_s, doubled_s) * (0.5 + jitter() / 2)
