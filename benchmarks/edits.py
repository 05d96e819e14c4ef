"""Copies of the program with something changed, and what the torture finds in them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Edit", "misplaced", "output_of", "program_with", "tortured"]

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("operators", "streams", "tidegate")
_FILES = ("run.py",)


@dataclass(frozen=True, slots=True)
class Edit:
    """A place in the program, and its replacement."""

    file: str
    old: str
    new: str


def misplaced(edits: Sequence[Edit]) -> Sequence[str]:
    """Those of the edits that have not exactly one place in the program, in words: they are out of date."""
    counts = ((edit, (_ROOT / edit.file).read_text().count(edit.old)) for edit in edits)
    return [f"{edit.file} has {count} times {edit.old!r}" for edit, count in counts if count != 1]


def program_with(edits: Sequence[Edit], folder: Path, *, also: Sequence[str] = ()) -> Path:
    """A copy of the program in `folder`, with edits; `also` names files and folders that are copied besides.

    Raises:
        ValueError: an edit has not exactly one place.
    """
    if wrong := misplaced(edits):
        raise ValueError("; ".join(wrong))
    for name in (*_PACKAGES, *_FILES, *also):
        if (_ROOT / name).is_dir():
            shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(_ROOT / name, folder)
    for edit in edits:
        path = folder / edit.file
        path.write_text(path.read_text().replace(edit.old, edit.new))
    return folder


def tortured(program: Path, *options: str, timeout_s: float | None = None) -> dict[str, object]:
    """The record of `torture`, run by the program in a folder.

    Raises:
        RuntimeError: it gave none.
        subprocess.TimeoutExpired: it took too long.
    """
    said = output_of(program, "--json", *options, timeout_s=timeout_s)
    try:
        record: dict[str, object] = json.loads(said)
    except json.JSONDecodeError:
        raise RuntimeError(said) from None
    return record


def output_of(program: Path, *options: str, timeout_s: float | None = None) -> str:
    """What `torture` prints, run by the program in a folder; its errors, where it prints nothing.

    Raises:
        subprocess.TimeoutExpired: it took too long.
    """
    command = [sys.executable, str(program / "run.py"), "torture", *options]
    done = subprocess.run(  # noqa: S603
        command, cwd=program, capture_output=True, text=True, check=False, timeout=timeout_s
    )
    return done.stdout or done.stderr
