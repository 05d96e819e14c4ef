"""Where signals come in from outside the loop: one inbox for every thread and every program."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from threading import Lock

from reactivex import Observable, abc
from reactivex.disposable import BooleanDisposable

from operators.chunks import Chunked, ChunkSubject, OnChunk, OnCompleted, OnError
from tidegate.clock import Clock
from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt

__all__ = ["Inbox", "as_stamped", "at_moments", "given_room"]

_TOGETHER = 256
_LOOK_AGAIN_S = 0.001


def given_room(payloads: Iterable[bytes], *, depth: Callable[[], int], depth_max: int, clock: Clock) -> Observable[Raw]:
    """Lines of a file, let in as fast as they are recorded: never more than `depth_max` under way.

    Emits when:      fewer than `depth_max` are under way: as many as there is room for, at most 256 in one turn.
    Completes when:  the lines are at their end.
    Errors when:     reading them raises.
    Memory:          none of its own.
    """

    def subscribe(on_chunk: OnChunk[Raw], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
        lines = iter(payloads)
        disposed = BooleanDisposable()

        def turn() -> None:
            if disposed.is_disposed:
                return
            room = depth_max - depth()
            if room <= 0:
                clock.call_after(_LOOK_AGAIN_S, turn)
                return
            try:
                some = [Raw(line, may_say_now=True) for line in islice(lines, min(room, _TOGETHER))]
            except Exception as error:
                on_error(error)
                return
            if some:
                on_chunk(some)
                clock.call_soon(turn)
            else:
                on_completed()

        clock.call_soon(turn)
        return disposed

    return Chunked(subscribe)


def as_stamped(
    payloads: Iterable[bytes], *, clock: Clock, depth: Callable[[], int] = lambda: 0, depth_max: int = _TOGETHER
) -> Observable[Raw]:
    """Recorded signals, each at the moment its sender made it; what is older than now, or cannot be read, now.

    Never more than `depth_max` are under way: what floods in at one moment is let in over the next milliseconds.

    Emits when:      the clock reaches a signal's timestamp, and there is room; those of one moment in their order.
    Completes when:  all were emitted.
    Errors when:     reading them raises.
    Memory:          all of them, as read: they are put in order first.
    """

    def stamped() -> Iterator[tuple[int, Raw]]:
        start_at_ns = clock.wall_ns()
        for payload in payloads:
            raw = Raw(payload, may_say_now=True)
            signal, refusal = read_signal(raw, start_at_ns)
            if refusal is None and signal.timestamp_ns != start_at_ns:  # else it may say "now"
                raw = Raw(payload, may_say_now=True, signal=signal)
            yield signal.timestamp_ns, raw

    return at_moments(stamped, clock=clock, depth=depth, depth_max=depth_max)


def at_moments(
    signals: Callable[[], Iterable[tuple[int, Raw]]],
    *,
    clock: Clock,
    depth: Callable[[], int] = lambda: 0,
    depth_max: int = _TOGETHER,
) -> Observable[Raw]:
    """Signals, each at its moment of the wall clock in nanoseconds; what is older than now, now.

    Never more than `depth_max` are under way: what floods in at one moment is let in over the next milliseconds.

    Emits when:      the clock reaches a signal's moment, and there is room; those of one moment in their order.
    Completes when:  all were emitted.
    Errors when:     `signals` raises.
    Memory:          all of them: they are put in order first.
    """

    def subscribe(on_chunk: OnChunk[Raw], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
        start_at_ns = clock.wall_ns()
        disposed = BooleanDisposable()
        try:
            stamped = [(clock.due_ns(max(at_ns, start_at_ns)), raw) for at_ns, raw in signals()]
        except Exception as error:
            on_error(error)
            return disposed
        stamped.sort(key=itemgetter(0))
        due_ns = [at_ns for at_ns, _ in stamped]
        raws = [raw for _, raw in stamped]

        def turn(done: int) -> None:
            due = bisect_right(due_ns, clock.now_ns())
            while done < due and not disposed.is_disposed:
                room = depth_max - depth()
                if room <= 0:
                    clock.call_after(_LOOK_AGAIN_S, turn, done)
                    return
                on_chunk(raws[done : min(done + room, due)])
                done = min(done + room, due)
            if disposed.is_disposed:
                return
            if done < len(raws):
                clock.call_at(due_ns[done], turn, done)
            else:
                on_completed()

        clock.call_soon(turn, 0)
        return disposed

    return Chunked(subscribe)


class Inbox:
    """A thread-safe inbox: any thread may hand signals in; they come out on the loop, in order, those of one turn in
    one chunk.

    Memory: what was handed in and not yet taken by the loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._handed: list[Raw] = []
        self._out: ChunkSubject[Raw] = ChunkSubject()
        self._woken = self._closed = False

    @property
    def signals(self) -> Observable[Raw]:
        """What comes out, on the loop's thread."""
        return self._out

    def hand_in(self, raw: Raw) -> None:
        """Hand in one signal, from any thread. After `close` it is turned away: `stopping`."""
        with self._lock:
            if not self._closed:
                self._handed.append(raw)
                if not self._woken:
                    self._woken = True
                    self._clock.call_threadsafe(self._take)
                return
        _turn_away(raw)

    def give(self, raws: Iterable[Raw]) -> None:
        """Hand in signals from the loop's own thread; they come out at once. After `close` they are turned away."""
        if not self._closed:
            self._out.on_chunk(tuple(raws))
            return
        for raw in raws:
            _turn_away(raw)

    def close(self) -> None:
        """Take nothing more; what was handed in before comes out now."""
        with self._lock:
            self._closed = True
        self._take()

    def _take(self) -> None:
        with self._lock:
            self._woken = False
            handed, self._handed = self._handed, []
        self._out.on_chunk(handed)


def _turn_away(raw: Raw) -> None:
    if raw.reply is not None:
        raw.reply(Receipt(None, Reason.STOPPING))
