"""What a group of items comes to: the record of its commit, the rows of the tables that questions need, the answers."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from itertools import accumulate, islice
from operator import sub
from typing import TypeAlias

from tidegate.domain.events import Adopted, Intent, Placed, Recorded, Refused, Reopened
from tidegate.domain.ports import Committed, Conflict, Item, ItemRefused, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.journal.record_format import encode
from tidegate.journal.sqlite_schema import BLOCK_BITS, SEGMENT_BITS, name_hash

__all__ = ["GroupRows", "Known", "rows_of", "rows_without_known"]

_MOMENT_MAX_NS = 2**63
_BLOCK = (1 << BLOCK_BITS) - 1
_NOT_BY_KEY = (Reason.CONFLICT, Reason.MALFORMED)
_NAMING = frozenset({Intent, Placed, Reopened, Adopted})

Known: TypeAlias = tuple[int, bytes]
"""Of a known identity: its number and content."""


class GroupRows:
    """The rows of a group behind the position `head`, and the answers to give once they are committed.

    It is columns, since a pass over a column costs a fraction of a turn of the loop.

    Raises:
        Exception: an item cannot be encoded.
    """

    __slots__ = ("answers", "as_written", "body", "head", "identities", "is_open", "names", "senders", "touched")

    def __init__(self, items: Sequence[Item], head: int) -> None:
        sizes = [len(item.bodies) for item in items]
        one_each = sizes.count(1) == len(sizes)
        owners = items if one_each else [item for item in items for _ in item.bodies]
        bodies = [body for item in items for body in item.bodies]
        numbers = [item.number for item in owners]
        ids = [item.signal_id for item in owners]
        moments = [item.at_ns for item in owners]
        if bodies and not 0 <= min(moments) <= max(moments) < _MOMENT_MAX_NS:
            raise OverflowError(f"from {min(moments)} to {max(moments)} ns: no time that can be stored")
        touched: dict[int, int] = {}
        for number in numbers:
            if 0 < number <= head:
                block = number >> BLOCK_BITS
                touched[block] = touched.get(block, 0) | 1 << (number & _BLOCK)
        self.identities: list[bytes | int] = []
        self.as_written: list[bytes] = []
        self.is_open: dict[int, bool] = {}
        self.names: list[int] = []
        self.senders: set[str] = set()
        signals: list[tuple[bytes, ...]] = []
        closed: list[int] = []
        reopened: list[int] = []
        ends = range(len(items)) if one_each else [end - 1 for end in accumulate(sizes)]
        for item, size, last in zip(items, sizes, ends, strict=True):
            if item.new is not None:
                first = last + 1 - size
                numbers[first : last + 1] = [head + 1 + first] * size
                ids[first : last + 1] = [item.new.id] * size
                signals.append(self._begin(item.new, head + 1 + first, item))
            if item.done or item.reopens:
                self.is_open[numbers[last]] = not item.done
                (closed if item.done else reopened).append(last)
        self.head = head + len(bodies)
        positions = range(head + 1, self.head + 1)
        kinds = list(map(type, bodies))
        if not _NAMING.isdisjoint(kinds):
            for position, number, kind, body in zip(positions, numbers, kinds, bodies, strict=True):
                if kind is Intent:
                    self.names += (position >> SEGMENT_BITS, name_hash(body.client_order_id), number)  # type: ignore[union-attr]
                elif kind in _NAMING:
                    for name in _names_in(body):  # type: ignore[arg-type]
                        self.names += (position >> SEGMENT_BITS, name_hash(name), number)
        self.body = encode(signals, list(map(sub, positions, numbers)), moments, bodies, closed, reopened)
        self.touched = [value for block, each in touched.items() for value in (block, self.head, each)]
        recorded = map(Recorded, positions, numbers, ids, moments, bodies)
        together = zip(recorded) if one_each else (tuple(islice(recorded, size)) for size in sizes)
        self.answers: list[Committed | Conflict | ItemRefused] = list(map(Committed, together))

    def _begin(self, new: NewSignal | Signal, number: int, item: Item) -> tuple[bytes, ...]:
        """Note a new signal; gives it as it is stored."""
        content, key, first = new.content, bytes.fromhex(new.id), item.bodies[0]
        if new.as_written:
            self.as_written.append(new.as_written)
        self.identities += (key, number)
        if new.key is not None:
            if type(first) is Refused and first.reason in _NOT_BY_KEY:
                self.names += (number >> SEGMENT_BITS, name_hash(new.key), number)
            else:
                self.senders.add(new.source)
        if not item.done:
            self.is_open[number] = True
        return (key, new.raw) if content == key else (key, new.raw, content)


def rows_of(items: Sequence[Item], head: int) -> GroupRows:
    """The rows of a group. Where it cannot be encoded, the items that cannot be are refused, and the others written."""
    try:
        return GroupRows(items, head)
    except Exception:
        return _without(items, head, {place: no for place, item in enumerate(items) if (no := _refused(item))})


def rows_without_known(items: Sequence[Item], head: int, known: MutableMapping[bytes, Known]) -> GroupRows:
    """The rows of a group, some of whose identities are `known`: what carries one of them, or one that another item of
    the group carries, is answered with a conflict."""
    conflicts: dict[int, Conflict | ItemRefused] = {}
    position = head
    for place, item in enumerate(items):
        new = item.new
        if refused := _refused(item):
            conflicts[place] = refused
            continue
        if new is not None:
            key = bytes.fromhex(new.id)
            if taken := known.get(key) or known.get(new.as_written):
                conflicts[place] = Conflict(taken[0], taken[1] in (new.content, new.as_written))
                continue
            known[key] = position + 1, new.content
        position += len(item.bodies)
    return _without(items, head, conflicts)


def _without(items: Sequence[Item], head: int, left_out: Mapping[int, Conflict | ItemRefused]) -> GroupRows:
    rows = GroupRows([item for place, item in enumerate(items) if place not in left_out], head)
    answers = iter(rows.answers)
    rows.answers = [left_out.get(place) or next(answers) for place in range(len(items))]
    return rows


def _refused(item: Item) -> ItemRefused | None:
    try:
        GroupRows([item], 0)
    except Exception as error:  # it concerns this item alone
        return ItemRefused(ascii(error))
    return None


def _names_in(body: Intent | Placed | Reopened | Adopted) -> Sequence[str]:
    """The names that an event gives its signal, where no others lead there: a venue's id may have ours in it."""
    ours = body.client_order_id
    if isinstance(body, Intent):
        return (ours,)
    theirs = () if ours in body.venue_order_id else (body.venue_order_id,)
    return (ours, *theirs) if type(body) is Adopted else theirs
