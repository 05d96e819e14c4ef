"""Deadlines, and verdicts that do not wait for ever."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.screen import Stage
from tidegate.clock import Clock
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["Deadlines", "expire"]

_Key = TypeVar("_Key", bound=Hashable)
_FEW = 64


class Deadlines(Generic[_Key]):
    """Keys and their deadlines. Whatever is done to it costs O(log n), spread over many calls.

    Memory: at most twice the keys it holds, and 64.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, _Key]] = []
        self._added: dict[_Key, int] = {}  # which entry of the heap stands for the key
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


def expire(*, ttl_s: float, clock: Clock, ended: Observable[str]) -> Stage:
    """Pass every verdict, and an accepted one once more, refused, when its time to live is over before it ended.

        -a--b------|        ttl_s=5
        ---a--------        ended
        -a--b----B-|        b has expired

    The time to live is the signal's own, else `ttl_s`, and counts from its receipt, by the steady clock. `ended` tells
    the ids of signals that came to their end. The refusal is `awaiting_tick`: measured are the seconds waited, limit is
    the time to live.

    Emits when:      upstream emits, and at the deadline of each accepted signal that has not ended.
    Completes when:  upstream has completed and nothing waits.
    Errors when:     upstream errors, or `ended` does.
    Memory:          one entry for each accepted signal that has neither ended nor expired.

    Raises:
        ValueError: `ttl_s` is not above 0.
    """
    if not ttl_s > 0:
        raise ValueError(f"ttl_s must be above 0, was {ttl_s}")

    def operator(source: Observable[Verdict]) -> Observable[Verdict]:
        def subscribe(observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            waiting: dict[str, tuple[Verdict, int]] = {}
            deadlines: Deadlines[str] = Deadlines()
            completed = False

            def receive(verdict: Verdict) -> None:
                signal = verdict.signal
                if verdict.refusal is None and signal.id not in waiting:
                    received_ns = verdict.received_ns or clock.now_ns()
                    waiting[signal.id] = verdict, received_ns
                    deadline_ns = received_ns + round((signal.ttl_s or ttl_s) * 1e9)
                    deadlines.add(signal.id, deadline_ns)
                    alarm.set(deadline_ns)
                observer.on_next(verdict)

            def ring() -> None:
                now_ns = clock.now_ns()
                for signal_id in deadlines.due(now_ns):
                    verdict, received_ns = waiting.pop(signal_id)
                    signal, waited_s = verdict.signal, (now_ns - received_ns) / 1e9
                    refusal = Refusal(Reason.AWAITING_TICK, measured=waited_s, limit=signal.ttl_s or ttl_s)
                    observer.on_next(Verdict(signal, clock.wall_ns(), verdict.score, refusal))
                if (next_ns := deadlines.next_ns) is not None:
                    alarm.set(next_ns)
                complete_if_over()

            def end(signal_id: str) -> None:
                deadlines.discard(signal_id)
                if waiting.pop(signal_id, None) is not None:
                    complete_if_over()

            def complete() -> None:
                nonlocal completed
                completed = True
                complete_if_over()

            def complete_if_over() -> None:
                if completed and not waiting:
                    observer.on_completed()

            alarm = clock.alarm(ring)
            return CompositeDisposable(
                ended.subscribe(end, observer.on_error),
                source.subscribe(receive, observer.on_error, complete),
                Disposable(alarm.clear),
            )

        return Observable(subscribe)

    return operator
