"""Moving ids and names from small tables to large ones, so that hardly ever a page is written for one row alone."""

from __future__ import annotations

import sqlite3

__all__ = ["settle"]

_YOUNG_BITS = 13
_SLICE_BITS = 10
_SLICES = 256
_BEHIND_ALL = b"\xff" * 64


def settle(connection: sqlite3.Connection, head: int, new_head: int) -> None:
    """Move on what is due after a commit that moved the head of the journal: within its transaction.

    Every 8,192 positions the young ids and names go where older ones are: a few hundred pages. Every 1,024 positions a
    256th of the older ids, all with the same first byte, goes among the old ones: at a million of these, 30 pages. It
    goes by positions alone, so that nothing has to be remembered.
    """
    execute = connection.execute
    if head >> _YOUNG_BITS < new_head >> _YOUNG_BITS:
        execute("INSERT INTO identity_older SELECT * FROM identity_young")
        execute("DELETE FROM identity_young")
        execute("INSERT OR IGNORE INTO known_as SELECT * FROM known_as_young")
        execute("DELETE FROM known_as_young")
    first, last = head >> _SLICE_BITS, new_head >> _SLICE_BITS
    for due in range(max(first, last - _SLICES), last):
        number = due % _SLICES
        ends = bytes([number]), bytes([number + 1]) if number + 1 < _SLICES else _BEHIND_ALL
        execute("INSERT INTO identity_old SELECT * FROM identity_older WHERE id >= ? AND id < ?", ends)
        execute("DELETE FROM identity_older WHERE id >= ? AND id < ?", ends)
