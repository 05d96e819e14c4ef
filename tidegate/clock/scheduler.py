"""The one clock of a pipeline, live or simulated: what time it is, and what happens when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar, TypeVarTuple

from reactivex import Observable, abc, typing
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from tidegate.clock.alarm import Alarm
from tidegate.clock.grid import GridTimer
from tidegate.clock.timers import TimerCall, Timers
from tidegate.clock.virtual_loop import VirtualLoop

__all__ = ["Clock"]

_State = TypeVar("_State")
_Ts = TypeVarTuple("_Ts")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_AGAIN_NS = 1_000_000_000
_AGAIN_S = 1.0
# The clocks that count a suspend: Linux has one of its own, macOS counts it in the monotonic one.
_COUNTS_SUSPENDS = next((getattr(time, c) for c in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC") if hasattr(time, c)), None)


class Clock(PeriodicScheduler):
    """Time and timers over an asyncio loop, and the scheduler of every reactive operator that waits.

    There are two times, both in nanoseconds since 1970, and they are never compared with each other:

    - `now_ns` is steady: `epoch_ns` plus what has passed since, a suspend of the machine included. Nobody can set it.
      Durations count it: timeouts, windows, backoff, deadlines. All timers take it. Names that hold it end in
      `now_ns`, `due_ns`, `deadline_ns` or `until_ns`.
    - `wall_ns` is what the wall clock shows at this moment, in whichever direction somebody set it. What is stored,
      shown or compared with the stamps of others is by it. Names that hold it end in `at_ns`.

    `due_ns` leads from the second to the first. Without a wall clock (simulated time) they are one. A steady clock
    that is not the loop's goes on while the loop stands still, as in a suspend: timers that came due meanwhile are
    called within a second after it.

    Everything but `call_threadsafe` belongs to the loop's own thread. Memory: the pending timers.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        epoch_ns: int,
        steady_ns: Callable[[], int] | None = None,
        wall_ns: Callable[[], int] | None = None,
    ) -> None:
        super().__init__()
        self._loop = loop
        self._epoch_ns = epoch_ns
        self._wall_ns = wall_ns
        self._virtual = loop if isinstance(loop, VirtualLoop) and steady_ns is None else None
        self._steady_ns = steady_ns or _time_of(loop)
        self._timers = Timers()
        self._rings_ns: int | None = None
        self._ringing: asyncio.Handle | None = None
        self._running: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of them

    @classmethod
    def live(cls, loop: asyncio.AbstractEventLoop) -> Clock:
        """The machine's time, over a loop that waits."""
        steady_ns = time.monotonic_ns if _COUNTS_SUSPENDS is None else partial(time.clock_gettime_ns, _COUNTS_SUSPENDS)
        return cls(loop, epoch_ns=time.time_ns() - steady_ns(), steady_ns=steady_ns, wall_ns=time.time_ns)

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
        """The steady time, in nanoseconds. It never goes back and cannot be set: for durations and timers."""
        return self._epoch_ns + self._steady_ns()

    def wall_ns(self) -> int:
        """What the wall clock shows, in nanoseconds UTC. It may jump: for stored times, and the stamps of others."""
        return self.now_ns() if self._wall_ns is None else self._wall_ns()

    def due_ns(self, at_ns: int) -> int:
        """The steady time at which the wall clock shows `at_ns`, unless it is set before then."""
        return at_ns if self._wall_ns is None else self.now_ns() + at_ns - self._wall_ns()

    @property
    def now(self) -> datetime:
        """The time as reactive operators want it, in UTC and whole microseconds."""
        return _EPOCH + timedelta(microseconds=self.now_ns() // 1000)

    def call_soon(self, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` after everything that is due already."""
        return self._loop.call_soon(fn, *args)

    def call_at(self, due_ns: int, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` at the steady time `due_ns`, never before; what is past is due at once."""
        if self._virtual is not None:
            return self._virtual.call_at_ns(due_ns - self._epoch_ns, fn, *args)
        call = TimerCall(due_ns, fn, args, None)
        self._timers.add(call)
        if self._rings_ns is None or due_ns < self._rings_ns:
            self._arm()
        return call

    def call_after(self, delay_s: float, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` after `delay_s` seconds."""
        return self.call_at(self.now_ns() + round(delay_s * 1e9), fn, *args)

    def call_threadsafe(self, fn: Callable[[*_Ts], object], *args: *_Ts) -> asyncio.Handle:
        """Call `fn` on the loop, from any thread."""
        return self._loop.call_soon_threadsafe(fn, *args)

    async def sleep(self, delay_s: float) -> None:
        """Come back after `delay_s` seconds."""
        await self.sleep_until(self.now_ns() + int(delay_s * 1e9))

    async def sleep_until(self, due_ns: int) -> None:
        """Come back at the steady time `due_ns`, never before; at the loop's next turn where that is past."""
        woken = self._loop.create_future()

        def wake() -> None:
            if not woken.done():  # the sleeper may have been cancelled in this very turn
                woken.set_result(None)

        handle = self.call_at(due_ns, wake)
        try:
            await woken
        finally:
            handle.cancel()

    def run(self, work: Callable[[], Coroutine[object, object, None]], *, name: str) -> Callable[[], None]:
        """Start background work; returns a function that cancels it.

        If anything else cancels it, it restarts after a second. What it raises goes to the exception handler.
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

        Each item is the steady time at which the tick was due, in nanoseconds.

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

            return Disposable(GridTimer(self, self.now_ns() + round(first_after_s * 1e9), every_ns, tick).cancel)

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
        return Disposable(GridTimer(self, self.now_ns() + every_ns, every_ns, tick).cancel)

    def _arm(self) -> None:
        """Have the loop ring for the earliest timer, and once a second: it does not count a suspend."""
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = self._rings_ns = None
        due_ns = self._timers.next_ns()
        if due_ns is not None:
            now_ns = self.now_ns()
            self._rings_ns = min(due_ns, now_ns + _LOOK_AGAIN_NS)
            self._ringing = self._loop.call_later(max(self._rings_ns - now_ns, 0) / 1e9, self._ring)

    def _ring(self) -> None:
        self._ringing = self._rings_ns = None
        for call in self._timers.take_due(self.now_ns()):
            self._loop.call_soon(_call, call, context=call.context)
        self._arm()

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


def _time_of(loop: asyncio.AbstractEventLoop) -> Callable[[], int]:
    return loop.time_ns if isinstance(loop, VirtualLoop) else lambda: int(loop.time() * 1e9)


def _call(call: TimerCall) -> None:
    if call.fn is not None:  # else it was cancelled in this very turn
        call.fn(*call.args)


def _period_ns(every_s: float) -> int:
    if every_s <= 0:
        raise ValueError(f"every_s must be above 0, was {every_s}")
    return round(every_s * 1e9)
