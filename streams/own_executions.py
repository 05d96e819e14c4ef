"""Executions of one's own beside the default ones, or in their place: they cannot end the default ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from msgspec.structs import replace
from reactivex import Observable, Subject, abc
from reactivex.disposable import BooleanDisposable, CompositeDisposable, SingleAssignmentDisposable

from streams.execution import Cause, ExecutionCycle
from streams.taken_over import taken_over
from tidegate.clock import Clock

__all__ = ["Executions", "own_executions"]

Executions: TypeAlias = Callable[[Observable[ExecutionCycle]], Observable[ExecutionCycle]]
"""Takes the default execution cycles, gives those that take place."""

_PLACE = "executions"


def own_executions(compose: Executions, *, clock: Clock, alarm: Callable[[str, Exception], None]) -> Executions:
    """Let `compose` decide which executions take place.

        -t-----t-----t-|      the default ones
        -t--x--t--#           compose=lambda default: merge(default, mine)
        -t--x--t-----t-|      after an error, or an end, of one's own the default ones remain

    A cycle without a time, or with one to come, is for now. What is no execution cycle is left out, and reported to
    `alarm`; so is what `compose` raises, and the error or the end of what it gives. Timers without a scheduler go by
    `clock`, and what comes from another thread is taken over by the loop.

    Emits when:      the composed observable emits; once that is over, when the default one does.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none of its own.
    """

    def stage(source: Observable[ExecutionCycle]) -> Observable[ExecutionCycle]:
        def subscribe(
            observer: abc.ObserverBase[ExecutionCycle], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            default: Subject[ExecutionCycle] = Subject()
            composed, instead = SingleAssignmentDisposable(), SingleAssignmentDisposable()
            over = BooleanDisposable()

            def take(cycle: object) -> None:
                if over.is_disposed:
                    return
                if not _is_cycle(cycle):
                    alarm(_PLACE, TypeError(f"an execution cycle is expected, was {cycle!r:.200}: it is left out"))
                    return
                now_ns = clock.now_ns()
                try:
                    observer.on_next(cycle if 0 < cycle.due_ns <= now_ns else replace(cycle, due_ns=now_ns))
                except Exception as error:  # not of one's own, but of the pipeline
                    observer.on_error(error)

            def fall_back(error: Exception) -> None:
                if not over.is_disposed:
                    over.dispose()
                    alarm(_PLACE, error)
                    composed.dispose()
                    instead.disposable = default.subscribe(observer.on_next, observer.on_error)

            def ended() -> None:
                fall_back(RuntimeError("one's own executions came to an end: the default ones remain"))

            def on_next(cycle: ExecutionCycle) -> None:
                try:
                    default.on_next(cycle)
                except Exception as error:
                    if over.is_disposed:
                        raise
                    fall_back(error)
                    observer.on_next(cycle)

            try:
                composed.disposable = compose(default).pipe(taken_over(clock)).subscribe(take, fall_back, ended)
            except Exception as error:
                fall_back(error)
            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed), over, composed, instead
            )

        return Observable(subscribe)

    return stage


def _is_cycle(cycle: object) -> TypeGuard[ExecutionCycle]:
    return (
        type(cycle) is ExecutionCycle
        and type(cycle.due_ns) is int
        and isinstance(cycle.cause, Cause)
        and isinstance(cycle.numbers, tuple)
        and all(type(number) is int for number in cycle.numbers)
    )
