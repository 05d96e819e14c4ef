"""How long things take, as a distribution in little memory."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.domain import events as e

__all__ = ["Latencies", "SignalLatencies"]

_STEPS = 16  # buckets for each doubling; its middle is at most 1/32 off what is in one
_EXACT = 2 * _STEPS
_ENDS: frozenset[type[e.Body]] = frozenset({e.Expired, e.Superseded, e.Failed, e.Refused})


class Latencies:
    """Counts durations in buckets that widen with the duration, as HdrHistogram does: at most 3.2 % off.

    Memory: under 1000 numbers.
    """

    def __init__(self) -> None:
        self.count = 0
        self._buckets: dict[int, int] = {}

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as none."""
        if duration_ns < 0:
            duration_ns = 0
        bits = duration_ns.bit_length()
        shift = bits - 5 if bits > 5 else 0
        bucket = shift * _STEPS + (duration_ns >> shift)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1

    def copy(self) -> Latencies:
        """The distribution as it is now, which later durations leave alone."""
        copied = Latencies()
        copied.count, copied._buckets = self.count, dict(self._buckets)
        return copied

    def quantile_ms(self, share: float) -> float | None:
        """The duration in milliseconds that `share`, 0 to 1, of all are not above; None when there is none."""
        left = share * self.count
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return _middle_ns(bucket) / 1e6
        return None


class SignalLatencies:
    """How long signals took, by the times of their events.

    `waited` is from receipt to the intent, `sent` from there to the acknowledgement, `total` from receipt to the
    acknowledgement. Memory: two moments for each signal that is waiting or in flight.
    """

    def __init__(self) -> None:
        self._waited, self._sent, self._total = Latencies(), Latencies(), Latencies()
        self.by_stage: Mapping[str, Latencies] = {"waited": self._waited, "sent": self._sent, "total": self._total}
        self._received: dict[int, int] = {}
        self._intended: dict[int, int] = {}

    def see(self, event: e.Recorded) -> None:
        """Take in an event of a signal, in the order of the journal."""
        number, at_ns, kind = event.number, event.at_ns, type(event.body)
        if kind is e.Accepted:
            self._received[number] = at_ns
        elif kind is e.Intent:
            self._intended[number] = at_ns
            if (received_ns := self._received.get(number)) is not None:
                self._waited.add(at_ns - received_ns)
        elif kind is e.Placed:
            if (intended_ns := self._intended.pop(number, None)) is not None:
                self._sent.add(at_ns - intended_ns)
            if (received_ns := self._received.pop(number, None)) is not None:
                self._total.add(at_ns - received_ns)
        elif kind in _ENDS:
            self._received.pop(number, None)
            self._intended.pop(number, None)


def _middle_ns(bucket: int) -> float:
    if bucket < _EXACT:
        return float(bucket)
    shift = bucket // _STEPS - 1
    return ((bucket - shift * _STEPS << shift) + (bucket - shift * _STEPS + 1 << shift) - 1) / 2
