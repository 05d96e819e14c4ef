"""How many lines each list on the screen gets."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["shares"]


def shares(room: int, wanted: Sequence[int], least: Sequence[int]) -> list[int]:
    """Share `room` lines out: to each list what it wants, as far as that goes, a line in turn; never under `least`."""
    given = [min(want, fewest) for want, fewest in zip(wanted, least, strict=True)]
    left = room - sum(given)
    while left > 0 and given != list(wanted):
        for place, want in enumerate(wanted):
            if left > 0 and given[place] < want:
                given[place] += 1
                left -= 1
    return given
