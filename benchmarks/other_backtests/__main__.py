"""`python -m benchmarks.other_backtests`: CPU seconds of our replay, and of two other backtests.

Ours, freqtrade's and nautilus_trader's trade the cross of EMA 12 and 26 over the same made-up candles of five minutes:
buy for 100 USDT when the fast average crosses above the slow one, sell it all when it crosses below. The processor time
is that of the whole process, from its start on. The other two are installed from the package index, each into an
environment of its own in a folder that is gone afterwards (`TMPDIR` says where), unless `--environments` names one to
keep; they are never part of ours.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.formatting import rounded
from benchmarks.load import symbols_named
from benchmarks.replaying import recorded

__all__ = ["main"]

_OTHERS = ("freqtrade", "nautilus_trader")
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Run:
    """What a backtest took, and how many orders it placed; or why it did not run."""

    cpu_s: float
    orders: int
    version: str


@click.command()
@click.option("--days", default=365, show_default=True, help="Days of candles.")
@click.option("--symbols", "count", default=10, show_default=True, help="Symbols, each with a market of its own.")
@click.option("--environments", type=click.Path(path_type=Path), help="Keep the environments here, and use them again.")
def main(days: int, count: int, environments: Path | None) -> None:
    """Run all three, one after the other, and print what each took."""
    with TemporaryDirectory(prefix="tidegate-") as folder, _kept(environments) as kept:
        candles = Path(folder) / "candles"
        candles.mkdir()
        for symbol in symbols_named(count):
            recorded(candles, symbol, days)
        click.echo(f"{count} symbols, {days} days of 5m candles, EMA 12/26; load before: {os.getloadavg()}")
        ours = _ours(candles, Path(folder))
        _say("tidegate", ours, ours)
        for name in _OTHERS:
            found = _python_with(name, kept / name)
            if isinstance(found, str):
                click.echo(f"{name:16} skipped: {found}")
                continue
            ran = _run([str(found), str(_HERE / f"run_{name}.py"), str(candles)])
            if isinstance(ran, str):
                click.echo(f"{name:16} failed: {ran}")
                continue
            orders, cpu_s = ran
            _say(name, _Run(cpu_s, int(orders.split()[-1]), _version(found, name)), ours)


def _say(name: str, run: _Run, ours: _Run) -> None:
    times = run.cpu_s / ours.cpu_s
    click.echo(f"{name:16} {run.version:10} {rounded(run.cpu_s):>8} CPU s {run.orders:>8,} orders {times:8.2f} x ours")


def _ours(candles: Path, folder: Path) -> _Run:
    """Our own replay, as its command does it, over a journal on the disk."""
    paths = sorted(candles.glob("*.csv"))
    settings = {
        "symbols": [path.name.removesuffix("-5m.csv").replace("-", "/") for path in paths],
        "timeframe": "5m",
        "signals": {"strategies": [{"name": "ema_cross", "params": {"fast": 12, "slow": 26}}], "min_candles": 26},
        "validation": {"min_signal_strength": 0},  # a weak cross is one too
        "sizing": {"method": "fixed_notional", "notional": "100"},
        "limits": {"max_open_positions": len(paths)},
        "traders": [{"id": "paper", "exchange": "paper", "balances": {"USDT": "1000000"}}],
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    named = [part for path in paths for part in ("--candles", str(path))]
    chosen = ["--settings", str(folder / "settings.json")]
    kept = ["--journal", str(folder / "journal.db"), "--json"]
    ran = _run([sys.executable, "-m", "tidegate", *chosen, "replay", *named, *kept])
    if isinstance(ran, str):
        raise click.ClickException(f"our own replay failed: {ran}")
    said, cpu_s = ran
    return _Run(cpu_s, int(json.loads(said)["placed"]), "")


def _run(command: Sequence[str]) -> tuple[str, float] | str:
    """What a command printed, and its processor time; or why it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own scripts
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        return (ran.stderr.strip().splitlines() or ["without a word"])[-1]
    return ran.stdout, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _python_with(name: str, folder: Path) -> Path | str:
    """The interpreter of an environment that has a package; or why there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for command in (["-c", f"import {name}"], ["-m", "pip", "install", "--quiet", name], ["-c", f"import {name}"]):
        ran = _run([str(python), *command])
        if not isinstance(ran, str) and command[0] == "-c":
            return python
    return f"does not install: {ran}"


def _version(python: Path, name: str) -> str:
    ran = _run([str(python), "-c", f"from importlib.metadata import version; print(version({name!r}))"])
    return "?" if isinstance(ran, str) else ran[0].strip()


@contextmanager
def _kept(environments: Path | None) -> Iterator[Path]:
    """A folder for environments: the one to keep, or one that is gone afterwards."""
    if environments is not None:
        environments.mkdir(parents=True, exist_ok=True)
        yield environments
    else:
        with TemporaryDirectory(prefix="tidegate-environments-") as folder:
            yield Path(folder)


if __name__ == "__main__":
    main()
