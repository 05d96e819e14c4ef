"""Replay commands: the pipeline over recorded markets, as fast as possible."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from streams.market import News
from tidegate.assembly import assemble, generated
from tidegate.cli.invocation import Invocation, set_option, settings_by_path
from tidegate.cli.report import print_report
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.money import Results
from tidegate.domain.timeframe import timeframe_text
from tidegate.insight.report import Report, results_as_of
from tidegate.journal import url_of, write_journal
from tidegate.market.feeds import recorded_world
from tidegate.market.recordings import CandleFile, merge_candles, read_candles
from tidegate.settings import Settings
from tidegate.sources import open_source

__all__ = ["replay"]

_MODE = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What is replayed, and where it is journalled."""

    files: Sequence[CandleFile]
    signals: Path | None
    journal_url: str


@click.command()
@click.option("--candles", type=click.Path(path_type=Path), multiple=True, required=True, help="Recorded candles, CSV.")
@click.option("--signals", type=click.Path(path_type=Path), help="Recorded signals, JSON lines, by timestamp.")
@click.option("--symbol", help="Symbol of the candles, if the file's name lacks it.")
@click.option("--timeframe", help="Timeframe of the candles, if the file's name lacks it.")
@set_option
@click.option("--journal", type=click.Path(path_type=Path), help="Keep the journal in this new file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay(
    invocation: Invocation,
    candles: tuple[Path, ...],
    signals: Path | None,
    symbol: str | None,
    timeframe: str | None,
    changes: tuple[str, ...],
    journal: Path | None,
    as_json: bool,
) -> int:
    """Run the pipeline over recorded candles, under virtual time, on the paper venue."""
    files = [read_candles(path, symbol, timeframe) for path in candles]
    longest = timeframe_text(max(file.timeframe_ns for file in files))
    settings = invocation.settings({"timeframe": longest, **settings_by_path(changes)})
    if journal is not None and journal.exists():
        raise click.UsageError(f"{journal} exists: a replay needs a new journal, name another file")
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder, _progress(files) as seen:
        url = url_of(str((journal or Path(folder) / "replay.db").absolute()))
        loop = VirtualLoop()
        try:
            report = loop.run_until_complete(
                play(loop, settings, ReplayPlan(files=files, signals=signals, journal_url=url), seen)
            )
        finally:
            loop.close()
    print_report(*report, as_json=as_json)
    return 0


async def play(
    loop: VirtualLoop, settings: Settings, recording: ReplayPlan, seen: Callable[[Sequence[News]], None]
) -> tuple[dict[str, object], Results]:
    """Replay a recording on a loop of virtual time, and report what came of it. `seen` hears the news.

    Raises:
        SettingsError: a strategy cannot be loaded.
    """
    candles = merge_candles(recording.files)
    clock = Clock.simulated(loop, candles[0].opened_at_ns)
    journal = write_journal(recording.journal_url, mode=_MODE, synchronous="normal", batches_together=1024)
    world = recorded_world(candles, spread_bps=settings.traders[0].spread_bps, clock=clock)
    engine = await assemble(settings, journal, clock, world.symbols)
    inputs = [generated(engine, world, settings, strategies=True, on_news=seen)]
    if recording.signals is not None:
        load = engine.parts.intake_load
        source = open_source(str(recording.signals), clock=clock, recorded=True)
        inputs.append(source.signals(load.depth_of_inputs, load.inputs_max))
    report = Report()
    engine.observe("the report", report.watch)
    await engine.start(inputs)
    await engine.when_idle()
    await engine.stop()
    state = engine.parts.state
    return report.on(state, _MODE), results_as_of(state)


@contextmanager
def _progress(files: Sequence[CandleFile]) -> Iterator[Callable[[Sequence[News]], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    total = 2 * sum(len(file.candles) for file in files)  # a candle and a quote each
    step = max(1, total // 200)
    columns = (
        TextColumn("replay"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replay", total=total)
        passed = shown = 0

        def seen(chunk: Sequence[News]) -> None:
            nonlocal passed, shown
            passed += len(chunk)
            if passed - shown >= step:
                shown = passed
                bar.update(task, completed=passed)

        yield seen
