"""Starting: the program's help, its first tick, and a journal with a long past."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.alternate import median_of_turns
from benchmarks.formatting import Figures
from benchmarks.fresh_process import in_fresh_process, resident_bytes
from benchmarks.journal_of_a_million import copied, written
from benchmarks.scale import Scale
from benchmarks.whole_pipeline import opened

__all__ = ["start_up", "start_up_with_a_past"]

_RUN = Path(__file__).parents[1] / "run.py"
_SETTINGS = {"execution": {"first_after_s": 0}, "logging": {"json_file": None}}


def start_up(scale: Scale, folder: Path) -> Figures:
    """Processor seconds of `run.py --help`, and of a paper trader until it has reported its first execution.

    The execution is triggered once the trader reports that it runs, and is reported within a second. A heavy import is
    one that neither must cost: of ccxt, pandas or aiohttp.
    """
    with TemporaryDirectory(dir=folder) as own:
        (Path(own) / "settings.json").write_text(json.dumps(_SETTINGS))
        nothing = [_started(own, "-c", "") for _ in range(scale.starts)]
        helps = [_started(own, str(_RUN), "--help") for _ in range(scale.starts)]
        runs = [_started(own, str(_RUN), lines=2) for _ in range(scale.starts)]
        heavy = _heavy_imports(own, "--help") | _heavy_imports(own, "run", "--for", "1s")
    return {
        "python_alone_cpu_s": median_of_turns([cpu_s for cpu_s, _ in nothing]),
        "help_cpu_s": median_of_turns([cpu_s for cpu_s, _ in helps]),
        "help_wall_s": median_of_turns([seen[-1] for _, seen in helps]),
        "first_tick_cpu_s": median_of_turns([cpu_s for cpu_s, _ in runs]),
        "running_wall_s": median_of_turns([seen[0] for _, seen in runs]),
        "heavy_imports": sorted(heavy),
    }


def start_up_with_a_past(scale: Scale, folder: Path) -> Figures:
    """Seconds until a program runs over a journal with a long past, and what it holds then."""
    journal = written(folder, closed=scale.closed_signals, waiting=scale.open_signals)
    with TemporaryDirectory(dir=folder) as own:
        empty = in_fresh_process(_opened, Path(own) / "empty.db")
        long_past = in_fresh_process(_opened, copied(journal, Path(own)))
    return {
        "closed_signals": scale.closed_signals,
        "waiting_signals": scale.open_signals,
        "journal_mb": round(journal.stat().st_size / 1e6),
        "empty": empty,
        "long_past": long_past,
    }


def _opened(journal: Path) -> Figures:
    before = resident_bytes()

    async def run() -> Figures:
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        async with opened(journal) as whole:
            wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
            return {
                "wall_s": round(wall_s, 3),
                "cpu_s": round(cpu_s, 3),
                "resident_mb": round((resident_bytes() - before) / 1e6, 1),
                "waiting": len(whole.engine.parts.pending),
                "balanced": whole.engine.parts.state.ledger.balanced,
            }

    return asyncio.run(run())


def _started(folder: str, *arguments: str, lines: int | None = None) -> tuple[float, Sequence[float]]:
    """Processor seconds of a Python program, and when it said each line; it is killed after so many of them."""
    began_s = time.perf_counter()
    seen: list[float] = []
    with subprocess.Popen([sys.executable, *arguments], cwd=folder, stdout=subprocess.PIPE) as program:  # noqa: S603
        for _ in program.stdout or ():
            seen.append(time.perf_counter() - began_s)
            if len(seen) == lines:
                program.kill()
        _, status, used = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, seen


def _heavy_imports(folder: str, *arguments: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", str(_RUN), *arguments]
    seen = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr  # noqa: S603
    imported = {line.rpartition("|")[2].strip() for line in seen.splitlines()}
    return imported & {"ccxt", "pandas", "aiohttp"}
