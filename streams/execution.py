"""The execution tick: when waiting signals are looked at, and which of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable

from clock import Clock, next_on_grid
from domain.reasons import Reason
from domain.verdict import Refusal
from streams.in_flight import InFlight
from streams.waiting import Entry, WaitingRoom

__all__ = ["Candidate", "Cause", "Rhythm", "Tick", "next_execution_ns", "release", "ticks"]


class Cause(StrEnum):
    """Why there is an execution now."""

    INTERVAL = "interval"
    REQUEUE = "requeue"
    URGENT = "urgent"
    TRIGGER = "trigger"


class Rhythm(Struct, frozen=True):
    """When waiting signals are executed without being asked."""

    interval_s: float
    first_after_s: float


class Tick(Struct, frozen=True, gc=False):
    """An execution at `at_ns`. `number` is the only signal meant; 0 means all that wait."""

    at_ns: int
    cause: Cause
    number: int = 0


class Candidate(Struct, frozen=True):
    """A waiting signal whose turn it is."""

    entry: Entry
    at_ns: int


def next_execution_ns(rhythm: Rhythm, started_ns: int, now_ns: int) -> int:
    """When the next execution of the interval is due, or was due if that is this very moment, in nanoseconds UTC."""
    return next_on_grid(started_ns + round(rhythm.first_after_s * 1e9), round(rhythm.interval_s * 1e9), now_ns)


def ticks(rhythm: Rhythm, *, clock: Clock, asked: Observable[Tick], skip: Callable[[], bool]) -> Observable[Tick]:
    """All executions: those of the interval, and those that are asked for.

        ----t-------t----         the interval
        -u-------r-------         urgent, requeue, trigger
        -u--t----r--t----

    Emits when:      the interval's point is reached and `skip()` is not true, or one is asked for.
    Completes when:  never.
    Errors when:     `asked` errors.
    Memory:          none.
    """

    def of_interval(at_ns: int) -> Tick:
        return Tick(at_ns, Cause.INTERVAL)

    points = clock.grid(rhythm.interval_s, first_after_s=rhythm.first_after_s, skip=skip)
    return asked.pipe(ops.merge(points.pipe(ops.map(of_interval))))


_FULL = Refusal(Reason.IN_FLIGHT_FULL)


def release(
    room: WaitingRoom, in_flight: InFlight, *, clock: Clock
) -> Callable[[Observable[Tick]], Observable[Candidate]]:
    """Give out waiting signals, the best score first, as many as may be in flight; the rest as places come free.

        -t-------|        three wait, two may be in flight, a place comes free
        -(ab)--c-|

    A signal still in backoff is left out. Those for which there is no place carry that as their obstacle.

    Emits when:      a tick comes, or a place comes free while signals of a tick are left.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          one reference for each signal of the last tick that has had no turn.
    """

    def stage(source: Observable[Tick]) -> Observable[Candidate]:
        def subscribe(observer: abc.ObserverBase[Candidate], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            left: deque[Entry] = deque()
            meant: set[int] = set()
            pumping = False

            def on_next(tick: Tick) -> None:
                if tick.number:
                    entry = room.entries.get(tick.number)
                    turn = [entry] if entry is not None else []
                else:
                    turn = sorted(room.entries.values(), key=_best_first)
                for entry in turn:
                    if entry.number not in meant and entry.not_before_ns <= tick.at_ns:
                        meant.add(entry.number)
                        left.append(entry)
                pump()
                for entry in left:
                    entry.obstacle = _FULL

            def pump(_: object = None) -> None:
                nonlocal pumping
                if pumping:
                    return
                pumping = True
                try:
                    now_ns = clock.now_ns()
                    while left and not in_flight.full:
                        entry = left.popleft()
                        meant.discard(entry.number)
                        if room.entries.get(entry.number) is entry:
                            observer.on_next(Candidate(entry, now_ns))
                finally:
                    pumping = False

            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed), in_flight.freed.subscribe(pump)
            )

        return Observable(subscribe)

    return stage


def _best_first(entry: Entry) -> tuple[float, int]:
    return -entry.score, entry.number
