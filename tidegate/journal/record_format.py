"""The record of a commit: all its events and new signals, in bytes.

A record is MessagePack: the time of its first item, its new signals, its events. Everything in it is positional, so
that no name is written: fields may be added at the end, with a default, and records without them are still read. What
an older program could misread needs another `VERSION`; it refuses those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, asdict, astuple, fields

from tidegate.domain.events import KINDS, Body

__all__ = ["CODES", "VERSION", "CommitRecord", "StoredSignal", "decode", "encode", "hash_of", "restore"]

VERSION = 1
HASH_BYTES = 16

CODES = {
    "accepted": 1,
    "refused": 2,
    "redelivered": 3,
    "superseded": 4,
    "expired": 5,
    "intent": 6,
    "placed": 7,
    "deferred": 8,
    "failed": 9,
    "unknown": 10,
    "parked": 11,
    "reopened": 12,
    "adopted": 13,
    "filled": 14,
    "order_changed": 15,
    "started": 16,
    "stopped": 17,
    "halted": 18,
    "resumed": 19,
    "ignored": 20,
    "turned_away": 21,
    "incident": 22,
    "differed": 23,
    "gap": 24,
    "funded": 25,
    "balances_synced": 26,
    "banned": 27,
}
"""The number of each kind of event in a record. It never changes, and no other kind ever gets it."""


def hash_of(previous: bytes, position: int, version: int, body: bytes) -> bytes:
    """The hash of a record, from that of its predecessor (none: empty), its own place, and its bytes."""
    hasher = blake2b(previous, digest_size=HASH_BYTES, person=b"commit")
    hasher.update(b"%d %d " % (position, version))
    hasher.update(body)
    return hasher.digest()


def _stored(kind: object) -> object:
    """A type with structs in it that are arrays."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _array_of(kind)
    if not (arguments := get_args(kind)):
        return kind
    inner, origin = tuple(map(_stored, arguments)), get_origin(kind)
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # type: ignore[index]  # noqa: UP007


def _default(field: FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.default is msgspec.NODEFAULT else msgspec.field(default=field.default)


def _array_of(struct: type[Struct]) -> type[Struct]:
    """The same struct, in bytes an array: its fields in their order."""
    own = [(field.name, _stored(field.type), _default(field)) for field in fields(struct)]
    return msgspec.defstruct(struct.__name__, own, array_like=True, kw_only=True, frozen=True, gc=False)


_ARRAYS = {code: _array_of(KINDS[kind]) for kind, code in CODES.items()}


class _Codes(dict[type, int]):
    def __missing__(self, body: type) -> int:
        raise TypeError(f"{body.__name__} is unsupported: it is no kind of event")


_KIND_OF = {code: KINDS[kind] for kind, code in CODES.items()}
_CODE_OF = _Codes({KINDS[kind]: code for kind, code in CODES.items()})


def _flattener(kind: object) -> Callable[[Any], object] | None:
    """What makes arrays of the structs in a value of a type, None where there are none."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return astuple
    inner = next((flat for argument in get_args(kind) if (flat := _flattener(argument))), None)
    if inner is None or get_origin(kind) in (Union, UnionType):
        return inner
    if get_origin(kind) is dict:
        return lambda named: {name: inner(value) for name, value in named.items()}
    return lambda values: [inner(value) for value in values]


_DEEP = {
    body: deep
    for body in KINDS.values()
    if (deep := [(at, flat) for at, field in enumerate(fields(body)) if (flat := _flattener(field.type))])
}
"""Which fields of a kind may have structs in them, and what flattens those."""


class StoredSignal(Struct, array_like=True, frozen=True, gc=False):
    """A signal that begins in a record, with its bytes as received. `content` only where it is not the id itself."""

    id: bytes
    raw: bytes
    content: bytes | None = None


class CommitRecord(Struct, array_like=True, frozen=True, gc=False):
    """All that one commit recorded. Its events have consecutive positions; the first ones of signals begin, in their
    order, the `signals`.

    Of each event: how many positions `back` its signal began (0 for the first; all the way to 0 for one of the
    pipeline), how many nanoseconds `after` the time of the record it was, the code of its kind, and its fields.
    `closed` and `reopened` are the places, from 0, of the events that closed their signal or opened it again.
    """

    at_ns: int
    signals: Sequence[StoredSignal]
    back: Sequence[int]
    after: Sequence[int]
    codes: Sequence[int]
    bodies: Sequence[msgspec.Raw]
    closed: Sequence[int] = ()
    reopened: Sequence[int] = ()


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(CommitRecord)
_BODY_DECODERS = {code: msgspec.msgpack.Decoder(array) for code, array in _ARRAYS.items()}


def encode(
    signals: Sequence[tuple[bytes, ...]],
    back: Sequence[int],
    moments: Sequence[int],
    bodies: Sequence[Body],
    closed: Sequence[int],
    reopened: Sequence[int],
) -> bytes:
    """Encode the record of a commit with these events, as columns: see `CommitRecord`. Without events there is none.

    Raises:
        Exception: one of them cannot be encoded.
    """
    if not bodies:
        return b""
    kinds = list(map(type, bodies))
    codes = list(map(_CODE_OF.__getitem__, kinds))
    values: list[Sequence[object]] = list(map(astuple, bodies))
    if not _DEEP.keys().isdisjoint(kinds):
        for at, kind in enumerate(kinds):
            if kind in _DEEP:
                values[at] = _flat(values[at], _DEEP[kind])
    at_ns = moments[0]
    return _ENCODE((at_ns, signals, back, [moment - at_ns for moment in moments], codes, values, closed, reopened))


def decode(body: bytes) -> CommitRecord:
    """Read a record.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _DECODER.decode(body)


def restore(code: int, body: bytes | msgspec.Raw) -> Body:
    """Read the body of an event of a record.

    Raises:
        KeyError: no such kind.
        msgspec.MsgspecError: it is no body of this kind.
    """
    kind, stored = _KIND_OF[code], _BODY_DECODERS[code].decode(body)
    if kind in _DEEP:
        return msgspec.convert(stored, kind, from_attributes=True)
    return kind(**asdict(stored))


def _flat(values: Sequence[object], deep: Sequence[tuple[int, Callable[[Any], object]]]) -> Sequence[object]:
    flat = list(values)
    for at, flatten in deep:
        if flat[at]:
            flat[at] = flatten(flat[at])
    return flat
