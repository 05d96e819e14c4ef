"""What a group of items comes to: the record of its commit, the rows of the tables that questions need, the answers."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from itertools import islice
from operator import sub
from typing import TypeAlias

from tidegate.domain.events import Adopted, Body, Intent, Placed, Recorded, Refused, Reopened
from tidegate.domain.ports import Committed, Conflict, Item, ItemRefused
from tidegate.domain.reasons import Reason
from tidegate.journal.record_format import encode
from tidegate.journal.sqlite_schema import BLOCK_BITS, SEGMENT_BITS, name_hash

__all__ = ["GroupRows", "Known", "rows_of"]

_MOMENT_MAX_NS = 2**63
_BLOCK = (1 << BLOCK_BITS) - 1
_NOT_BY_KEY = (Reason.CONFLICT, Reason.MALFORMED)
_NAMING = frozenset({Intent, Placed, Reopened, Adopted})

Known: TypeAlias = tuple[int, bytes]
"""Of a known identity: its number and content."""


class GroupRows:
    """The rows of a group behind the position `head`, and the answers to give once they are committed.

    With `known`, the identities that are taken, an item that carries one of them is answered with a conflict, and those
    of the group itself are added to it. Without, none is looked for. It is columns, since a pass over a column costs a
    fraction of a turn of the loop.

    Raises:
        Exception: an item cannot be encoded.
    """

    __slots__ = ("answers", "as_written", "body", "head", "identities", "is_open", "names", "senders", "touched")

    def __init__(self, items: Sequence[Item], head: int, known: MutableMapping[bytes, Known] | None = None) -> None:
        self.identities: list[bytes | int] = []
        self.as_written: list[bytes] = []
        self.is_open: dict[int, bool] = {}
        self.names: list[int] = []
        self.senders: set[str] = set()
        identities, is_open, names, senders = self.identities, self.is_open, self.names, self.senders
        bodies: list[Body] = []
        numbers: list[int] = []
        ids: list[str] = []
        moments: list[int] = []
        signals: list[tuple[bytes, ...]] = []
        closed: list[int] = []
        reopened: list[int] = []
        touched: dict[int, int] = {}
        conflicts: dict[int, Conflict] = {}
        one_each = True
        for place, item in enumerate(items):
            number, signal_id, new, own, at_ns = item.number, item.signal_id, item.new, item.bodies, item.at_ns
            if new is not None:
                number, signal_id, content, key = head + 1 + len(bodies), new.id, new.content, bytes.fromhex(new.id)
                if known is not None:
                    if taken := known.get(key) or known.get(new.as_written):
                        conflicts[place] = Conflict(taken[0], taken[1] in (content, new.as_written))
                        continue
                    known[key] = number, content
                if new.as_written:
                    self.as_written.append(new.as_written)
                identities += (key, number)
                signals.append((key, new.raw) if content == key else (key, new.raw, content))
                if new.key is not None:
                    if type(own[0]) is Refused and own[0].reason in _NOT_BY_KEY:
                        names += (number >> SEGMENT_BITS, name_hash(new.key), number)
                    else:
                        senders.add(new.source)
                if not item.done:
                    is_open[number] = True
            elif 0 < number <= head:
                block = number >> BLOCK_BITS
                touched[block] = touched.get(block, 0) | 1 << (number & _BLOCK)
            for body in own:
                bodies.append(body)
                numbers.append(number)
                ids.append(signal_id)
                moments.append(at_ns)
            if len(own) != 1:
                one_each = False
            if item.done or item.reopens:
                is_open[number] = not item.done
                (closed if item.done else reopened).append(len(bodies) - 1)
        self.head = head + len(bodies)
        positions = range(head + 1, self.head + 1)
        if bodies and not 0 <= min(moments) <= max(moments) < _MOMENT_MAX_NS:
            raise OverflowError(f"from {min(moments)} to {max(moments)} ns: no time that can be stored")
        if not _NAMING.isdisjoint(map(type, bodies)):
            for position, number, body in zip(positions, numbers, bodies, strict=True):
                if type(body) in _NAMING:
                    for name in _names_in(body):  # type: ignore[arg-type]
                        names += (position >> SEGMENT_BITS, name_hash(name), number)
        self.body = encode(signals, list(map(sub, positions, numbers)), moments, bodies, closed, reopened)
        self.touched = [value for block, each in touched.items() for value in (block, self.head, each)]
        recorded = map(Recorded, positions, numbers, ids, moments, bodies)
        self.answers: list[Committed | Conflict | ItemRefused]
        if one_each and not conflicts:
            self.answers = list(map(Committed, zip(recorded)))
        else:
            self.answers = [
                conflicts.get(place) or Committed(tuple(islice(recorded, len(item.bodies))))
                for place, item in enumerate(items)
            ]


def rows_of(items: Sequence[Item], head: int, known: MutableMapping[bytes, Known] | None = None) -> GroupRows:
    """The rows of a group. Where it cannot be encoded, the items that cannot be are refused, and the others written."""
    try:
        return GroupRows(items, head, known)
    except Exception:
        refused = [_refused(item) for item in items]
        rows = GroupRows([item for item, no in zip(items, refused, strict=True) if no is None], head, known)
        answers = iter(rows.answers)
        rows.answers = [no or next(answers) for no in refused]
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
