"""How long things take, as a distribution in little memory."""

from __future__ import annotations

__all__ = ["Latencies"]

_STEPS = 16  # buckets for each doubling: a quantile is off by at most 1/16


class Latencies:
    """Counts durations in buckets that widen with the duration, as HdrHistogram does: at most 6.25 % off.

    Memory: under 700 numbers.
    """

    def __init__(self) -> None:
        self.count = 0
        self._buckets: dict[int, int] = {}

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as none."""
        micros = duration_ns // 1000 if duration_ns > 0 else 0
        bits = micros.bit_length()
        shift = bits - 5 if bits > 5 else 0
        bucket = shift * _STEPS + (micros >> shift)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1

    def quantile_ms(self, share: float) -> float | None:
        """The duration in milliseconds that `share`, 0 to 1, of all are not above; None when there is none."""
        left = share * self.count
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return _upper_micros(bucket) / 1000
        return None


def _upper_micros(bucket: int) -> int:
    if bucket < 2 * _STEPS:
        return bucket
    shift = bucket // _STEPS - 1
    return ((bucket - shift * _STEPS + 1) << shift) - 1
