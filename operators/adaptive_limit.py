"""How many signals may be under way at once, if each is to be committed in time: learnt from how the commits go."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tidegate.clock import Clock

__all__ = ["AdaptiveLimit"]

_FEWEST = 256
_COMMITS = 3
_FORESEEN = 0.9


class AdaptiveLimit:
    """Learns from the last two commits how long the next will take, so that no signal is admitted that would have to
    wait for longer than `max_delay_ms`; None: any may be. A tenth of the delay is kept for what cannot be foreseen.

    - Of the last two commits the better one counts: one slow commit says nothing about the next; but in an overload,
      where something has to be shed in any case, the worse one. Before the first, nothing is known, and nothing
      limited; nor in simulated time, in which commits take none.
    - So many may be under way as three commits have, for more would only get in the way of orders, and as are committed
      in a quarter of the delay; but 256 in any case. What waits is admitted as long as it can be committed in time.
    - Once signals have waited for half of the delay without a pause, it is no burst but an overload. Then only so many
      may wait as were admitted lately in the time that is left to them.
    - While the journal is `failing`, nothing is limited: it answers.

    Memory: a dozen numbers.

    Raises:
        ValueError: `max_delay_ms` is not above 0.
    """

    def __init__(
        self, max_delay_ms: float | None = None, *, clock: Clock, failing: Callable[[], bool] = lambda: False
    ) -> None:
        if max_delay_ms is not None and not max_delay_ms > 0:
            raise ValueError(f"max_delay_ms must be above 0, was {max_delay_ms}")
        self.waiting = 0
        self._max_ns = sys.maxsize if max_delay_ms is None else int(max_delay_ms * 1e6 * _FORESEEN)
        self._half_ns = self._max_ns // 2
        self._clock, self._failing = clock, failing
        self._begun_ns: int | None = None
        self._last: tuple[int, int] | None = None  # items, nanoseconds
        self._per_ns, self._takes_ns, self._most = 0.0, 0, sys.maxsize
        self._worse, self._overload = (0.0, 0), False
        self._window_ns = self._admitted = 0
        self._admitted_per_ns: float | None = None

    def admitted(self, count: int) -> None:
        """So many signals are under way to their commit from now on."""
        if self._begun_ns is None:
            self._begun_ns = self._clock.now_ns()
        self._admitted += count

    def committed(self, count: int, *, more: bool) -> None:
        """A commit of so many items is done. If there is more, the next one begins now."""
        now_ns = self._clock.now_ns()
        if self._begun_ns is not None and count and now_ns > self._begun_ns:
            last = (count, now_ns - self._begun_ns)
            before, self._last = self._last or last, last
            slower_per_ns, self._per_ns = sorted((last[0] / last[1], before[0] / before[1]))
            self._takes_ns, longer_ns = sorted((last[1], before[1]))
            self._worse = (slower_per_ns, longer_ns)
            in_time = int(self._per_ns * self._half_ns / 2)
            self._most = max(_FEWEST, min(in_time, _COMMITS * max(last[0], before[0])))
        self._begun_ns = now_ns if more else None

    def room(self, depth: int) -> int:
        """How many more may be under way, beside `depth` items; none if it is not above 0."""
        if depth and self._failing():
            return sys.maxsize
        if depth and self._ahead_ns(depth) > self._max_ns:
            return 0
        return self._most - depth

    def most_waiting(self, depth: int) -> int:
        """How many may wait to be admitted, while `depth` items are under way."""
        if self._admitted_per_ns is None:
            return sys.maxsize
        return int((self._max_ns - self._ahead_ns(depth)) * self._admitted_per_ns)

    def too_late_ns(self, depth: int) -> int:
        """What came before this moment would be committed too late, while `depth` items are under way."""
        return self._clock.now_ns() + self._ahead_ns(depth) - self._max_ns

    def wait(self, waiting: int) -> None:
        """So many signals wait to be admitted from now on."""
        now_ns = self._clock.now_ns()
        lately_ns = now_ns - self._window_ns
        if not (self.waiting and waiting):
            self._overload, self._admitted_per_ns, self._window_ns, self._admitted = False, None, now_ns, 0
        elif lately_ns >= self._half_ns:
            self._overload = self._admitted > 0
            self._admitted_per_ns = self._admitted / lately_ns or None  # none: it stalls, and may come back
            self._window_ns, self._admitted = now_ns, 0
        self.waiting = waiting

    def _ahead_ns(self, depth: int) -> int:
        """How long what is admitted now will be under way: to the end of the commit after this one, at least."""
        if self._begun_ns is None or self._last is None:
            return 0
        per_ns, takes_ns = self._worse if self._overload else (self._per_ns, self._takes_ns)
        rest_ns = max(self._begun_ns + takes_ns - self._clock.now_ns(), 0)
        return max(rest_ns + takes_ns, int(depth / per_ns))
