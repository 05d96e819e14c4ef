"""Running something in a process of its own, with memory and imports of its own."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

__all__ = ["in_fresh_process", "resident_bytes"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_PAGE_BYTES = 4096


def in_fresh_process(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What `work` gives, run in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def resident_bytes() -> int:
    """The memory this process has, after a collection; 0 where the system does not report it."""
    gc.collect()
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * _PAGE_BYTES if statm.exists() else 0
