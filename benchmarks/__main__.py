"""`python -m benchmarks`: measure, print a table, and keep the figures in `benchmarks/latest.json`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.table import Column, Table

from benchmarks import formatting
from benchmarks.formatting import LATEST, Figure, Figures
from benchmarks.growth import memory, past, symbols
from benchmarks.latency import latency, sustained
from benchmarks.lookups import lookups
from benchmarks.overload import bursts, overload
from benchmarks.replaying import replaying
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.start_up import start_up, start_up_with_a_past
from benchmarks.strategies import strategies
from benchmarks.tail import tail
from benchmarks.targets import markdown
from benchmarks.throughput import throughput
from benchmarks.venues import venues
from benchmarks.volume import journal_bytes, waiting

__all__ = ["BENCHES", "measured"]

BENCHES: Mapping[str, Callable[[Scale, Path], Figures]] = {
    "throughput": throughput,
    "latency": latency,
    "sustained": sustained,
    "overload": overload,
    "bursts": bursts,
    "tail": tail,
    "symbols": symbols,
    "waiting": waiting,
    "strategies": strategies,
    "journal_bytes": journal_bytes,
    "past": past,
    "lookups": lookups,
    "memory": memory,
    "start_up": start_up,
    "start_up_with_a_past": start_up_with_a_past,
    "replaying": replaying,
    "venues": venues,
}


def measured(
    names: Sequence[str], scale: Scale, say: Callable[[str], None]
) -> Iterator[tuple[str, Figures, Sequence[float]]]:
    """The figures of each benchmark named, one after the other, in a folder that is gone afterwards; and the load of
    the machine before it."""
    with TemporaryDirectory(prefix="tidegate-") as folder:
        for name in names:
            began_s, load_before = time.perf_counter(), os.getloadavg() if hasattr(os, "getloadavg") else ()
            yield name, BENCHES[name](scale, Path(folder)), load_before
            say(f"{name}: {time.perf_counter() - began_s:.0f} s")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHES)))
@click.option("--quick", is_flag=True, help="Under a minute: to see that it works, not to be quoted.")
@click.option("--to", type=click.Path(path_type=Path), default=LATEST, help="Where to keep the figures, as JSON.")
@click.option("--table", "only_table", is_flag=True, help="Measure nothing: print the targets as Markdown.")
def main(names: Sequence[str], quick: bool, to: Path, only_table: bool) -> None:
    """Measure all benchmarks, or those named. Figures that compare end in _ratio."""
    if only_table:
        for line in markdown(formatting.read(to)):
            click.echo(line)
        return
    scale, table = QUICK if quick else FULL, Table(Column("figure", no_wrap=True), "value")
    for name, figures, load_before in measured(names or list(BENCHES), scale, partial(click.echo, err=True)):
        formatting.write(to, {name: formatting.stamped(figures, quick=quick, load_before=load_before)})
        table.add_section()
        for path, figure in formatting.flattened(figures, f"{name}."):
            table.add_row(path, _text(figure), style="bold" if path.endswith("_ratio") else None)
    Console().print(table)


def _text(figure: Figure) -> str:
    if isinstance(figure, Sequence) and not isinstance(figure, str):
        return " ".join(map(_text, figure))
    return f"{figure:,}" if isinstance(figure, int | float) and not isinstance(figure, bool) else str(figure)


if __name__ == "__main__":
    main()
