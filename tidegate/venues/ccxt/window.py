"""How much there was of something within the last while, and when there is room for more."""

from __future__ import annotations

from collections import deque

__all__ = ["Window"]


class Window:
    """At most `limit` of something within any `seconds`, however others lay their windows.

    Moments are nanoseconds of steady time and never go back. What alone is more than the limit fits into an empty
    window. Memory: one number for each that was taken within the window.
    """

    def __init__(self, limit: float, seconds: float) -> None:
        self.limit, self._window_ns = limit, round(seconds * 1e9)
        self._taken: deque[tuple[int, float]] = deque()
        self._sum = 0.0

    def ready_ns(self, at_ns: int, cost: float = 1) -> int:
        """When there is room for `cost` more; `at_ns` itself where there is now."""
        self._forget(at_ns)
        left = self._sum
        if left + cost <= self.limit:
            return at_ns
        for taken_ns, taken in self._taken:
            left -= taken
            if left + cost <= self.limit:
                return taken_ns + self._window_ns
        return self._taken[-1][0] + self._window_ns if self._taken else at_ns

    def take(self, at_ns: int, cost: float = 1) -> None:
        """Count `cost` more, whether there is room or not."""
        self._forget(at_ns)
        self._taken.append((at_ns, cost))
        self._sum += cost

    def observe(self, used: float, at_ns: int) -> None:
        """Somebody who must know counts `used`: where that is more than is known here, it is right."""
        self._forget(at_ns)
        if used > self._sum:
            self.take(at_ns, used - self._sum)

    def _forget(self, at_ns: int) -> None:
        while self._taken and self._taken[0][0] + self._window_ns <= at_ns:
            self._sum -= self._taken.popleft()[1]
        if not self._taken:
            self._sum = 0.0
