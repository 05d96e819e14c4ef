"""A full disk, named as such wherever it is met."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

__all__ = ["full_disk", "words_of"]

_FULL = {errno.ENOSPC, errno.EDQUOT}


def full_disk(path: str | Path) -> str:
    """That the disk under `path` is full, how much is free on it, and what helps."""
    folder = next((parent for parent in Path(path).absolute().parents if parent.is_dir()), Path("/"))
    free = shutil.disk_usage(folder).free
    return (
        f"the disk is full: {free / 1e6:,.1f} MB free in {folder}. Free some space there; "
        "until then nothing is recorded and no order is sent"
    )


def words_of(error: OSError, path: str | Path) -> str:
    """What went wrong with the file at `path`, or with another one that it needs."""
    if error.errno in _FULL:
        return full_disk(path)
    return f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"
