"""A circuit breaker: after failures in a row nothing is tried for a while, and then only a harmless probe."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Breaker", "Circuit"]


class Circuit(StrEnum):
    """Closed lets everything through, open nothing, half open a probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after `fail_max` failures in a row, for `reset_timeout_s`, doubling up to `max_reset_timeout_s` while the
    probe fails. It is no operator: what it guards is asked from several streams, and a probe is a read, never an order.

        failed failed failed ──► open ──reset_timeout──► half open ──probe succeeded──► closed
                                  ▲                          └──probe failed──► open, for twice as long

    Moments are nanoseconds UTC. Memory: five numbers.

    Raises:
        ValueError: `fail_max` is under 1, or the timeouts are not 0 < `reset_timeout_s` <= `max_reset_timeout_s`.
    """

    def __init__(self, *, fail_max: int = 5, reset_timeout_s: float = 30.0, max_reset_timeout_s: float = 600.0) -> None:
        if fail_max < 1:
            raise ValueError(f"fail_max must be at least 1, was {fail_max}")
        if not 0 < reset_timeout_s <= max_reset_timeout_s:
            raise ValueError(
                f"reset_timeout_s must be above 0 and at most max_reset_timeout_s, "
                f"was {reset_timeout_s} and {max_reset_timeout_s}"
            )
        self._fail_max = fail_max
        self._first_ns, self._last_ns = int(reset_timeout_s * 1e9), int(max_reset_timeout_s * 1e9)
        self.failures = 0
        self._timeout_ns = self._first_ns
        self._closes_ns: int | None = None

    def state(self, at_ns: int) -> Circuit:
        """What it is at a moment."""
        if self._closes_ns is None:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if at_ns >= self._closes_ns else Circuit.OPEN

    @property
    def probe_at_ns(self) -> int | None:
        """When a probe is due; None while it is closed."""
        return self._closes_ns

    def failed(self, at_ns: int) -> None:
        """One more failure; behind an open circuit it may be that of the probe, or of what was on its way."""
        self.failures += 1
        if self._closes_ns is None:
            if self.failures >= self._fail_max:
                self._closes_ns = at_ns + self._timeout_ns
        elif at_ns >= self._closes_ns:
            self._timeout_ns = min(2 * self._timeout_ns, self._last_ns)
            self._closes_ns = at_ns + self._timeout_ns

    def succeeded(self) -> None:
        """It works again, or still does."""
        self.failures = 0
        self._timeout_ns = self._first_ns
        self._closes_ns = None
