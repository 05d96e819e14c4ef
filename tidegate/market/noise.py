"""Smooth random paths that are a pure function of seed and time: they can be entered at any moment, in any order."""

from __future__ import annotations

from hashlib import blake2b
from math import sqrt

__all__ = ["Noise", "key_of", "uniform"]

_MASK = (1 << 64) - 1
_SHORTEST_NS = 4_000_000_000
_RATIO = 5
_OCTAVES = 8  # from 4 seconds to 3.6 days
_DAY_NS = 86_400_000_000_000
_AMPLITUDE_OF_UNIT_STEP = 1.24  # measured: then the change over a day has the deviation asked for


def key_of(*parts: object) -> int:
    """A key for `uniform`: 64 bits, the same for the same parts on every machine."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest())


def uniform(key: int, index: int) -> float:
    """The random number at an index, evenly spread over 0 to 1, 1 excluded (splitmix64)."""
    z = (key + index * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


class _Octave:
    """Random values on a grid of moments, joined by smooth curves. Remembers the two values around the last moment."""

    __slots__ = ("_amplitude", "_cell", "_key", "_left", "_rise", "_shift_ns", "_step_ns")

    def __init__(self, key: int, step_ns: int, amplitude: float) -> None:
        self._key, self._step_ns, self._amplitude = key, step_ns, amplitude
        self._shift_ns = int(uniform(key, -1) * step_ns)  # so that grids do not meet
        self._cell: int | None = None
        self._left = self._rise = 0.0

    def at(self, moment_ns: int) -> float:
        cell, into_ns = divmod(moment_ns + self._shift_ns, self._step_ns)
        if cell != self._cell:
            self._left, right = self._value(cell), self._value(cell + 1)
            self._rise, self._cell = right - self._left, cell
        x = into_ns / self._step_ns
        return self._left + self._rise * x * x * (3 - 2 * x)

    def _value(self, cell: int) -> float:
        return self._amplitude * (2 * uniform(self._key, cell) - 1)


class Noise:
    """A path that wanders about 0 like a price does: over a day by `deviation_per_day`, over shorter times by its root.

    Memory: eight pairs of numbers. Not for several threads at once.
    """

    __slots__ = ("_octaves",)

    def __init__(self, key: int, deviation_per_day: float) -> None:
        steps_ns = [_SHORTEST_NS * _RATIO**octave for octave in range(_OCTAVES)]
        unit = deviation_per_day * _AMPLITUDE_OF_UNIT_STEP
        self._octaves = [
            _Octave(key_of(key, octave), step_ns, unit * sqrt(step_ns / _DAY_NS))
            for octave, step_ns in enumerate(steps_ns)
        ]

    def at(self, moment_ns: int) -> float:
        """The value at a moment, in nanoseconds UTC."""
        return sum([octave.at(moment_ns) for octave in self._octaves])
