"""How many orders may be on their way at once, and how many are."""

from __future__ import annotations

from reactivex import Subject

__all__ = ["InFlight"]


class InFlight:
    """A bound on orders between their intent and their outcome. `freed` tells when places came free.

    Memory: one number.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, was {limit}")
        self.limit = limit
        self.count = 0
        self.freed: Subject[None] = Subject()

    @property
    def full(self) -> bool:
        """Whether no further order may go."""
        return self.count >= self.limit

    def take(self) -> None:
        """One order more is on its way."""
        self.count += 1

    def give_back(self) -> None:
        """One order less is on its way."""
        self.count -= 1
        self.freed.on_next(None)
