"""Folds over the committed events: each remembers what it needs of history, and has its image in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from tidegate.domain.events import Recorded
from tidegate.domain.ports import Fold, Past

__all__ = ["Folds", "catch_up"]

_AT_ONCE = 1024


def catch_up(fold: Fold, past: Past) -> int:
    """Bring a new fold to the newest event, from its newest image where it has one; gives the position of that image.

    An image is of no use where `restore` raises, or the events behind it make the fold raise: of an older program, of
    another fold, or damaged. Then the fold becomes new again, and takes in all events.

    Raises:
        Exception: what the fold raises without an image.
    """
    snapshot = past.snapshots().get(fold.name)
    if snapshot is not None:
        new = fold.image()
        try:
            fold.restore(snapshot.image)
            _fold_since(snapshot.position, fold, past)
        except Exception:
            fold.restore(new)
        else:
            return snapshot.position
    _fold_since(0, fold, past)
    return 0


def _fold_since(position: int, fold: Fold, past: Past) -> None:
    events = iter(past.read(position))
    while some := list(islice(events, _AT_ONCE)):
        fold.fold(some)


class Folds:
    """The pipeline's own state, which is caught up already, and other folds, which are here.

    What `state` raises is raised. Another fold that raises is dropped until the next start, and `take_failed` returns
    it: the pipeline and the other folds are not affected. Memory: that of the folds.

    Raises:
        ValueError: two folds have the same name.
    """

    def __init__(self, state: Fold, others: Sequence[Fold], past: Past) -> None:
        names = [state.name, *(fold.name for fold in others)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two folds have the same name: {', '.join(twice)}")
        self._state = state
        self._others: dict[str, Fold] = {}
        self._failed: list[tuple[str, Exception]] = []
        for fold in others:
            try:
                catch_up(fold, past)
                self._others[fold.name] = fold
            except Exception as error:
                self._failed.append((fold.name, error))

    def fold(self, events: Sequence[Recorded]) -> None:
        """Let each of them take in committed events, in their order, the state first."""
        self._state.fold(events)
        for name, fold in list(self._others.items()):
            try:
                fold.fold(events)
            except Exception as error:
                self._drop(name, error)

    def images(self) -> Mapping[str, bytes]:
        """The image of each, by name, for a snapshot."""
        images = {self._state.name: self._state.image()}
        for name, fold in list(self._others.items()):
            try:
                images[name] = _as_bytes(fold.image())
            except Exception as error:
                self._drop(name, error)
        return images

    def take_failed(self) -> Sequence[tuple[str, Exception]]:
        """The folds that were dropped since the last time, by name, and what each raised."""
        failed, self._failed = self._failed, []
        return failed

    def _drop(self, name: str, error: Exception) -> None:
        del self._others[name]
        self._failed.append((name, error))


def _as_bytes(image: object) -> bytes:
    if not isinstance(image, bytes):
        raise TypeError(f"its image is {type(image).__name__}, not bytes")
    return image
