"""How many orders may be on their way at once, and how many are."""

from __future__ import annotations

from reactivex import Observable, Subject

from tidegate.clock import Clock

__all__ = ["InFlight"]


class InFlight:
    """A bound on orders between their intent and their outcome.

    `freed` emits when places come free: once for all that come free in one turn of the loop. Memory: one number.
    """

    def __init__(self, limit: int, *, clock: Clock) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, was {limit}")
        self.limit = limit
        self.count = 0
        self._freed: Subject[None] = Subject()
        self._clock = clock
        self._telling = False

    @property
    def freed(self) -> Observable[None]:
        """Places came free."""
        return self._freed

    @property
    def full(self) -> bool:
        """Whether no further order may go."""
        return self.count >= self.limit

    @property
    def free(self) -> int:
        """How many further orders may go."""
        return max(self.limit - self.count, 0)

    def take(self, count: int = 1) -> None:
        """So many orders more are on their way."""
        self.count += count

    def give_back(self, count: int = 1) -> None:
        """So many orders less are on their way."""
        self.count -= count
        if not self._telling:
            self._telling = True
            self._clock.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._freed.on_next(None)
