"""Reading a journal on SQLite."""

from __future__ import annotations

import re
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidegate.domain.errors import JournalRefused
from tidegate.domain.events import Recorded, encode_body, kind_of
from tidegate.domain.identity import SIGNAL_ID_BYTES, keyed_id
from tidegate.domain.moment import exact_iso_of
from tidegate.domain.ports import SignalHistory, Snapshot
from tidegate.journal.commit import Commit
from tidegate.journal.older_journals import converted, is_current
from tidegate.journal.search import search
from tidegate.journal.sqlite_file import connect, path_of
from tidegate.journal.sqlite_schema import BLOCK_BITS, SEGMENT_BITS, name_hash

__all__ = ["COMMITS", "SqliteReader"]

_ASK_AT_ONCE = 500
_COMMITS_KEPT = 8
_IDS_KEPT = 65_536
_LONGEST_NAME = 256
_OF_OURS = re.compile("(?=([0-9a-f]{18}))")
_BLOCK = (1 << BLOCK_BITS) - 1
COMMITS = """
SELECT position, version, hash, body, coalesce(
    (SELECT hash FROM commits AS former WHERE former.position < commits.position ORDER BY position DESC LIMIT 1), x''
) FROM commits"""
"""Records, each with the hash of the one before it: what a `Commit` is made of."""


_UNREADABLE = (
    "the journal cannot be read ({error}): if it is damaged, restore it from a backup together with its -wal file, or "
    "move it away to begin a new one"
)


class SqliteReader:
    """Reads a journal, also while another process writes it. Satisfies `tidegate.domain.ports.JournalReader`.

    Every record is checked against its hash when it is read. Memory: the last few commits that were read.

    Raises:
        JournalRefused: there is none, or it cannot be read by this program; also later, of a record that is damaged.
    """

    def __init__(self, url: str) -> None:
        path = path_of(url)
        connection = connect(path, mode=None)
        self._read_from(connection if is_current(connection) else converted(connection))

    def _read_from(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._forget()

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        ((position,),) = self._rows("SELECT coalesce(max(position), 0) FROM commits")
        return int(position)

    def mode(self) -> str:
        """What it is a journal of: paper, live, replay."""
        ((mode,),) = self._rows("SELECT value FROM meta WHERE name = 'mode'")
        return str(mode)

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest image of each part of the state."""
        rows = self._rows("SELECT part, position, image FROM snapshot")
        return {part: Snapshot(position, image) for part, position, image in rows}

    def read(self, after: int = 0) -> Iterator[Recorded]:
        """The events behind a position, oldest first. Memory: one commit at a time."""
        for commit in self._commits("WHERE position > ? ORDER BY position", after):
            yield from commit.events(self._id_of, after)

    def events(self, after: int = 0) -> Iterator[dict[str, int | str]]:
        """The events behind a position as plain rows: see `tidegate.domain.ports.JournalReader`."""
        for event in self.read(after):
            yield {
                "position": event.position,
                "number": event.number,
                "signal_id": event.signal_id,
                "at": exact_iso_of(event.at_ns),
                "kind": kind_of(event.body),
                "body": encode_body(event.body).decode(),
            }

    def open(self) -> Iterator[SignalHistory]:
        """The signals that are not done, oldest first, each with its whole life."""
        for (number,) in self._rows("SELECT number FROM open_signal ORDER BY number"):
            yield self.history(number)

    def histories(self) -> Iterator[SignalHistory]:
        """Every signal with its whole life, oldest first. Memory: a few commits at a time."""
        for commit in self._commits("ORDER BY position"):
            yield from map(self.history, commit.signals)

    def received_since(self, at_ns: int) -> Iterator[SignalHistory]:
        """The signals received at `at_ns` or later, newest first, each with its whole life. Memory: as `histories`."""
        for commit in self._commits("ORDER BY position DESC"):
            for history in map(self.history, reversed(commit.signals)):
                if history.events[0].at_ns < at_ns:
                    return
                yield history

    def history(self, number: int) -> SignalHistory:
        """One signal with its whole life.

        Raises:
            KeyError: there is no such signal.
        """
        first = self._commit_with(number)
        signal = first.signals[number]
        signal_id = signal.id.hex()
        events = [*first.events_of(number, signal_id)]
        asked = "SELECT position FROM touched WHERE block = ? AND numbers & ? ORDER BY position"
        where = number >> BLOCK_BITS, 1 << (number & _BLOCK)
        for (position,) in list(self._rows(asked, where)):
            events += self._commit_with(position).events_of(number, signal_id)
        return SignalHistory(number, signal_id, first.content_of(number), signal.raw, tuple(events))

    def history_of_order(self, order_id: str) -> SignalHistory | None:
        """The signal that has an order of this id, ours or the venue's; None where none has.

        The sooner found, the newer it is: a segment of history costs some microseconds.
        """
        return next((history for history in self._known_as(order_id) if _has_order(history, order_id)), None)

    def named(self, name: str) -> Iterator[SignalHistory]:
        """Every signal that may go by a name: a key, or an order's id, ours or the venue's. Memory: one at a time."""
        yield from self._known_as(name)
        senders = [sender for (sender,) in self._rows("SELECT name FROM sender")]
        numbers = self.find([keyed_id(sender, name) for sender in senders]).values()
        yield from map(self.history, sorted(numbers))

    def find_histories(self, name: str) -> Sequence[SignalHistory]:
        """The signals that go by a name: see `tidegate.domain.ports.JournalReader`.

        Raises:
            SignalNotFound: nothing goes by it, or several ids begin with it.
        """
        return search(self, name)

    def ids_from(self, prefix: str, most: int) -> Sequence[str]:
        """The ids of signals that begin with `prefix`, in hex, `most` of them at most."""
        first, last = (bytes.fromhex(prefix.ljust(2 * SIGNAL_ID_BYTES, digit)) for digit in "0f")
        asked = "SELECT id FROM identity WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
        return [key.hex() for (key,) in self._rows(asked, (first, last, most))]

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known."""
        return {key.hex(): number for key, number in self._numbers([bytes.fromhex(signal_id) for signal_id in ids])}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _numbers(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
        for start in range(0, len(keys), _ASK_AT_ONCE):
            some = keys[start : start + _ASK_AT_ONCE]
            marks = ",".join("?" * len(some))
            asked = f"SELECT id, number FROM identity WHERE id IN ({marks})"  # noqa: S608 - only question marks
            yield from self._rows(asked, some)

    def _known_as(self, name: str) -> Iterator[SignalHistory]:
        hashes = sorted({name_hash(name), *map(name_hash, _OF_OURS.findall(name[:_LONGEST_NAME]))})
        marks = ",".join("?" * len(hashes))
        of_name = f"WHERE segment = ? AND name IN ({marks})"
        asked = f"SELECT number FROM known_as {of_name} UNION SELECT number FROM known_as_young {of_name}"  # noqa: S608
        seen = set[int]()
        for segment in range(self.head() >> SEGMENT_BITS, -1, -1):
            for (number,) in list(self._rows(asked, (segment, *hashes) * 2)):
                if number not in seen:
                    seen.add(number)
                    yield self.history(number)

    def _commits(self, which: str, *values: int) -> Iterator[Commit]:
        for row in self._rows(f"{COMMITS} {which}", values):
            yield self._keep(Commit(*row))

    def _commit_with(self, position: int) -> Commit:
        """The commit that has the event at a position."""
        for commit in self._kept:
            if commit.first <= position <= commit.position:
                return commit
        return self._keep(self._read_commit(position))

    def _read_commit(self, position: int) -> Commit:
        for row in self._rows(f"{COMMITS} WHERE position >= ? ORDER BY position LIMIT 1", (position,)):
            return Commit(*row)
        raise KeyError(position)

    def _rows(self, asked: str, values: Sequence[object] = ()) -> Iterator[Any]:
        try:
            for row in self._connection.execute(asked, values):  # noqa: UP028 - `yield from` would close a closed cursor
                yield row
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise JournalRefused(_UNREADABLE.format(error=error)) from error

    def _keep(self, commit: Commit) -> Commit:
        self._kept.append(commit)
        if len(self._ids) > _IDS_KEPT:
            self._ids.clear()
        self._ids.update((number, signal.id.hex()) for number, signal in commit.signals.items())
        return commit

    def _id_of(self, number: int) -> str:
        return self._ids.get(number) or self._commit_with(number).signals[number].id.hex()

    def _forget(self) -> None:
        """Read everything from the file again."""
        self._kept = deque[Commit](maxlen=_COMMITS_KEPT)
        self._ids: dict[int, str] = {}


def _has_order(history: SignalHistory, order_id: str) -> bool:
    return any(
        order_id in (getattr(event.body, "client_order_id", None), getattr(event.body, "venue_order_id", None))
        for event in history.events
    )
