"""Files and folders that only their owner may read: what is traded is nobody else's business."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["make_folder", "opener"]

_FILE, _FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing, for their owner only. Existing ones stay as they are.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=_FOLDER, exist_ok=True)


def opener(path: str, flags: int) -> int:
    """What `open` takes as its `opener`: a file that it creates is for its owner only."""
    return os.open(path, flags, _FILE)
