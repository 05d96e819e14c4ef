"""One account at an exchange, and the rights of its key."""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct

from tidegate.emulator.ledger import VenueLedger

__all__ = ["ExchangeAccount"]


class ExchangeAccount(Struct, kw_only=True):
    """A key, its secret, whose it is, what it may do, and the truth about its orders."""

    api_key: str
    secret: str
    ledger: VenueLedger
    user_id: int = 0
    may_withdraw: bool = False
    bound_to_address: bool = True
    revoked: bool = False

    def signs(self, text: bytes, signature: str) -> bool:
        """Whether `signature` is the HMAC-SHA256 of `text` by this account's secret, in hex."""
        expected = hmac.digest(self.secret.encode(), text, hashlib.sha256).hex()
        return hmac.compare_digest(expected, signature)
