"""The execution cycle: when waiting signals are looked at, and which of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from heapq import heappop, heappush

from msgspec import Struct
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable, Disposable

from streams.in_flight import InFlight
from streams.pending import PendingQueue, PendingSignal
from tidegate.clock import Clock, next_on_grid
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = [
    "Cause",
    "ExecutionCycle",
    "Schedule",
    "Turn",
    "at_once",
    "cycles",
    "dequeue",
    "next_execution_ns",
    "requeue",
]


class Cause(StrEnum):
    """Why there is an execution now."""

    __hash__ = str.__hash__  # that of Enum is a Python function

    INTERVAL = "interval"
    REQUEUE = "requeue"
    URGENT = "urgent"
    FREED = "freed"
    TRIGGER = "trigger"
    SCHEDULE = "schedule"


class Schedule(Struct, frozen=True):
    """When waiting signals are executed without being asked."""

    interval_s: float
    first_after_s: float


class ExecutionCycle(Struct, frozen=True, gc=False):
    """An execution at `due_ns` (steady), of the signals in `numbers`, or, where there are none, of all that wait: but
    of `FREED` those only that were blocked and may be no more. In a schedule of one's own `ExecutionCycle()` is for all
    that wait, now."""

    due_ns: int = 0
    cause: Cause = Cause.SCHEDULE
    numbers: tuple[int, ...] = ()


class Turn(Struct, frozen=True, gc=False):
    """Waiting signals whose turn it is, the best score first, at the steady time `now_ns` and the wall time `at_ns`."""

    entries: Sequence[PendingSignal]
    now_ns: int
    at_ns: int


def next_execution_ns(schedule: Schedule, started_ns: int, now_ns: int) -> int:
    """When the next execution of the interval is due, or was due if that is this very moment: steady, in ns."""
    return next_on_grid(started_ns + round(schedule.first_after_s * 1e9), round(schedule.interval_s * 1e9), now_ns)


def cycles(
    schedule: Schedule, *, clock: Clock, asked: Observable[ExecutionCycle], pending: PendingQueue
) -> Observable[ExecutionCycle]:
    """All executions: those of the interval, and those that are asked for.

        ----t-------t----         the interval
        -u-------r-------         urgent, requeue, trigger
        -u--t----r--t----

    In simulated time the interval's cycles at which nothing waits are skipped.

    Emits when:      a point of the interval is reached, or an execution is asked for.
    Completes when:  never.
    Errors when:     `asked` errors.
    Memory:          one timer.
    """

    def of_interval(due_ns: int) -> ExecutionCycle:
        return ExecutionCycle(due_ns, Cause.INTERVAL)

    if clock.is_simulated:
        points = _while_something_waits(schedule, clock, pending)
    else:
        points = clock.grid(schedule.interval_s, first_after_s=schedule.first_after_s)
    return asked.pipe(ops.merge(points.pipe(ops.map(of_interval))))


def _while_something_waits(schedule: Schedule, clock: Clock, pending: PendingQueue) -> Observable[int]:
    """The points of the interval at which something has been waiting: a timer only for those."""

    def subscribe(observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        started_ns = clock.now_ns()

        def arm(_: object = None) -> None:
            alarm.set(next_execution_ns(schedule, started_ns, clock.now_ns() + 1))

        def ring() -> None:
            if len(pending):
                observer.on_next(clock.now_ns())
            if len(pending):
                arm()

        alarm = clock.alarm(ring)
        if len(pending):
            arm()
        return CompositeDisposable(pending.occupied.subscribe(arm), Disposable(alarm.clear))

    return Observable(subscribe)


def at_once(clock: Clock) -> Callable[[Observable[Sequence[PendingSignal]]], Observable[ExecutionCycle]]:
    """Ask for the execution of signals that cannot wait: one for all that come together.

        -(ab)-c-|
        -t----t-|         the first is of a and b

    Emits when:      signals come.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def cycle(entries: Sequence[PendingSignal]) -> ExecutionCycle:
        return ExecutionCycle(clock.now_ns(), Cause.URGENT, tuple([entry.number for entry in entries]))

    return ops.map(cycle)


def requeue(clock: Clock) -> Callable[[Observable[PendingSignal]], Observable[ExecutionCycle]]:
    """Ask for an execution of a signal once its backoff is over.

        -a--------|       a may be tried again four frames later
        -----a----|

    Emits when:      the backoff of a signal is over.
    Completes when:  never.
    Errors when:     upstream errors.
    Memory:          one timer for each signal in backoff.
    """

    def stage(source: Observable[PendingSignal]) -> Observable[ExecutionCycle]:
        def subscribe(
            observer: abc.ObserverBase[ExecutionCycle], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            def wait(entry: PendingSignal) -> None:
                due_ns = entry.due_ns
                clock.call_at(due_ns, observer.on_next, ExecutionCycle(due_ns, Cause.REQUEUE, (entry.number,)))

            return source.subscribe(wait, observer.on_error)

        return Observable(subscribe)

    return stage


_FULL = Refusal(Reason.IN_FLIGHT_FULL)


def dequeue(
    pending: PendingQueue, in_flight: InFlight, *, clock: Clock
) -> Callable[[Observable[ExecutionCycle]], Observable[Turn]]:
    """Give out waiting signals, the best score first, as many as may be in flight; the rest as places come free.

        -t-------|        three wait, two may be in flight, a place comes free
        -(ab)--c-|

    A signal still in backoff is left out, and so are those that are blocked, but for those that may be no more: of each
    kind first one, and for as long as none of them is blocked again, more. Those for which there is no place carry that
    as their obstacle.

    Emits when:      a tick comes, or places come free while signals of a tick are left: at most as many as fit.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          one reference for each signal of the last tick that has had no turn.
    """

    def stage(source: Observable[ExecutionCycle]) -> Observable[Turn]:
        def subscribe(observer: abc.ObserverBase[Turn], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            left: list[tuple[float, int, PendingSignal]] = []  # a heap: the best score first, then the oldest
            meant: set[int] = set()
            pumping = False

            def on_next(cycle: ExecutionCycle) -> None:
                waiting, blocked = pending.entries, pending.blocked
                turn: list[PendingSignal] = []
                if cycle.numbers:
                    turn = [waiting[number] for number in cycle.numbers if number in waiting]
                elif cycle.cause is not Cause.FREED:
                    turn = [entry for entry in waiting.values() if entry.number not in blocked]
                    blocked.look_again()
                due_ns = cycle.due_ns
                mean([entry for entry in turn if entry.due_ns <= due_ns])
                pump()
                if left:
                    for entry in turn:
                        entry.obstacle = _FULL if entry.number in meant else entry.obstacle

            def mean(entries: Sequence[PendingSignal]) -> None:
                new = [(-entry.score, entry.number, entry) for entry in entries if entry.number not in meant]
                meant.update([entry[1] for entry in new])
                if left:
                    for ranked in new:
                        heappush(left, ranked)
                else:
                    left.extend(new)
                    left.sort()  # a heap as well

            def pump(_: object = None) -> None:
                nonlocal pumping
                if pumping:
                    return
                pumping = True
                try:
                    now_ns, at_ns = clock.now_ns(), clock.wall_ns()
                    while not in_flight.full:
                        mean([pending.entries[number] for number in pending.blocked.take(in_flight.free - len(left))])
                        if not left:
                            break
                        turn = best(in_flight.free, now_ns)
                        if turn:
                            observer.on_next(Turn(turn, now_ns, at_ns))
                finally:
                    pumping = False

            def best(places: int, now_ns: int) -> Sequence[PendingSignal]:
                if len(left) <= places:
                    left.sort()
                    some = [ranked[2] for ranked in left]
                    left.clear()
                    meant.clear()
                else:
                    some = [heappop(left)[2] for _ in range(places)]
                    meant.difference_update([entry.number for entry in some])
                waiting = pending.entries
                return [entry for entry in some if now_ns < entry.deadline_ns and waiting.get(entry.number) is entry]

            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed), in_flight.freed.subscribe(pump)
            )

        return Observable(subscribe)

    return stage
