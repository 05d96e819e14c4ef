"""Events as older programs recorded them: the kinds that have another name or form today."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Struct

from tidegate.domain.events import Body, Incident, decode_body
from tidegate.domain.incident import IncidentKind

__all__ = ["decode_any"]


class _Fault(Struct):
    """What schema versions 1 and 2 recorded of everything that went wrong besides a signal."""

    where: str
    error: str


_FAULT = msgspec.json.Decoder(_Fault)


def _incident(data: bytes) -> Incident:
    fault = _FAULT.decode(data)
    return Incident.of(IncidentKind.UNCLASSIFIED, fault.where, fault.error)


_OLDER: dict[str, Callable[[bytes], Body]] = {
    "fill": partial(decode_body, "filled"),
    "order": partial(decode_body, "order_changed"),
    "counted": partial(decode_body, "balances_synced"),
    "fault": _incident,
}


def decode_any(kind: str, data: bytes) -> Body:
    """Read the body of an event that this program or an older one recorded.

    Raises:
        KeyError: no such kind, so a newer program wrote it.
        msgspec.ValidationError: the data is not a body of this kind.
    """
    older = _OLDER.get(kind)
    return decode_body(kind, data) if older is None else older(data)
