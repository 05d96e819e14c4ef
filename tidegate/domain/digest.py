"""The digest of what happened: the same for the same signals, orders and fills, however they were committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b, sha256

from tidegate.domain.events import Recorded, encode_body, kind_of

__all__ = ["digest_of"]


def digest_of(events: Iterable[Recorded]) -> str:
    """SHA-256, in hex, over what was recorded of signals: accepted, refused, sent, placed, filled and all the others.

    Each event counts with its time, its signal, its number within the signal and its body, sorted in this order:
    positions and the bounds of commits make no difference, and what belongs to the pipeline as a whole is left out.
    Memory: about a hundred bytes for each event, and a number for each signal.
    """
    numbers: Counter[str] = Counter()
    entries: list[bytes] = []
    for event in events:
        if not event.number:
            continue
        signal_id = event.signal_id
        body = blake2b(encode_body(event.body), digest_size=16, person=kind_of(event.body).encode()).digest()
        place = event.at_ns.to_bytes(8, "big") + bytes.fromhex(signal_id) + numbers[signal_id].to_bytes(4, "big")
        numbers[signal_id] += 1
        entries.append(place + body)
    entries.sort()
    return sha256(b"".join(entries)).hexdigest()
