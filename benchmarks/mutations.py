"""Small mistakes in the way of the money, made one at a time in a copy of the program: some test has to notice each.

`python -m benchmarks.mutations` says for each of them whether the unit tests notice it, and whether torture does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.edits import Edit, program_with, tortured
from benchmarks.mistakes import MISTAKES, Mistake

__all__ = ["Noticed", "main", "rows", "tried"]

_UNIT = ("tests/domain", "tests/operators", "tests/streams", "tests/torture/test_known_answers.py")
_ADAPTERS = ("tests/journal", "tests/market", "tests/sources", "tests/venues")
_TESTED_BY_ADAPTERS = tuple(f"tidegate/{room}/" for room in ("journal", "market", "sources", "venues"))
_BESIDES = (
    "tests",
    "docs",
    "settings.json",
    "settings.schema.json",
    "pyproject.toml",
    "tidegate/facade.py",
    "README.md",
)
_PATIENCE_S = 400.0
_MARK = {True: "yes", False: "", None: "not run"}


@dataclass(frozen=True, slots=True)
class Noticed:
    """What noticed a mistake; None where the unit tests were not asked, because torture had noticed."""

    mistake: Mistake
    by_unit_tests: bool | None
    by_torture: bool

    @property
    def survived(self) -> bool:
        """Whether nothing did."""
        return not (self.by_unit_tests or self.by_torture)


def tried(mistake: Mistake, *, seeds: int, until_noticed: bool = False) -> Noticed:
    """Make a mistake in a copy of the program, run torture in so many worlds, and its tests; with `until_noticed` the
    tests only where torture did not notice.

    Raises:
        ValueError: the mistake has not exactly one place: the list is out of date.
    """
    with TemporaryDirectory(prefix="tidegate-") as folder:
        program = program_with([mistake.edit], Path(folder), also=_BESIDES)
        by_torture = _is_broken(program, seeds)
        asked = not (until_noticed and by_torture)
        return Noticed(mistake, _fails(program, mistake.edit) if asked else None, by_torture)


def rows(noticed: list[Noticed]) -> Iterator[str]:
    """A Markdown table, in the order of the list."""
    place = {mistake.name: n for n, mistake in enumerate(MISTAKES)}
    yield "| mistake | unit tests | torture |"
    yield "|---|:-:|:-:|"
    for each in sorted(noticed, key=lambda each: place[each.mistake.name]):
        marks = (_MARK[seen] for seen in (each.by_unit_tests, each.by_torture))
        yield f"| {each.mistake.name} | {' | '.join(marks)} |"


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seeds", default=12, help="In how many worlds torture looks.")
@click.option("--until-noticed", is_flag=True, help="Run the unit tests only where torture does not notice.")
@click.option("--workers", default=os.cpu_count() or 1, help="How many at a time.")
def main(names: tuple[str, ...], seeds: int, until_noticed: bool, workers: int) -> None:
    """Try all mistakes, or those with a word in their names, and print a row of a table for each. 1 if one survived."""
    chosen = [mistake for mistake in MISTAKES if not names or any(name in mistake.name for name in names)]
    noticed: list[Noticed] = []
    with ThreadPoolExecutor(workers) as pool:
        for done in as_completed(
            [pool.submit(tried, mistake, seeds=seeds, until_noticed=until_noticed) for mistake in chosen]
        ):
            noticed.append(done.result())
            click.echo(f"{len(noticed)}/{len(chosen)} {noticed[-1].mistake.name}", err=True)
    for row in rows(noticed):
        click.echo(row)
    survivors = [each.mistake.name for each in noticed if each.survived]
    click.echo(f"\n{len(noticed) - len(survivors)} of {len(noticed)} noticed")
    if survivors:
        click.echo(f"nothing noticed: {', '.join(survivors)}")
    sys.exit(bool(survivors))


def _fails(program: Path, edit: Edit) -> bool:
    tests = _UNIT + (_ADAPTERS if edit.file.startswith(_TESTED_BY_ADAPTERS) else ())
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    surroundings = {**os.environ, "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=program, env=surroundings, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):  # 1 is a test that failed
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == 1


def _is_broken(program: Path, seeds: int) -> bool:
    try:
        options = ("--seeds", str(seeds), "--until-broken", "--workers", "1")
        return bool(tortured(program, *options, timeout_s=_PATIENCE_S)["failures"])
    except subprocess.TimeoutExpired:
        return True
    except RuntimeError:  # it died
        return True


if __name__ == "__main__":
    main()
