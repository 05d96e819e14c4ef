"""The ids of signals and of their orders. The same input gives the same id, always and everywhere.

All ids are BLAKE2b hashes (RFC 7693) of length-prefixed parts, under a name of their own kind.
"""

from __future__ import annotations

from decimal import Context, Decimal
from hashlib import blake2b

__all__ = [
    "SIGNAL_ID_BYTES",
    "by_value",
    "client_order_id",
    "conflicting_id",
    "hash_of_content",
    "installation_tag",
    "keyed_id",
]

SIGNAL_ID_BYTES = 10
"""80 bits, 20 hex characters: among a hundred million signals the chance of one collision is under one in 10^8."""


_CONTENT = blake2b(digest_size=SIGNAL_ID_BYTES, person=b"content")
_KEY = blake2b(digest_size=SIGNAL_ID_BYTES, person=b"key")
_CONFLICT = blake2b(digest_size=SIGNAL_ID_BYTES, person=b"conflict")
_INSTALLATION = blake2b(digest_size=2, person=b"installation")
_ORDER = blake2b(digest_size=7, person=b"order")
_EXACT = Context(prec=100)  # the default one would round what has more than 28 digits
_ONE = Decimal(1)


def by_value(number: Decimal) -> Decimal:
    """The one notation of a number, whichever it was written in: `100` for 100, 100.0 and 1e2; at most 80 digits."""
    shortest = _EXACT.normalize(number)
    return _EXACT.quantize(shortest, _ONE) if shortest == shortest.to_integral_value() else shortest


def hash_of_content(canonical: bytes) -> bytes:
    """The hash of what a signal says. Without a key it is also its identity."""
    hasher = _CONTENT.copy()  # half the price of a new one
    hasher.update(canonical)
    return hasher.digest()


def keyed_id(source: str, key: str) -> str:
    """The identity of a signal that its sender named: by sender and key, whichever way it came in."""
    hasher = _KEY.copy()
    hasher.update(f"{len(source)}:{source}{key}".encode())
    return hasher.hexdigest()


def conflicting_id(signal_id: str, content: bytes) -> str:
    """The identity of a line that carries a known id with other content."""
    return _hash(_CONFLICT, signal_id.encode() + content).hexdigest()


def installation_tag(installation: str) -> str:
    """Four hex characters that distinguish this installation's orders from others."""
    return _hash(_INSTALLATION, installation.encode()).hexdigest()


def client_order_id(tag: str, account: str, signal_id: str, attempt: int) -> str:
    """18 lowercase hex characters, which every venue takes: 4 of the installation's tag, 14 of account, signal and
    attempt. It can be computed again after everything else is lost."""
    hasher = _ORDER.copy()
    hasher.update(f"{len(account)}:{account}{signal_id}{attempt}".encode())
    return tag + hasher.hexdigest()


def _hash(kind: blake2b, said: bytes) -> blake2b:
    hasher = kind.copy()  # half the price of a new one
    hasher.update(said)
    return hasher
