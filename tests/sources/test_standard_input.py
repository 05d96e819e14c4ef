"""Signals from standard input: a real thread and a real pipe; the loop is stepped by the test."""

import asyncio
import io
import json
import os
import threading
from threading import Event

import pytest

from tidegate.clock import Clock
from tidegate.sources.standard_input import read_lines

MANY = 20_000


class Watched(io.BytesIO):
    """Lines that say how many of them were read."""

    def __init__(self, count: int) -> None:
        super().__init__(b"".join(b"%d\n" % number for number in range(count)))
        self.read = 0

    def __next__(self) -> bytes:
        self.read += 1
        return super().__next__()


def run(file, *, stall=lambda loop: None, depth=lambda taken: 0, depth_max=100):
    """Read a file to its end on a loop that stalls at first; gives what was taken, and the end."""
    taken: list[bytes] = []

    async def take():
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        clock = Clock.live(loop)
        source = read_lines(file, depth=lambda: depth(taken), depth_max=depth_max, clock=clock)
        source.subscribe(
            lambda raw: taken.append(raw.payload),
            lambda error: ended.set_result(repr(error)),
            lambda: ended.set_result("|"),
        )
        stall(loop)
        return await asyncio.wait_for(ended, 30)

    return taken, asyncio.run(take())


def test_while_the_loop_is_busy_no_more_is_read_than_may_be_under_way():
    file = Watched(MANY)

    def stall(_loop) -> None:
        before = -1
        while file.read != before:  # until the thread has read whatever it would
            before = file.read
            Event().wait(0.02)

    most = []
    taken, end = run(file, stall=lambda loop: (stall(loop), most.append(file.read)))
    assert most[0] <= 101
    assert (taken, end) == ([b"%d" % number for number in range(MANY)], "|")


def test_lines_wait_while_too_many_are_under_way():
    deepest = 0
    under_way = 0

    def depth(taken) -> int:
        nonlocal under_way, deepest
        deepest = max(deepest, len(taken) - under_way)
        if len(taken) - under_way >= 10:
            asyncio.get_running_loop().call_later(0.002, done)
        return len(taken) - under_way

    def done() -> None:
        nonlocal under_way
        under_way += 5

    taken, end = run(io.BytesIO(b"x\n" * 200), depth=depth, depth_max=10)
    assert (len(taken), end, deepest) == (200, "|", 10)


def test_lines_of_a_pipe_come_one_by_one_and_blank_ones_not_at_all():
    reading, writing = os.pipe()
    taken = []

    async def take(file):
        seen = asyncio.Queue()
        source = read_lines(file, depth=lambda: 0, depth_max=1, clock=Clock.live(asyncio.get_running_loop()))
        source.subscribe(lambda raw: seen.put_nowait(raw.payload), on_completed=lambda: seen.put_nowait("|"))
        for line in (b"one\n", b"\n  \n two \n", b"three"):
            os.write(writing, line)
            if line.endswith(b"\n"):
                taken.append(await asyncio.wait_for(seen.get(), 10))
        os.close(writing)
        taken.extend([await asyncio.wait_for(seen.get(), 10), await asyncio.wait_for(seen.get(), 10)])

    with os.fdopen(reading, "rb") as file:
        asyncio.run(take(file))
    assert taken == [b"one", b"two", b"three", "|"]


def test_an_error_of_reading_comes_behind_what_was_read():
    class Torn(io.BytesIO):
        def __next__(self) -> bytes:
            line = super().__next__()
            if line == b"gone\n":
                raise OSError("gone")
            return line

    taken, end = run(Torn(b"one\ntwo\ngone\n"))
    assert (taken, end) == ([b"one", b"two"], "OSError('gone')")


@pytest.mark.parametrize("room", [1, 100])
def test_whoever_no_longer_listens_hears_nothing_and_the_thread_ends(room):
    async def take():
        loop = asyncio.get_running_loop()
        seen = []
        file = Watched(MANY)
        subscription = read_lines(file, depth=lambda: 0, depth_max=room, clock=Clock.live(loop)).subscribe(seen.append)
        subscription.dispose()
        await asyncio.sleep(0)
        (thread,) = [t for t in threading.enumerate() if t.name == "standard input"] or [None]
        if thread is not None:
            await loop.run_in_executor(None, thread.join, 10)
            assert not thread.is_alive()
        return seen, file.read

    seen, read = asyncio.run(take())
    assert seen == []
    assert read <= room + 2


def test_a_signal_keeps_its_bytes():
    line = json.dumps({"key": "ü"}, ensure_ascii=False).encode()
    assert run(io.BytesIO(line + b"\r\n")) == ([line], "|")
