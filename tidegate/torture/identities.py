"""What ids have to be, and what signals say: reckoned here once more, from the documents and not from the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

__all__ = ["keyed_id", "order_id", "said_in"]

_AMOUNTS = ("price", "quantity")


@lru_cache(maxsize=4096)
def said_in(payload: bytes) -> Mapping[str, object]:
    """What a signal says, independent of notation: fields in their order, numbers by their value."""
    said = json.loads(payload, parse_float=Decimal, parse_int=Decimal)
    for name in _AMOUNTS:
        if said.get(name) is not None:
            said[name] = Decimal(said[name])
    return dict(sorted(said.items()))


@lru_cache(maxsize=4096)
def keyed_id(source: str, key: str) -> str:
    """The id of a signal that its sender named: 10 bytes of BLAKE2b, under the name `key`, of sender and key."""
    return blake2b(f"{len(source)}:{source}{key}".encode(), digest_size=10, person=b"key").hexdigest()


@lru_cache(maxsize=65_536)
def order_id(installation: str, account: str, signal_id: str, attempt: int) -> str:
    """The id of an order: 2 bytes of the installation's name, 7 of account, signal and attempt."""
    tag = blake2b(installation.encode(), digest_size=2, person=b"installation").hexdigest()
    said = f"{len(account)}:{account}{signal_id}{attempt}"
    return tag + blake2b(said.encode(), digest_size=7, person=b"order").hexdigest()
