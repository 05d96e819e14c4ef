"""The command `tidegate`, which is also `python -m tidegate`. Without a command it runs."""

from __future__ import annotations

import sys
from pathlib import Path

from tidegate.cli import main

__all__ = ["start"]


def start() -> None:
    """Run the command line. Modules in the current folder can be imported, after everything that is installed."""
    sys.path.append(str(Path.cwd()))
    main()


if __name__ == "__main__":
    start()
