"""`export`: one line per signal, for other programs."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click
import msgspec

from tidegate.cli.blockers import blockers_of, current
from tidegate.cli.invocation import Invocation, journal_option
from tidegate.domain.signal_summary import SignalSummary, line_of

__all__ = ["export"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")


@click.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@journal_option
@click.pass_obj
def export(invocation: Invocation, form: str, file: Path, journal: str | None) -> None:
    """Write one line per signal to FILE, or to standard output.

    FILE is there only once it is complete. In CSV, cells that a spreadsheet would take for formulas begin with '.
    """
    write = _write_csv if form == "csv" else _write_jsonl
    with closing(invocation.reader(journal)) as reader:
        blockers = blockers_of(reader, invocation.journal_url(journal), reader.open())
        lines = (current(line_of(history), blockers) for history in reader.histories())
        if str(file) == "-":
            write(lines, sys.stdout)
            return
        with _complete_or_not(file) as out:
            write(lines, out)


def _write_jsonl(lines: Iterable[SignalSummary], out: TextIO) -> None:
    encode = msgspec.json.Encoder().encode
    out.writelines(encode(line).decode() + "\n" for line in lines)


def _write_csv(lines: Iterable[SignalSummary], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    columns = SignalSummary.__struct_fields__
    writer.writerow(columns)
    for line in lines:
        writer.writerow([_cell(getattr(line, column)) for column in columns])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


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
