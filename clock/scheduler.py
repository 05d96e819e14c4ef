"""The one clock of a pipeline, live or simulated: what time it is, and what happens when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import TypeVar, TypeVarTuple

from reactivex import Observable, abc, typing
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from clock.alarm import Alarm
from clock.grid import Ticks
from clock.virtual_loop import VirtualLoop

__all__ = ["Clock"]

_State = TypeVar("_State")
_Ts = TypeVarTuple("_Ts")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUSPENDED_NS = 1_000_000_000
_AGAIN_S = 1.0
# asyncio may fire a timer one clock resolution early, and nothing here may see a time before its own.
_MARGIN_S = time.get_clock_info("monotonic").resolution + 1e-6


class Clock(PeriodicScheduler):
    """Time and timers over an asyncio loop, and the scheduler of every reactive operator that waits.

    `now_ns` is `epoch_ns` plus the loop's time and never goes back, whatever the wall clock does. With a wall clock it
    is moved forward to it as soon as that is more than 1 s ahead, as it is after the machine was suspended; timers set
    before that keep the delay they had left. Without one (simulated time) the wall shows the same as the loop.

    Everything but `call_threadsafe` belongs to the loop's own thread.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, epoch_ns: int, wall_ns: Callable[[], int] | None = None
    ) -> None:
        super().__init__()
        self._loop = loop
        self._epoch_ns = epoch_ns
        self._wall_ns = wall_ns
        self._virtual = loop if isinstance(loop, VirtualLoop) else None
        self._running: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of them

    @classmethod
    def live(cls, loop: asyncio.AbstractEventLoop) -> Clock:
        """The machine's time, over a loop that waits."""
        return cls(loop, epoch_ns=time.time_ns() - int(loop.time() * 1e9), wall_ns=time.time_ns)

    @classmethod
    def simulated(cls, loop: VirtualLoop, start_ns: int) -> Clock:
        """Time that begins at `start_ns`, in nanoseconds UTC, and passes as the virtual loop says."""
        return cls(loop, epoch_ns=start_ns - loop.time_ns())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop on which everything runs."""
        return self._loop

    @property
    def is_simulated(self) -> bool:
        """Whether time is the loop's alone."""
        return self._wall_ns is None

    def now_ns(self) -> int:
        """The time in nanoseconds UTC. It never goes back."""
        if self._virtual is not None:
            now_ns = self._epoch_ns + self._virtual.time_ns()
        else:
            now_ns = self._epoch_ns + int(self._loop.time() * 1e9)
        if self._wall_ns is not None:
            ahead_ns = self._wall_ns() - now_ns
            if ahead_ns > _SUSPENDED_NS:
                self._epoch_ns += ahead_ns
                return now_ns + ahead_ns
        return now_ns

    def wall_ns(self) -> int:
        """What the wall clock shows, in nanoseconds UTC. It may go back: for expiry, signatures, senders' ages."""
        return self.now_ns() if self._wall_ns is None else self._wall_ns()

    @property
    def now(self) -> datetime:
        """The time as reactive operators want it, in UTC and whole microseconds."""
        return _EPOCH + timedelta(microseconds=self.now_ns() // 1000)

    def call_soon(self, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` after everything that is due already."""
        return self._loop.call_soon(fn, *args)

    def call_at(self, at_ns: int, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` at `at_ns`, in nanoseconds UTC, never before; what is past is due at once."""
        loop_ns = at_ns - self._epoch_ns
        if self._virtual is not None:
            return self._virtual.call_at_ns(loop_ns, fn, *args)
        return self._loop.call_at(loop_ns / 1e9 + _MARGIN_S, fn, *args)

    def call_after(self, delay_s: float, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` after `delay_s` seconds."""
        return self._loop.call_later(delay_s, fn, *args)

    def call_threadsafe(self, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` on the loop, from any thread."""
        return self._loop.call_soon_threadsafe(fn, *args)

    async def sleep(self, delay_s: float) -> None:
        """Come back after `delay_s` seconds."""
        await self.sleep_until(self.now_ns() + int(delay_s * 1e9))

    async def sleep_until(self, at_ns: int) -> None:
        """Come back at `at_ns`, in nanoseconds UTC, never before; at the loop's next turn where that is past."""
        woken = self._loop.create_future()
        handle = self.call_at(at_ns, woken.set_result, None)
        try:
            await woken
        finally:
            handle.cancel()

    def run(self, work: Callable[[], Coroutine[object, object, None]], *, name: str) -> Callable[[], None]:
        """Begin work that goes on by itself; gives how to cancel it.

        Where anybody else cancels it, it is begun anew after a second. What it raises goes to the exception handler.
        """
        wanted = True
        begun: asyncio.Task[None] | None = None

        def begin() -> None:
            nonlocal begun
            if wanted:
                begun = self._loop.create_task(work(), name=name)
                self._running.add(begun)
                begun.add_done_callback(end)

        def end(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            if task.cancelled():
                self.call_after(_AGAIN_S, begin)
            elif (error := task.exception()) is not None:
                what = {"message": f"exception in {name}", "exception": error}
                self._loop.call_exception_handler(what)

        def cancel() -> None:
            nonlocal wanted
            wanted = False
            if begun is not None:
                begun.cancel()

        begin()
        return cancel

    def alarm(self, fn: Callable[[], object]) -> Alarm:
        """One timer for the earliest of many moments, not set yet."""
        return Alarm(self.call_at, fn)

    def grid(self, every_s: float, *, first_after_s: float, skip: Callable[[], bool] | None = None) -> Observable[int]:
        """Tick every `every_s` seconds, for the first time `first_after_s` after the subscription.

            -----t---t---t---        first_after_s=5, every_s=4
            -----t-------t---        skip() was true at the second

        Each item is the time at which the tick was due, in nanoseconds UTC.

        Emits when:      a point of the grid is reached and `skip()` is not true; a point passed by a whole period
                         is left out.
        Completes when:  never.
        Errors when:     never: what a subscriber raises goes to the loop's exception handler.
        Memory:          one timer.

        Raises:
            ValueError: `every_s` is not above 0.
        """
        every_ns = _period_ns(every_s)

        def subscribe(observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            def tick(at_ns: int) -> None:
                if skip is None or not skip():
                    observer.on_next(at_ns)

            return Disposable(Ticks(self, self.now_ns() + round(first_after_s * 1e9), every_ns, tick).cancel)

        return Observable(subscribe)

    def schedule(self, action: abc.ScheduledAction[_State], state: _State | None = None) -> abc.DisposableBase:
        """Do `action` after everything that is due already."""
        return self._schedule(self._loop.call_soon, action, state)

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: abc.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        """Do `action` after `duetime`: seconds or a timedelta."""
        return self._schedule(lambda invoke: self.call_after(self.to_seconds(duetime), invoke), action, state)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: abc.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        """Do `action` at `duetime`: an aware datetime, or seconds since 1970."""
        at_ns = (self.to_datetime(duetime) - _EPOCH) // timedelta(microseconds=1) * 1000
        return self._schedule(lambda invoke: self.call_at(at_ns, invoke), action, state)

    def schedule_periodic(
        self,
        period: typing.RelativeTime,
        action: typing.ScheduledPeriodicAction[_State],
        state: _State | None = None,
    ) -> abc.DisposableBase:
        """Do `action` every `period`, on an absolute grid, with the state it gave the last time."""

        def tick(_: int) -> None:
            nonlocal state
            state = action(state)

        every_ns = _period_ns(self.to_seconds(period))
        return Disposable(Ticks(self, self.now_ns() + every_ns, every_ns, tick).cancel)

    def _schedule(
        self,
        arm: Callable[[Callable[[], None]], asyncio.Handle],
        action: abc.ScheduledAction[_State],
        state: _State | None,
    ) -> abc.DisposableBase:
        inner = SingleAssignmentDisposable()

        def invoke() -> None:
            inner.disposable = self.invoke_action(action, state)

        return CompositeDisposable(inner, Disposable(arm(invoke).cancel))


def _period_ns(every_s: float) -> int:
    if every_s <= 0:
        raise ValueError(f"every_s must be above 0, was {every_s}")
    return round(every_s * 1e9)
