"""The digest of what happened: the same for the same signals, orders and fills, however they were committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b, sha256

from tidegate.domain.events import Filled, OrderChanged, Recorded, encode_body, kind_of

__all__ = ["digest_of"]

_HASHED_AS = {Filled: b"fill", OrderChanged: b"order"}
"""Kinds that were renamed after digests of them had been published: they are still hashed under their first name."""


def digest_of(events: Iterable[Recorded]) -> str:
    """SHA-256, in hex, over all events of signals.

    Each event counts with its time, its signal, its number within the signal and its body, sorted in this order.
    Positions and the bounds of commits make no difference; events of the pipeline as a whole are left out.
    Memory: about a hundred bytes for each event, and a number for each signal.
    """
    numbers: Counter[str] = Counter()
    entries: list[bytes] = []
    for event in events:
        if not event.number:
            continue
        signal_id = event.signal_id
        body = event.body
        name = _HASHED_AS.get(type(body)) or kind_of(body).encode()
        content = blake2b(encode_body(body), digest_size=16, person=name).digest()
        place = event.at_ns.to_bytes(8, "big") + bytes.fromhex(signal_id) + numbers[signal_id].to_bytes(4, "big")
        numbers[signal_id] += 1
        entries.append(place + content)
    entries.sort()
    return sha256(b"".join(entries)).hexdigest()
