"""A moment as people and files write it."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["exact_iso_of", "iso_of"]


def iso_of(at_ns: int) -> str:
    """A moment in nanoseconds UTC as ISO 8601 with milliseconds, the rest cut off: `2018-01-11T00:00:00.000Z`."""
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000_000:03d}Z"


def exact_iso_of(at_ns: int) -> str:
    """A moment in nanoseconds UTC as ISO 8601, to the nanosecond: `2018-01-11T00:00:00.000000000Z`."""
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"
