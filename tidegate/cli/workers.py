"""Work that is done in processes of its own, a fresh one for each piece: what it leaves behind dies with it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import TypeVar

__all__ = ["in_processes"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def in_processes(work: Callable[[_Task], _Result], tasks: Iterable[_Task], *, at_once: int) -> Iterator[_Result]:
    """The result of each task, as they are done, from up to `at_once` processes at a time.

    Raises:
        RuntimeError: a process died without a result; its traceback is on stderr.
    """
    context = multiprocessing.get_context("fork")
    waiting = iter(tasks)
    running: dict[Connection, multiprocessing.process.BaseProcess] = {}

    def begin() -> None:
        for task in waiting:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_do, args=(work, task, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = process
            return

    for _ in range(at_once):
        begin()
    try:
        yield from _results(running, begin)
    finally:
        for process in running.values():
            process.kill()
            process.join()


def _results(
    running: dict[Connection, multiprocessing.process.BaseProcess], begin: Callable[[], None]
) -> Iterator[_Result]:
    while running:
        wait(list(running))
        for ready in [connection for connection in running if connection.poll()]:
            process = running.pop(ready)
            try:
                result: _Result = ready.recv()
            except EOFError:
                raise RuntimeError(f"a worker died with exit code {process.exitcode}") from None
            finally:
                ready.close()
                process.join()
            begin()
            yield result


def _do(work: Callable[[_Task], _Result], task: _Task, to: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal; our parent ends us
    to.send(work(task))
