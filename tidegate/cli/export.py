"""`export`: one line per signal, or per event, for other programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

import click

from tidegate.cli.blockers import blockers_of
from tidegate.cli.invocation import Invocation, journal_option
from tidegate.insight.export import write_csv, write_events, write_jsonl
from tidegate.insight.listing import signal_rows

__all__ = ["export"]


@click.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--events", "every_event", is_flag=True, help="One JSON line per event instead, oldest first.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@journal_option
@click.pass_obj
def export(invocation: Invocation, form: str, every_event: bool, file: Path, journal: str | None) -> None:
    """Write one line per signal, or per event, to FILE or to standard output.

    FILE is there only once it is complete. In CSV, cells that a spreadsheet would take for formulas begin with '.
    """
    if every_event and form == "csv":
        raise click.UsageError("--events are JSON lines: leave out --format csv")
    with closing(invocation.reader(journal)) as reader, _opened(file) as out:
        if every_event:
            write_events(reader.events(), out)
            return
        blockers = blockers_of(reader, invocation.journal_url(journal), reader.open())
        write = write_csv if form == "csv" else write_jsonl
        write(signal_rows(reader, blockers), out)


def _opened(file: Path) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if str(file) == "-" else _complete_or_not(file)


@contextmanager
def _complete_or_not(path: Path) -> Iterator[TextIO]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing was
            part.unlink(missing_ok=True)
