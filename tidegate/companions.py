"""`operators` and `streams` ship beside this package; they are found there, whatever else is on the path."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

__all__ = ["COMPANIONS", "find_beside"]

COMPANIONS = ("operators", "streams")
"""The packages that are installed together with `tidegate`."""


class _Beside:
    """Finds the companions in one folder, before the path is searched for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in COMPANIONS:
            return None
        spec = PathFinder.find_spec(name, [str(self.folder)])
        if spec is not None:
            first = PathFinder.find_spec(name)
            if first is not None and _place(first) != _place(spec):
                warnings.warn(
                    f"`import {name}` gives Tidegate's package, not {_place(first)}: rename that one to import it",
                    stacklevel=2,
                )
        return spec


def find_beside(folder: Path) -> None:
    """Have every later import of a companion find the one in `folder`, also where the path has another of its name.

    Raises:
        ImportError: another module of a companion's name was imported already.
    """
    for name in COMPANIONS:
        imported = sys.modules.get(name)
        if imported is not None and (place := _place(imported.__spec__)) != (folder / name / "__init__.py").resolve():
            raise ImportError(
                f"Tidegate has a package `{name}`, but {place or 'another module'} of that name has been imported: "
                "rename it and restart Python",
                name=name,
            )
    if not any(isinstance(finder, _Beside) and finder.folder == folder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Beside(folder))


def _place(spec: ModuleSpec | None) -> Path | None:
    """The file of a module, or the folder of a namespace package."""
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return next((Path(place).resolve() for place in places if place), None)
