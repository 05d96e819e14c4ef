"""What an answer to an order can mean, and what each class of ccxt's errors means by itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from tidegate.domain.reasons import Reason

__all__ = [
    "BANNED",
    "BLOCKED",
    "BY_CLASS",
    "CLOCK_SKEW",
    "EXISTS",
    "MAINTENANCE",
    "MARKET_CLOSED",
    "NEVER_CONNECTED",
    "NEVER_SENT",
    "REJECTED",
    "TOO_MANY",
    "TOO_MANY_FROM_HERE",
    "UNKNOWN",
    "Meaning",
    "Ruling",
]


class Meaning(StrEnum):
    """What became of an order that was to be sent."""

    NEVER_SENT = "never_sent"
    REJECTED = "rejected"
    REJECTED_FOR_NOW = "rejected_for_now"
    EXISTS = "exists"
    UNKNOWN = "unknown"


class Ruling(Struct, frozen=True, gc=False):
    """A meaning and its reason.

    `address_wide`: everybody at our address has to wait, not this account alone.
    """

    meaning: Meaning
    reason: Reason
    address_wide: bool = False


NEVER_SENT = Ruling(Meaning.NEVER_SENT, Reason.NEVER_SENT)
UNKNOWN = Ruling(Meaning.UNKNOWN, Reason.NO_ANSWER)
EXISTS = Ruling(Meaning.EXISTS, Reason.NO_ANSWER)

REJECTED = Ruling(Meaning.REJECTED, Reason.REJECTED)
MARKET_CLOSED = Ruling(Meaning.REJECTED, Reason.MARKET_CLOSED)
BLOCKED = Ruling(Meaning.REJECTED, Reason.ACCOUNT_BLOCKED)

TOO_MANY = Ruling(Meaning.REJECTED_FOR_NOW, Reason.REJECTED_FOR_NOW)
TOO_MANY_FROM_HERE = Ruling(Meaning.REJECTED_FOR_NOW, Reason.REJECTED_FOR_NOW, address_wide=True)
BANNED = Ruling(Meaning.REJECTED_FOR_NOW, Reason.BANNED, address_wide=True)
MAINTENANCE = Ruling(Meaning.REJECTED_FOR_NOW, Reason.MAINTENANCE)
CLOCK_SKEW = Ruling(Meaning.REJECTED_FOR_NOW, Reason.CLOCK_SKEW)

BY_CLASS: Mapping[str, Ruling] = MappingProxyType(
    {
        "AccountNotEnabled": REJECTED,
        "AccountSuspended": BLOCKED,
        "AuthenticationError": BLOCKED,
        "BadRequest": REJECTED,
        "BadSymbol": REJECTED,
        "ContractUnavailable": MARKET_CLOSED,
        "DuplicateOrderId": EXISTS,
        "InsufficientFunds": REJECTED,
        "InvalidNonce": CLOCK_SKEW,
        "InvalidOrder": REJECTED,
        "ManualInteractionNeeded": REJECTED,
        "MarketClosed": MARKET_CLOSED,
        "OnMaintenance": MAINTENANCE,
        "OperationRejected": REJECTED,
        "OrderImmediatelyFillable": REJECTED,
        "OrderNotFillable": REJECTED,
        "PermissionDenied": REJECTED,
        "RateLimitExceeded": TOO_MANY,
        "RestrictedLocation": REJECTED,
    }
)
"""By the exact name of a class of ccxt: a subclass that is not named means nothing by itself, as any other class does.
A rejection holds only beside a code of the venue's own, and not on a status of 500 or more."""

NEVER_CONNECTED = frozenset(
    {"ClientConnectorError", "ClientProxyConnectionError", "ConnectionTimeoutError", "gaierror"}
)
"""What aiohttp and the resolver raise before there is a connection, by name: no request can have left."""
