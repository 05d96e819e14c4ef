"""asyncio without waiting: time is an integer that jumps to the next thing due."""

from __future__ import annotations

import asyncio
import sys
from asyncio import _enter_task, _get_running_loop, _leave_task, _set_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from typing import NoReturn, TypeAlias, TypeVar, TypeVarTuple
from weakref import WeakSet

from tidegate.clock.timers import TimerCall, Timers

__all__ = ["NothingScheduled", "VirtualLoop"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_Report: TypeAlias = dict[str, object]
_Handler: TypeAlias = Callable[[asyncio.AbstractEventLoop, _Report], object]

_FOREVER_NS = sys.maxsize


class NothingScheduled(RuntimeError):
    """What was waited for can never come: no callback and no timer is left."""


def _unsupported(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("a virtual loop has no sockets, subprocesses, signals and task factories")


class VirtualLoop(asyncio.AbstractEventLoop):
    """An asyncio event loop on which no time is spent waiting.

    Loop time is an integer in nanoseconds, `start_ns` at first. It stands still while anything can run, then jumps to
    the next timer. Callbacks due at the same time run in the order in which they were scheduled, so the same program
    runs the same way every time. Executors run inline; sockets, subprocesses and signals are not supported.

    It can be run inside another running loop (a notebook's, a test's), which is the running one again afterwards.
    Whatever goes wrong in a callback is collected in `unhandled`, in the form asyncio gives to exception handlers.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self.unhandled: list[_Report] = []
        self._now_ns = start_ns
        self._ready: deque[TimerCall] = deque()
        self._timers = Timers()
        self._running = self._stopping = self._closed = self._debug = False
        self._handler: _Handler | None = None
        self._generators: WeakSet[AsyncGenerator[object, object]] = WeakSet()

    def time_ns(self) -> int:
        """The loop time, in nanoseconds."""
        return self._now_ns

    def time(self) -> float:
        """The loop time, in seconds."""
        return self._now_ns / 1e9

    def call_soon(self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None) -> TimerCall:
        """Run `callback` at this very time, after everything that is due already."""
        if self._closed:
            raise RuntimeError("this loop is closed")
        call = TimerCall(self._now_ns, callback, args, context)
        self._ready.append(call)
        return call

    call_soon_threadsafe = call_soon

    def call_at_ns(
        self, when_ns: int, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> TimerCall:
        """Run `callback` at loop time `when_ns`; what is past is due at once."""
        if self._closed:
            raise RuntimeError("this loop is closed")
        call = TimerCall(when_ns, callback, args, context)
        if when_ns > self._now_ns:
            self._timers.add(call)
        else:
            self._ready.append(call)
        return call

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> TimerCall:
        """Run `callback` at loop time `when`, in seconds."""
        return self.call_at_ns(round(when * 1e9), callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> TimerCall:
        """Run `callback` after `delay` seconds."""
        return self.call_at_ns(self._now_ns + round(delay * 1e9), callback, *args, context=context)

    def next_due_ns(self) -> int | None:
        """The loop time at which something runs next, or None when nothing is scheduled."""
        return self._now_ns if self._ready else self._timers.next_ns()

    def run_forever(self) -> None:
        """Run until `stop()`, or until nothing is scheduled any more."""
        self._run(_FOREVER_NS)

    def run_until_complete(self, future: Generator[object, None, _T] | Awaitable[_T]) -> _T:
        """Run until `future` is done, and give its result.

        Raises:
            NothingScheduled: it can never be done, because nothing is left to run.
            RuntimeError: somebody called `stop()` first.
        """
        self._check_idle()
        awaited: asyncio.Future[_T] = asyncio.ensure_future(future, loop=self)  # type: ignore[arg-type]
        awaited.add_done_callback(self._stop_after)
        try:
            stopped = self._run(_FOREVER_NS)
        finally:
            awaited.remove_done_callback(self._stop_after)
        if not awaited.done():
            if stopped:
                raise RuntimeError(f"the loop was stopped before {awaited!r} was done")
            raise NothingScheduled(f"nothing is scheduled any more, so this can never be done: {awaited!r}")
        return awaited.result()

    def advance_to_ns(self, ns: int) -> None:
        """Run everything that is due until loop time `ns`, which it is then, unless `stop()` came first.

        Raises:
            ValueError: `ns` is in the past.
        """
        if ns < self._now_ns:
            raise ValueError(f"ns must be at least the loop time {self._now_ns}, was {ns}")
        if not self._run(ns):
            self._now_ns = max(ns, self._now_ns)

    def advance(self, seconds: float) -> None:
        """Run everything that is due within the next `seconds`."""
        self.advance_to_ns(self._now_ns + round(seconds * 1e9))

    def stop(self) -> None:
        """End the run after the current callback; the others stay scheduled."""
        self._stopping = True

    def is_running(self) -> bool:
        """Whether the loop is running now."""
        return self._running

    def is_closed(self) -> bool:
        """Whether the loop was closed."""
        return self._closed

    def close(self) -> None:
        """Drop everything scheduled; nothing more can be scheduled."""
        if self._running:
            raise RuntimeError("a running loop cannot be closed")
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    def _run(self, until_ns: int) -> bool:
        """Run what is due until then. Gives whether it was stopped before."""
        ready, timers = self._ready, self._timers
        with self._as_running_loop():
            while not self._stopping:
                if ready:
                    call = ready.popleft()
                    if call.fn is not None:
                        try:
                            call.context.run(call.fn, *call.args)
                        except (SystemExit, KeyboardInterrupt):
                            raise
                        except BaseException as error:  # asyncio's rule: nothing else leaves a callback
                            self.call_exception_handler({"message": f"exception in {call!r}", "exception": error})
                    continue
                due_ns = timers.next_ns()
                if due_ns is None or due_ns > until_ns:
                    return False
                self._now_ns = max(due_ns, self._now_ns)
                ready.extend(timers.take_due(self._now_ns))
            return True

    @contextmanager
    def _as_running_loop(self) -> Iterator[None]:
        self._check_idle()
        outer = _get_running_loop()
        outer_task = None if outer is None else asyncio.current_task(outer)
        hooks = sys.get_asyncgen_hooks()
        if outer is not None and outer_task is not None:
            _leave_task(outer, outer_task)
        _set_running_loop(self)
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._close_generator)
        self._running = True
        try:
            yield
        finally:
            self._running = self._stopping = False
            sys.set_asyncgen_hooks(*hooks)
            _set_running_loop(outer)
            if outer is not None and outer_task is not None:
                _enter_task(outer, outer_task)

    def _stop_after(self, _: object) -> None:
        self.stop()

    def _check_idle(self) -> None:
        if self._closed or self._running:
            raise RuntimeError(f"this loop is {'closed' if self._closed else 'running already'}")

    def create_future(self) -> asyncio.Future[object]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[asyncio.Future[object] | None, None, _T] | Coroutine[object, object, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        """Run a coroutine on this loop."""
        if self._closed:
            raise RuntimeError("this loop is closed")
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_in_executor(
        self,
        executor: Executor | None,  # noqa: ARG002
        func: Callable[[*_Ts], _T],
        *args: *_Ts,
    ) -> asyncio.Future[_T]:
        """Run `func` immediately, ignoring the executor, and return a finished future."""
        future: asyncio.Future[_T] = asyncio.Future(loop=self)
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self) -> None:
        """Nothing to do: there is none."""

    async def shutdown_asyncgens(self) -> None:
        """Close every asynchronous generator that was begun on this loop."""
        for generator in list(self._generators):
            await generator.aclose()

    def _close_generator(self, generator: AsyncGenerator[object, object]) -> None:
        if not self._closed:
            self.create_task(generator.aclose())

    def call_exception_handler(self, context: _Report) -> None:
        """Collect the error in `unhandled`, then call the handler, if one is set."""
        self.unhandled.append(context)
        if self._handler is not None:
            self._handler(self, context)

    def default_exception_handler(self, context: _Report) -> None:
        """Nothing to do: it is collected already."""

    def get_exception_handler(self) -> _Handler | None:
        """The handler that is called in addition to collecting."""
        return self._handler

    def set_exception_handler(self, handler: _Handler | None) -> None:
        """Call `handler(loop, context)` as well."""
        self._handler = handler

    set_task_factory = get_task_factory = set_default_executor = add_signal_handler = remove_signal_handler = (
        _unsupported
    )
    add_reader = remove_reader = add_writer = remove_writer = connect_read_pipe = connect_write_pipe = _unsupported
    sock_recv = sock_recv_into = sock_recvfrom = sock_recvfrom_into = sock_accept = sock_connect = _unsupported
    sock_sendall = sock_sendto = sock_sendfile = sendfile = getaddrinfo = getnameinfo = start_tls = _unsupported
    create_connection = create_server = create_datagram_endpoint = subprocess_shell = subprocess_exec = _unsupported

    def get_debug(self) -> bool:
        """Whether asyncio's debug mode is on."""
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        """Turn asyncio's debug mode on or off."""
        self._debug = enabled
