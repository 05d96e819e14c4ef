"""The journal on SQLite: write-ahead log, one writer, every commit on the disk before it is believed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tidegate.domain.errors import JournalRefused, JournalUnavailable
from tidegate.domain.events import (
    Adopted,
    Body,
    Intent,
    Placed,
    Recorded,
    Refused,
    Reopened,
    encode_body,
    kind_of,
)
from tidegate.domain.identity import SIGNAL_ID_BYTES, keyed_id
from tidegate.domain.ports import CommitResults, Committed, Conflict, Item, ItemRefused, SignalHistory, Snapshot
from tidegate.domain.reasons import Reason
from tidegate.domain.text import encodable
from tidegate.files.disk_space import full_disk
from tidegate.journal.older_events import decode_any
from tidegate.journal.search import search
from tidegate.journal.sqlite_file import connect, is_full, path_of
from tidegate.journal.sqlite_lock import Lock
from tidegate.journal.sqlite_schema import SCHEMA_VERSION, name_hash, segment_of

__all__ = ["SqliteJournal", "SqliteReader"]

_ASK_AT_ONCE = 500
_FEW = 32
_FULL = 2
_MOMENT_MAX_NS = 2**63
_SWITCH_S = 0.0005  # how long the writing thread waits for a busy loop, after each of its few statements
_VALUES_AT_ONCE = 32_000
_SENDERS_REMEMBERED = 1024
_LONGEST_NAME = 256
_OF_OURS = re.compile("(?=([0-9a-f]{18}))")
_NAMING = (Intent, Placed, Reopened, Adopted)
_EVENTS = "SELECT position, event.number, lower(hex(id)), at_ns, kind, body FROM event LEFT JOIN signal USING (number)"


def _event(row: tuple[int, int, str, int, str, str]) -> Recorded:
    position, number, signal_id, at_ns, kind, body = row
    return Recorded(position, number, signal_id or "", at_ns, decode_any(kind, body.encode()))


class SqliteReader:
    """Reads a journal, also while another process writes it. Satisfies `tidegate.domain.ports.JournalReader`.

    Raises:
        JournalRefused: there is none, or it cannot be read by this program.
    """

    def __init__(self, url: str) -> None:
        self._connection = connect(path_of(url), mode=None)
        (self._version,) = self._connection.execute("PRAGMA user_version").fetchone()

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        (position,) = self._connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()
        return int(position)

    def mode(self) -> str:
        """What it is a journal of: paper, live, replay."""
        (mode,) = self._connection.execute("SELECT value FROM meta WHERE name = 'mode'").fetchone()
        return str(mode)

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest image of each part of the state."""
        rows = self._connection.execute("SELECT part, position, image FROM snapshot")
        return {part: Snapshot(position, image) for part, position, image in rows}

    def open(self) -> Iterator[SignalHistory]:
        """The signals that are not done, oldest first, each with its whole life."""
        for row in self._connection.execute(
            "SELECT number, id, content, raw FROM signal WHERE done = 0 ORDER BY number"
        ):
            yield self._history(row)

    def read(self, after: int = 0) -> Iterator[Recorded]:
        """The events behind a position, oldest first. Memory: one at a time."""
        return map(_event, self._connection.execute(f"{_EVENTS} WHERE position > ? ORDER BY position", (after,)))

    def histories(self) -> Iterator[SignalHistory]:
        """Every signal with its whole life, oldest first. Memory: one at a time."""
        for row in self._connection.execute("SELECT number, id, content, raw FROM signal ORDER BY number"):
            yield self._history(row)

    def received_since(self, at_ns: int) -> Iterator[SignalHistory]:
        """The signals received at `at_ns` or later, newest first, each with its whole life. Memory: one at a time."""
        for row in self._connection.execute("SELECT number, id, content, raw FROM signal ORDER BY number DESC"):
            history = self._history(row)
            if history.events[0].at_ns < at_ns:
                return
            yield history

    def history(self, number: int) -> SignalHistory:
        """One signal with its whole life.

        Raises:
            KeyError: there is no such signal.
        """
        asked = "SELECT number, id, content, raw FROM signal WHERE number = ?"
        row = self._connection.execute(asked, (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        return self._history(row)

    def history_of_order(self, order_id: str) -> SignalHistory | None:
        """The signal that has an order of this id, ours or the venue's; None where none has.

        The sooner found, the newer it is: a segment of history costs some microseconds.
        """
        return next((history for history in self._known_as(order_id) if _has_order(history, order_id)), None)

    def named(self, name: str) -> Iterator[SignalHistory]:
        """Every signal that may go by a name: a key, or an order's id, ours or the venue's. In a journal of schema
        version 1 that is all of them. Memory: one at a time."""
        if self._version == 1:
            yield from self.histories()
            return
        yield from self._known_as(name)
        senders = [sender for (sender,) in self._connection.execute("SELECT name FROM sender")]
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
        asked = "SELECT id FROM signal WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
        return [key.hex() for (key,) in self._connection.execute(asked, (first, last, most))]

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known."""
        keys = [bytes.fromhex(signal_id) for signal_id in ids]
        return {key.hex(): number for key, (number, _) in self._known(keys).items()}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _known_as(self, name: str) -> Iterator[SignalHistory]:
        if self._version == 1:
            yield from self.histories()
            return
        hashes = sorted({name_hash(name), *map(name_hash, _OF_OURS.findall(name[:_LONGEST_NAME]))})
        marks = ",".join("?" * len(hashes))
        asked = f"SELECT DISTINCT number FROM known_as WHERE segment = ? AND name IN ({marks})"  # noqa: S608 - no text
        seen = set[int]()
        for segment in range(segment_of(self.head()), -1, -1):
            for (number,) in self._connection.execute(asked, (segment, *hashes)).fetchall():
                if number not in seen:
                    seen.add(number)
                    yield self.history(number)

    def _history(self, row: tuple[int, bytes, bytes, bytes]) -> SignalHistory:
        number, key, content, raw = row
        asked = f"{_EVENTS} WHERE event.number = ? AND event.number > 0 ORDER BY position"  # so that event_of serves it
        events = self._connection.execute(asked, (number,))
        return SignalHistory(number, key.hex(), content, raw, tuple(map(_event, events)))

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        known: dict[bytes, tuple[int, bytes]] = {}
        for start in range(0, len(keys), _ASK_AT_ONCE):
            some = keys[start : start + _ASK_AT_ONCE]
            marks = ",".join("?" * len(some))
            asked = f"SELECT id, number, content FROM signal WHERE id IN ({marks})"  # noqa: S608 - only question marks
            rows = self._connection.execute(asked, some)
            known.update((key, (number, content)) for key, number, content in rows)
        return known


def _encoded(item: Item) -> Sequence[str]:
    """The bodies of an item as they are written.

    Raises:
        Exception: one of them cannot be, or the item's time is none.
    """
    if not 0 <= item.at_ns < _MOMENT_MAX_NS:
        raise OverflowError(f"{item.at_ns} ns is no time that can be stored")
    return [encode_body(body).decode() for body in item.bodies]


def _has_order(history: SignalHistory, order_id: str) -> bool:
    return any(
        order_id in (getattr(event.body, "client_order_id", None), getattr(event.body, "venue_order_id", None))
        for event in history.events
    )


def _id_follows(first: Body) -> bool:
    """Whether a signal's id follows from its source and key: not for lines that only look like another signal."""
    return type(first) is not Refused or first.reason not in (Reason.CONFLICT, Reason.MALFORMED)


def _names_in(body: Intent | Placed | Reopened | Adopted) -> Iterator[str]:
    """The names that an event gives its signal, where no others lead there: a venue's id may have ours in it."""
    if type(body) is Intent or type(body) is Adopted:
        yield body.client_order_id
    if isinstance(body, Placed | Reopened | Adopted) and body.client_order_id not in body.venue_order_id:
        yield body.venue_order_id


class _Rows:
    """What a batch comes to, as flat lists of values, and the answers to give once it is committed."""

    __slots__ = ("answers", "done", "events", "head", "ids", "names", "reopened", "senders", "signals")

    def __init__(self, items: Sequence[Item], head: int, known: Mapping[bytes, tuple[int, bytes]]) -> None:
        self.signals: list[object] = []
        self.events: list[object] = []
        self.done: list[object] = []
        self.reopened: list[object] = []
        self.ids: list[bytes] = []
        self.names: list[object] = []
        self.senders: set[str] = set()
        self.answers: list[Committed | Conflict | ItemRefused] = []
        within: dict[bytes, tuple[int, bytes]] = {}
        signals, events, answers = self.signals, self.events, self.answers
        for item in items:
            number, signal_id, at_ns, new = item.number, item.signal_id, item.at_ns, item.new
            try:
                bodies = _encoded(item)
            except Exception as error:  # it concerns this item alone
                answers.append(ItemRefused(ascii(error)))
                continue
            if new is not None:
                key = bytes.fromhex(new.id)
                taken = known.get(key) or within.get(key) or (known.get(new.as_written) if new.as_written else None)
                if taken is not None:
                    answers.append(Conflict(taken[0], taken[1] in (new.content, new.as_written)))
                    continue
                number, signal_id = head + 1, new.id
                within[key] = (number, new.content)
                self.ids.append(key)
                if new.as_written:
                    self.ids.append(new.as_written)
                signals += (number, key, new.content, new.raw, item.done)
                if new.key is not None:
                    if _id_follows(item.bodies[0]):
                        self.senders.add(encodable(new.source))
                    else:
                        self.names += (segment_of(number), name_hash(new.key), number)
            elif item.done:
                self.done.append(number)
            elif item.reopens:
                self.reopened.append(number)
            recorded = []
            for body, encoded in zip(item.bodies, bodies, strict=True):
                head += 1
                events += (head, number, at_ns, kind_of(body), encoded)
                recorded.append(Recorded(head, number, signal_id, at_ns, body))
                if isinstance(body, _NAMING):
                    for name in _names_in(body):
                        self.names += (segment_of(head), name_hash(name), number)
            answers.append(Committed(tuple(recorded)))
        self.head = head


class SqliteJournal(SqliteReader):
    """Writes a journal, alone. Satisfies `tidegate.domain.ports.Journal`.

    A large batch is committed by a thread of its own, while the loop continues: it goes to SQLite in few statements of
    many rows, each worked through without the interpreter's lock. A small one is over before a thread had begun.
    With `batches_together` above 1 only every so many batches reach the file, the last ones on `close`: for replays,
    which start over when they die.

    Raises:
        JournalRefused: another process writes it, or it must not be written: see `connect`.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: str,
        synchronous: str = "full",
        batches_together: int = 1,
        world: str | None = None,
    ) -> None:
        self._path = path = path_of(url)
        self._lock = Lock(path)
        try:
            self._connection = connect(path, mode=mode, synchronous=synchronous, world=world)
        except BaseException:
            self._lock.give_up()
            raise
        self._version, self._senders = SCHEMA_VERSION, set[str]()
        self._head = super().head()
        self._batches_together, self._batches_open = batches_together, 0
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        return self._head

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> CommitResults:
        """Commit a batch of independent items in one transaction, and answer for each. One call at a time.

        Raises:
            JournalUnavailable: nothing was written: the disk is full or fails, or the file is locked.
        """
        rows = _Rows(items, self._head, {})
        if len(items) <= _FEW:
            rows = self._commit(rows, items, snapshots)
        else:
            loop = asyncio.get_running_loop()
            rows = await loop.run_in_executor(self._writer, self._commit, rows, items, snapshots)
        self._head = rows.head
        return rows.answers

    def close(self) -> None:
        """Close the file and let others write."""
        self._writer.shutdown()
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        super().close()
        self._lock.give_up()

    @property
    def is_durable(self) -> bool:
        """Whether what was answered as committed survives a power cut: `synchronous` is full, or more."""
        (synchronous,) = self._connection.execute("PRAGMA synchronous").fetchone()
        return int(synchronous) >= _FULL

    def copy(self) -> bytes:
        """The whole journal, as the file of one to which nothing was written since."""
        return self._connection.serialize()

    def abandon(self) -> None:
        """Let go of the file as a process does that dies: what is not committed is gone. Harmless when it is closed."""
        self._writer.shutdown()
        super().close()
        self._lock.give_up()

    def _commit(self, rows: _Rows, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> _Rows:
        execute = self._connection.execute
        try:
            if not self._connection.in_transaction:
                execute("BEGIN IMMEDIATE")
            try:
                if known := self._known(rows.ids):
                    rows = _Rows(items, self._head, known)
                self._write(rows, snapshots)
                self._batches_open += 1
                if self._batches_open >= self._batches_together:
                    execute("COMMIT")
                    self._batches_open = 0
            except BaseException:
                self._senders = set()
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            why = full_disk(self._path) if is_full(error) else str(error)
            if self._batches_together > 1:  # batches that were answered are gone as well
                raise JournalRefused(f"the journal of the replay cannot be written: {why}") from error
            raise JournalUnavailable(f"the commit failed: {why}") from error
        return rows

    def _write(self, rows: _Rows, snapshots: Mapping[str, bytes]) -> None:
        self._insert("INSERT INTO signal VALUES ", "(?,?,?,?,?)", 5, rows.signals)
        self._insert("INSERT INTO event VALUES ", "(?,?,?,?,?)", 5, rows.events)
        self._insert("INSERT OR IGNORE INTO known_as VALUES ", "(?,?,?)", 3, rows.names)
        if not rows.senders <= self._senders:
            self._insert("INSERT OR IGNORE INTO sender VALUES ", "(?)", 1, list(rows.senders))
            self._senders = rows.senders if len(self._senders) > _SENDERS_REMEMBERED else self._senders | rows.senders
        self._insert("UPDATE signal SET done = 1 WHERE number IN (", "?", 1, rows.done, ")")
        self._insert("UPDATE signal SET done = 0 WHERE number IN (", "?", 1, rows.reopened, ")")
        images = [value for part, image in snapshots.items() for value in (part, self._head, image)]
        self._insert("INSERT OR REPLACE INTO snapshot VALUES ", "(?,?,?)", 3, images)

    def _insert(self, opening: str, row: str, width: int, values: Sequence[object], closing: str = "") -> None:
        """Write all rows with one statement: a thread has to queue for the interpreter again after each."""
        at_once = _VALUES_AT_ONCE // width * width
        for start in range(0, len(values), at_once):
            some = values[start : start + at_once]
            self._connection.execute(opening + ",".join([row] * (len(some) // width)) + closing, some)
