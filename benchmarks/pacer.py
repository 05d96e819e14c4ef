"""Waking a loop at fixed moments, more exactly than its own timers do, which epoll rounds up to whole milliseconds."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

__all__ = ["beat"]


class _Spec(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "first_s", "first_ns"))


def beat(every_ns: int, tick: Callable[[], None]) -> Callable[[], None]:
    """Call `tick` on the running loop every `every_ns`, once where it is late; the function returned ends that.

    Only Linux has such timers; elsewhere the loop's own have to do.
    """
    loop, libc = asyncio.get_running_loop(), ctypes.CDLL(None)
    if not hasattr(libc, "timerfd_create"):
        return _beat_roughly(loop, every_ns / 1e9, tick)
    file = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    every = divmod(every_ns, 1_000_000_000)
    if file < 0 or libc.timerfd_settime(file, 0, ctypes.byref(_Spec(*every, *every)), None):
        raise OSError("no timer is to be had")

    def on_beat() -> None:
        os.read(file, 8)
        tick()

    def end() -> None:
        loop.remove_reader(file)
        os.close(file)

    loop.add_reader(file, on_beat)
    return end


def _beat_roughly(loop: asyncio.AbstractEventLoop, every_s: float, tick: Callable[[], None]) -> Callable[[], None]:
    began_s, beats = loop.time(), 0
    timer: asyncio.TimerHandle

    def again() -> None:
        nonlocal beats, timer
        beats = int((loop.time() - began_s) / every_s) + 1
        timer = loop.call_at(began_s + beats * every_s, on_beat)

    def on_beat() -> None:
        again()
        tick()

    again()
    return lambda: timer.cancel()
