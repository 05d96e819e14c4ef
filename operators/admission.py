"""Intake: how much may be under way at once, how fast, and what is rejected."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.adaptive_limit import AdaptiveLimit
from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from operators.timing import timed
from tidegate.clock import Clock
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt

__all__ = ["WhenFull", "admit"]

_LOOK_AGAIN_NS = 1_000_000


class WhenFull(StrEnum):
    """Which signal is rejected when the queue is full: the newest, or the one that has waited longest."""

    TURN_AWAY = "turn_away"
    EVICT_OLDEST = "evict_oldest"


@timed
def admit(
    *,
    capacity: int,
    depth: Callable[[], int],
    clock: Clock,
    when_full: WhenFull = WhenFull.TURN_AWAY,
    max_per_s: float | None = None,
    burst: int = 1,
    limit: AdaptiveLimit | None = None,
    turned_away: Callable[[Raw, Reason], None],
) -> Callable[[Observable[Raw]], Observable[Raw]]:
    """Admit signals while fewer than `capacity` are under way downstream; queue the others, in order.

        -abc-----|          capacity=1, each is committed after 3
        -a--b----|          b waited, c is rejected

    `depth()` is how many signals are under way: admitted, and not yet committed. While signals wait, it is read every
    millisecond. A signal is rejected if it comes faster than `max_per_s` after a `burst` at once (`rate_limited`); if
    the queue is full, the newest or the oldest is (`door_full`); on unsubscription all waiting ones are (`stopping`).
    A `limit` makes both shorter, so that what is admitted is committed in time; what waits and no longer can be is
    rejected (`door_full`). For each, `turned_away(raw, reason)` is called, and `raw.reply` gets a receipt without an
    id. What a reply raises goes to the loop's exception handler.

    Emits when:      upstream emits and there is room, or room becomes free.
    Completes when:  upstream has completed and nothing waits.
    Errors when:     upstream has errored and nothing waits.
    Memory:          at most `capacity` signals that wait, beside those under way.

    Raises:
        ValueError: `capacity` or `burst` is under 1, or `max_per_s` is not above 0.
    """
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, was {capacity}")
    if burst < 1:
        raise ValueError(f"burst must be at least 1, was {burst}")
    if max_per_s is not None and not max_per_s > 0:
        raise ValueError(f"max_per_s must be above 0, was {max_per_s}")

    def turn_away(raw: Raw, reason: Reason) -> None:
        turned_away(raw, reason)
        if raw.reply is not None:
            try:
                raw.reply(Receipt(None, reason))
            except Exception as error:
                clock.loop.call_exception_handler({"message": "exception in a reply", "exception": error})

    def operator(source: Observable[Raw]) -> Chunked[Raw]:
        def subscribe(on_chunk: OnChunk[Raw], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            waiting: deque[tuple[int, Raw]] = deque()
            learnt = AdaptiveLimit(clock=clock) if limit is None else limit
            tokens = None if max_per_s is None else _TokenBucket(max_per_s, burst)
            end: Callable[[], None] | None = None
            stopped = False

            def receive(chunk: Sequence[Raw]) -> None:
                if tokens is not None:
                    chunk = in_time(chunk, tokens)
                while chunk and not waiting and not stopped and (some := room()) > 0:
                    let_in(chunk if some >= len(chunk) else chunk[:some])
                    chunk = chunk[some:]
                if stopped:
                    shed(chunk, Reason.STOPPING)
                elif chunk:
                    queue(chunk)

            def room() -> int:
                under_way = depth()
                return min(capacity - under_way, learnt.room(under_way))

            def let_in(chunk: Sequence[Raw]) -> None:
                learnt.admitted(len(chunk))
                on_chunk(chunk)

            def in_time(chunk: Sequence[Raw], tokens: _TokenBucket) -> Sequence[Raw]:
                taken: list[Raw] = []
                for raw in chunk:
                    if tokens.take(clock.now_ns()):
                        taken.append(raw)
                    else:
                        turn_away(raw, Reason.RATE_LIMITED)
                return taken

            def queue(chunk: Sequence[Raw]) -> None:
                now_ns, most = clock.now_ns(), min(capacity, learnt.most_waiting(depth()))
                came_ns = min(now_ns, look_again.at_ns or now_ns)  # while the loop was busy, that long ago
                if when_full is WhenFull.TURN_AWAY:
                    places = max(most - len(waiting), 0)
                    chunk, others = chunk[:places], chunk[places:]
                    waiting.extend([(came_ns, raw) for raw in chunk])
                else:
                    waiting.extend([(came_ns, raw) for raw in chunk])
                    others = oldest(len(waiting) - most)
                if waiting:
                    look_again.set(now_ns + _LOOK_AGAIN_NS)
                learnt.wait(len(waiting))
                shed(others, Reason.DOOR_FULL)

            def oldest(count: int) -> Sequence[Raw]:
                return [waiting.popleft()[1] for _ in range(min(count, len(waiting)))]

            def drain() -> None:
                too_late_ns = learnt.too_late_ns(depth())
                while waiting and waiting[0][0] < too_late_ns:
                    turn_away(waiting.popleft()[1], Reason.DOOR_FULL)
                while waiting and (some := room()) > 0:
                    let_in(oldest(some))
                learnt.wait(len(waiting))
                if waiting:
                    look_again.set(clock.now_ns() + _LOOK_AGAIN_NS)
                elif end is not None:
                    end()

            def shed(raws: Sequence[Raw], reason: Reason) -> None:
                for raw in raws:
                    turn_away(raw, reason)

            def end_with(notify: Callable[[], None]) -> None:
                nonlocal end
                end = notify
                if not waiting:
                    end()

            def stop() -> None:
                nonlocal stopped
                stopped = True
                look_again.clear()
                shed(oldest(len(waiting)), Reason.STOPPING)
                learnt.wait(0)

            look_again = clock.alarm(drain)
            upstream = subscribe_chunks(
                source,
                receive,
                lambda error: end_with(partial(on_error, error)),
                lambda: end_with(on_completed),
            )
            return CompositeDisposable(upstream, Disposable(stop))

        return Chunked(subscribe)

    return operator


class _TokenBucket:
    """Takes at most `burst` at once and `max_per_s` in the long run. Memory: one number."""

    def __init__(self, max_per_s: float, burst: int) -> None:
        self._each_ns = round(1e9 / max_per_s)
        self._ahead_ns = (burst - 1) * self._each_ns
        self._full_at_ns = 0

    def take(self, now_ns: int) -> bool:
        """Take one token, if there is one."""
        full_at_ns = max(self._full_at_ns, now_ns)
        if full_at_ns - now_ns > self._ahead_ns:
            return False
        self._full_at_ns = full_at_ns + self._each_ns
        return True
