"""The digest of what happened: the same for the same signals, orders and fills, however they were committed."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b, sha256

from tidegate.domain.events import KIND_OF, Filled, OrderChanged, Recorded, encode_body

__all__ = ["Digest", "digest_of"]

_HASHED_AS = {Filled: b"fill", OrderChanged: b"order"}
"""Kinds that were renamed after digests of them had been published: they are still hashed under their first name."""

_HASHES = {
    kind: blake2b(digest_size=16, person=_HASHED_AS.get(kind) or name.encode()) for kind, name in KIND_OF.items()
}


class Digest:
    """SHA-256, in hex, over all events of signals, as they are added.

    Each event counts with its time, its signal, its number within the signal and its body, sorted in this order.
    Positions and the bounds of commits make no difference; events of the pipeline as a whole are left out.
    Memory: about a hundred bytes for each event, and a number for each signal.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._entries: list[bytes] = []

    def add(self, events: Iterable[Recorded]) -> None:
        """Add events, those of each signal in their order."""
        numbers, add = self._numbers, self._entries.append
        for event in events:
            if event.number:
                signal_id, body = event.signal_id, event.body
                number = numbers.get(signal_id, 0)
                numbers[signal_id] = number + 1
                content = _HASHES[type(body)].copy()
                content.update(encode_body(body))
                add(
                    b"%b%b%b%b"
                    % (
                        event.at_ns.to_bytes(8, "big"),
                        bytes.fromhex(signal_id),
                        number.to_bytes(4, "big"),
                        content.digest(),
                    )
                )

    def hex(self) -> str:
        """The digest of everything added so far."""
        return sha256(b"".join(sorted(self._entries))).hexdigest()


def digest_of(events: Iterable[Recorded]) -> str:
    """The `Digest` of events, those of each signal in their order."""
    digest = Digest()
    digest.add(events)
    return digest.hex()
