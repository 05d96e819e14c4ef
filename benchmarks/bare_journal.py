"""Rows written as the journal writes them, with nothing around it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from adapters.sqlite_file import connect
from adapters.sqlite_journal import SqliteReader
from domain.events import encode_body, kind_of

__all__ = ["BareJournal", "Shape", "keys", "shape_of"]

Shape: TypeAlias = Sequence[tuple[str, str]]
"""The events of one signal in their order: kind and body."""


def shape_of(journal: Path) -> Shape:
    """The events of the first signal that was placed."""
    reader = SqliteReader(f"sqlite:///{journal}")
    try:
        for life in reader.lives():
            kinds = [kind_of(event.body) for event in life.events]
            if kinds[-1] == "placed":
                bodies = [encode_body(event.body).decode() for event in life.events]
                return list(zip(kinds, bodies, strict=True))
    finally:
        reader.close()
    raise LookupError(f"{journal} has no signal that was placed")


def keys(count: int) -> list[bytes]:
    """Identities as scattered as hashes are."""
    some = os.urandom(10 * count)
    return [some[at : at + 10] for at in range(0, 10 * count, 10)]


class BareJournal:
    """The journal's file, schema and durability, written by whoever knows the rows already."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(str(path), mode="paper", synchronous="full")
        self._position = 0

    def commit(self, new: Iterable[tuple[bytes, bytes]], then: Sequence[tuple[Iterable[int], str, str]]) -> list[int]:
        """In one transaction, new signals by key and payload, and an event for each signal of each group in `then`.

        A group is numbers, a kind and a body; a `placed` one ends its signals. The numbers of the new signals, whose
        first event is the first in `then` that has None for its numbers.
        """
        at_ns, position = time.time_ns(), self._position
        signals = [(number, key, key, raw, 0) for number, (key, raw) in enumerate(new, position + 1)]
        fresh = [row[0] for row in signals]
        events: list[tuple[int, int, int, str, str]] = []
        done: list[tuple[int]] = []
        for numbers, kind, body in then:
            for number in numbers or fresh:
                position += 1
                events.append((position, number, at_ns, kind, body))
            if kind == "placed":
                done += [(number,) for number in numbers]
        execute, write = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        write("INSERT INTO signal VALUES (?, ?, ?, ?, ?)", signals)
        write("INSERT INTO event VALUES (?, ?, ?, ?, ?)", events)
        write("UPDATE signal SET done = 1 WHERE number = ?", done)
        execute("COMMIT")
        self._position = position
        return fresh

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
