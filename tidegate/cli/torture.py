"""The promise put to the test: torture."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tidegate.cli.invocation import Invocation, json_option, program
from tidegate.cli.printing import print_json, print_table
from tidegate.cli.workers import in_processes
from tidegate.torture.campaign import Crashes, Tally
from tidegate.torture.campaign import torture as tortured
from tidegate.torture.checker import check
from tidegate.torture.faulty import draw
from tidegate.torture.plan import CrashPlan
from tidegate.torture.run import run
from tidegate.torture.shrinking import shrink
from tidegate.torture.story import story_of
from tidegate.torture.surroundings import START_NS
from tidegate.torture.tortured_setup import TorturedSetup

__all__ = ["torture"]

_SEEDS = {"every": 24, "pairs": 2}
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - journals are made durable thousands of times, and thrown away
_SHOWN = 5
_SELDOM = 3_000_000  # what hundreds of short lives leave behind dies with their process


@click.command()
@click.option("--seeds", type=click.IntRange(1), help="Number of worlds; default: 24, or 2 with pairs.")
@click.option("--crashes", type=click.Choice(["every", "pairs"]), default="every", help="One crash per run, or two.")
@click.option("--seed", type=click.IntRange(0), help="The first world; with --point, the only one.")
@click.option("--point", metavar="P", help="Replay one run of --seed and narrate it: 17, 17+23, cancel:9.")
@click.option("--until-broken", is_flag=True, help="Stop at the first run that breaks the promise.")
@click.option("--strategies", is_flag=True, help="Let the settings' strategies trade as well; slower.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes; one per core.")
@click.option("--for", "for_s", type=click.FloatRange(0), metavar="SECONDS", help="Stop after this many seconds.")
@json_option
@click.pass_obj
def torture(
    invocation: Invocation,
    seeds: int | None,
    crashes: Crashes,
    seed: int | None,
    point: str | None,
    until_broken: bool,
    strategies: bool,
    workers: int,
    for_s: float | None,
    as_json: bool,
) -> int:
    """Run the pipeline of the settings in worlds where everything goes wrong, kill it at every point, start it again,
    and hold its whole history against the promise.

    Nothing is sent anywhere: the exchanges are part of the worlds. A world is drawn from its seed, so every finding
    can be replayed. 1 where the promise was broken.
    """
    if point is not None and seed is None:
        raise click.UsageError("--point needs the --seed of the run")
    worlds = range(seeds or _SEEDS[crashes]) if seed is None else range(seed, seed + (seeds or 1))
    with _setup(invocation, strategies=strategies) as setup:
        if seed is not None and point is not None:
            return _replay(setup, seed, point)
        begun_s = time.perf_counter()
        ends_s = begun_s + (for_s or float("inf"))

        def of(world: int) -> Tally:
            gc.set_threshold(_SELDOM)

            def enough(so_far: Tally) -> bool:
                return time.perf_counter() > ends_s or (until_broken and bool(so_far.failures))

            return tortured(setup, world, crashes=crashes, enough=enough)

        tally = Tally()
        with _progress(len(worlds), crashes) as show:
            for done in in_processes(of, worlds, at_once=workers):
                tally.include(done)
                show(tally)
                if until_broken and tally.failures:
                    break
        record = _record(tally, time.perf_counter() - begun_s)
        if as_json:
            print_json(record)
        else:
            _print(tally, record)
    return 1 if tally.failures else 0


@contextmanager
def _setup(invocation: Invocation, *, strategies: bool) -> Iterator[TorturedSetup]:
    settings = invocation.settings({"mode": "paper"})
    place = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="tidegate-", dir=place) as folder:
        gc.freeze()  # what was imported lives as long as we do
        yield TorturedSetup(settings, Path(folder), strategies=strategies)


def _replay(setup: TorturedSetup, seed: int, point: str) -> int:
    try:
        plan = CrashPlan.parse(point)
    except ValueError as error:
        raise click.UsageError(f"--point: {error}") from None
    script = draw(seed, symbols=setup.symbols, traders=setup.traders)
    history = run(setup, script, plan.points())
    if history.acted < len(plan.acts):
        raise click.UsageError(f"--point: seed {seed} has {len(history.reached)} points, {point} is not reached")
    violations = check(history)
    if violations:
        click.echo("shrinking ...", err=True)
        script, plan, history = shrink(setup, script, plan)
    click.echo(f"{script}\n\n{plan}: {', '.join(history.reached[number - 1] for number, _ in plan.acts)}\n")
    click.echo("\n".join(story_of(history, start_ns=START_NS)) + "\n")
    for violation in check(history):
        click.echo(str(violation))
    click.echo("the promise is broken" if violations else "the promise is kept")
    return 1 if violations else 0


def _record(tally: Tally, seconds: float) -> dict[str, object]:
    return {
        "runs": tally.runs,
        "crash_points": tally.crash_points,
        "faults": dict(sorted(tally.faults.items())),
        "outcomes": dict(sorted(tally.outcomes.items())),
        "lost": tally.lost,
        "duplicated": tally.duplicated,
        "parked": tally.parked,
        "caught": tally.caught,
        "runs_per_s": round(tally.runs / seconds, 1),
        "failures": [
            {
                "seed": broken.seed,
                "point": broken.point,
                "where": broken.where,
                "violations": [str(violation) for violation in broken.violations],
            }
            for broken in tally.failures
        ],
    }


def _print(tally: Tally, record: dict[str, object]) -> None:
    figures = ("runs", "crash_points", "lost", "duplicated", "parked", "caught", "runs_per_s")
    print_table(figures, [[f"{record[name]}" for name in figures]])
    click.echo()
    print_table(("signals that ended as", "times"), sorted(tally.outcomes.items()))
    click.echo()
    print_table(("what went wrong", "times"), sorted(tally.faults.items()))
    for broken in tally.failures[:_SHOWN]:
        click.echo(f"\nseed {broken.seed}, point {broken.point} ({broken.where}):")
        for violation in broken.violations:
            click.echo(f"  {violation}")
        click.echo(f"  replay it: {program()} torture --seed {broken.seed} --point {broken.point or 1}")
    if len(tally.failures) > _SHOWN:
        click.echo(f"\nand {len(tally.failures) - _SHOWN} more: see --json")
    click.echo(
        "\nthe promise is kept" if not tally.failures else f"\nthe promise is broken in {len(tally.failures)} runs"
    )


@contextmanager
def _progress(worlds: int, crashes: Crashes) -> Iterator[Callable[[Tally], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    words = "{task.completed}/{task.total} worlds, {task.fields[runs]} runs, {task.fields[broken]} broken"
    columns = (TextColumn("torture"), BarColumn(), TextColumn(words), TimeElapsedColumn())
    off = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off, auto_refresh=False) as bar:
        task = bar.add_task(crashes, total=worlds, runs=0, broken=0)

        def show(tally: Tally) -> None:
            bar.update(task, advance=1, refresh=True, runs=tally.runs, broken=len(tally.failures))

        yield show
