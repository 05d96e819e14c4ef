"""Records written as the journal writes them now, one for each commit, with nothing around it."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.bare_journal import opened_bare
from tidegate.domain.events import Body
from tidegate.journal.record_format import CODES, VERSION, decode, encode, hash_of
from tidegate.journal.sqlite_schema import BLOCK_BITS, SEGMENT_BITS, TABLES
from tidegate.journal.sqlite_settling import settle

__all__ = ["BareGroups"]

_INTENT = CODES["intent"]
_BLOCK = (1 << BLOCK_BITS) - 1


class BareGroups:
    """The journal's file, new or not, its tables and durability, written by a caller that knows the events already."""

    def __init__(self, path: Path) -> None:
        self._connection = opened_bare(
            path,
            TABLES.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").replace(
                "CREATE VIEW", "CREATE VIEW IF NOT EXISTS"
            ),
        )
        last = self._connection.execute("SELECT position, hash FROM commits ORDER BY position DESC LIMIT 1").fetchone()
        self._position: int = last[0] if last else 0
        self._hash: bytes = last[1] if last else b""
        self._encode = msgspec.msgpack.Encoder().encode
        self.commits = 0

    @staticmethod
    def at_hand(body: Body) -> tuple[int, msgspec.Raw]:
        """An event's code and body, as they are written."""
        record = decode(encode((), (0,), (0,), (body,), (), ()))
        return record.codes[0], record.bodies[0].copy()

    def numbers(self, count: int) -> Sequence[int]:
        """The numbers of so many new signals, if their first events are the next ones to be written."""
        return range(self._position + 1, self._position + 1 + count)

    def commit(
        self,
        new: Iterable[tuple[int, bytes, bytes]],
        events: Iterable[tuple[int, int, msgspec.Raw]],
        done: Iterable[int] = (),
    ) -> None:
        """Write in one transaction new signals (number, key, payload), events (number, code, body), and what ended."""
        at_ns, first, new, over = time.time_ns(), self._position + 1, list(new), [(number,) for number in done]
        numbers, codes, bodies = map(list, zip(*events, strict=True))
        back = [position - number for position, number in enumerate(numbers, first)]
        last, touched = self._position + len(codes), defaultdict[int, int](int)
        for number in numbers:
            if number < first:
                touched[number >> BLOCK_BITS] |= 1 << (number & _BLOCK)
        signals = [(key, raw, key) for _, key, raw in new]
        closed = range(last - len(over), last)
        body = self._encode((at_ns, signals, back, [0] * len(codes), codes, bodies, list(closed)))
        self._hash = hash_of(self._hash, last, VERSION, body)
        salt = os.getpid()
        names = [
            (position >> SEGMENT_BITS, hash((salt, position)) & 0xFFFFFFFF, position - one)
            for position, one, code in zip(range(first, last + 1), back, codes, strict=True)
            if code == _INTENT
        ]
        execute, write = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        write("INSERT INTO identity_young VALUES (?, ?)", [(key, number) for number, key, _ in new])
        execute("INSERT INTO commits VALUES (?, ?, ?, ?)", (last, VERSION, self._hash, body))
        write("INSERT INTO touched VALUES (?, ?, ?)", [(block, last, each) for block, each in touched.items()])
        write("INSERT INTO known_as_young VALUES (?, ?, ?)", names)
        write("INSERT INTO open_signal VALUES (?)", [(number,) for number, _, _ in new])
        write("DELETE FROM open_signal WHERE number = ?", over)
        settle(self._connection, self._position, last)
        execute("COMMIT")
        self._position = last
        self.commits += 1

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
