"""Keys and their deadlines, earliest first."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

__all__ = ["Deadlines"]

_Key = TypeVar("_Key", bound=Hashable)
_FEW = 64


class Deadlines(Generic[_Key]):
    """Keys and their deadlines. Every call costs O(log n), spread over many calls.

    Memory: at most twice the keys it holds, and 64.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, _Key]] = []
        self._added: dict[_Key, int] = {}  # which entry of the heap is the key's
        self._count = 0

    def __len__(self) -> int:
        return len(self._added)

    def add(self, key: _Key, at_ns: int) -> None:
        """Set the deadline of `key`, in place of the one it had."""
        self._count += 1
        self._added[key] = self._count
        heappush(self._heap, (at_ns, self._count, key))
        if len(self._heap) > 2 * len(self._added) + _FEW:
            self._compact()

    def discard(self, key: _Key) -> None:
        """Forget `key`, if it is here."""
        if self._added.pop(key, None) is not None and len(self._heap) > 2 * len(self._added) + _FEW:
            self._compact()

    def due(self, now_ns: int) -> list[_Key]:
        """Remove and give the keys whose deadline has come: by deadline, and where they share one, as they came."""
        keys = []
        while (next_ns := self.next_ns) is not None and next_ns <= now_ns:
            key = heappop(self._heap)[2]
            del self._added[key]
            keys.append(key)
        return keys

    @property
    def next_ns(self) -> int | None:
        """The earliest deadline, or None when there is none."""
        heap = self._heap
        while heap and self._added.get(heap[0][2]) != heap[0][1]:
            heappop(heap)
        return heap[0][0] if heap else None

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if self._added.get(entry[2]) == entry[1]]
        heapify(self._heap)
