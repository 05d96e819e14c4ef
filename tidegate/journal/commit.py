"""A commit, as it is read back from its record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from tidegate.domain.errors import JournalRefused
from tidegate.domain.events import Recorded
from tidegate.journal.record_format import VERSION, decode, hash_of, restore

__all__ = ["Commit"]

_NEWER = (
    "the record at position {position} of the journal has version {version}, this program knows {known}: run the newer "
    "program that wrote it"
)
_UNKNOWN = (
    "the event at position {position} of the journal is of no kind that this program knows ({error}): run the newer "
    "program that wrote it"
)
_DAMAGED = (
    "the record at position {position} of the journal is damaged or was changed ({error}). Restore the journal from a "
    "backup together with its -wal file, or move it away to begin a new one; `report --verify` lists what is damaged"
)


class Commit:
    """The events of a commit, whose last one has this `position`, and the signals that begin in it, by number."""

    __slots__ = ("_numbers", "_of_number", "_record", "first", "position", "signals")

    def __init__(self, position: int, version: int, hashed: bytes, body: bytes, previous: bytes) -> None:
        """
        Raises:
            JournalRefused: it is damaged, or a newer program wrote it.
        """
        if version > VERSION:
            raise JournalRefused(_NEWER.format(position=position, version=version, known=VERSION))
        try:
            if hash_of(previous, position, version, body) != hashed:
                raise msgspec.DecodeError("its hash does not match")
            record = decode(body)
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise JournalRefused(_DAMAGED.format(position=position, error=error)) from error
        self.position, self.first = position, position - len(record.codes) + 1
        self._record = record
        self._numbers = [self.first + at - back for at, back in enumerate(record.back)]
        self._of_number = defaultdict[int, list[int]](list)
        for at, number in enumerate(self._numbers):
            self._of_number[number].append(at)
        begun = (number for number, back in zip(self._numbers, record.back, strict=True) if not back)
        self.signals = dict(zip(begun, record.signals, strict=True))

    def events(self, id_of: Callable[[int], str], after: int = 0) -> Iterator[Recorded]:
        """The events behind a position, in their order. `id_of` gives the id of a signal by its number."""
        for at in range(max(0, after + 1 - self.first), len(self._numbers)):
            number = self._numbers[at]
            yield self._event(at, id_of(number) if number else "")

    def events_of(self, number: int, signal_id: str) -> Iterator[Recorded]:
        """The events of one signal, in their order."""
        for at in self._of_number.get(number, ()):
            yield self._event(at, signal_id)

    def content_of(self, number: int) -> bytes:
        """The hash of what a signal says that begins here."""
        signal = self.signals[number]
        return signal.id if signal.content is None else signal.content

    def _event(self, at: int, signal_id: str) -> Recorded:
        record = self._record
        try:
            body = restore(record.codes[at], record.bodies[at])
        except (KeyError, msgspec.MsgspecError) as error:  # its hash is right, so that was meant
            raise JournalRefused(_UNKNOWN.format(position=self.first + at, error=error)) from error
        return Recorded(self.first + at, self._numbers[at], signal_id, record.at_ns + record.after[at], body)
