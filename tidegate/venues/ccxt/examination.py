"""What a venue answers when it is only asked whether it could be traded on now."""

from __future__ import annotations

from collections.abc import AsyncIterator

from streams.check_result import Finding, Health
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.venues.ccxt.connection import Connection
from tidegate.venues.ccxt.permissions import check_permissions
from tidegate.venues.ccxt.requests import hosts_of

__all__ = ["SKEW_MS", "examined"]

SKEW_MS = 1000
"""How far a venue's clock may be off before that is worth a word, in ms."""

_NTP = "let the machine keep its time by NTP; what is signed is corrected by what was measured"
_REACH = "see whether the network and the exchange are up: `run` asks again until it answers"


async def examined(trader: str, connection: Connection, *, permissions: bool) -> AsyncIterator[Finding]:
    """Whether a trader's venue answers, how far its clock is ahead, and what the key may do."""
    subject = f"exchange of {trader}"
    hosts = ", ".join(sorted(hosts_of(connection.exchange))[:3])
    try:
        ahead_ms = await connection.measure_clock()
    except (SettingsError, VenueUnavailable) as error:
        yield Finding(subject, Health.ERROR, f"{connection.exchange.id} does not answer: {error}", _REACH)
        return
    yield Finding(subject, Health.OK, f"{connection.exchange.id} answers at {hosts}")
    off = abs(ahead_ms) > SKEW_MS
    says = f"{ahead_ms:+.0f} ms ahead of ours"
    yield Finding(f"clock of {trader}", Health.WARNING if off else Health.OK, says, _NTP if off else "")
    if not permissions:
        yield Finding(f"key of {trader}", Health.WARNING, "not checked: TIDEGATE_SKIP_PERMISSION_CHECK is set")
        return
    try:
        says = await connection.ask("permissions", check_permissions(trader, connection.exchange))
    except SettingsError as error:
        yield Finding(f"key of {trader}", Health.ERROR, str(error), "make a key that may trade and nothing else")
    except VenueUnavailable as error:
        yield Finding(f"key of {trader}", Health.WARNING, f"what it may do was not told: {error}", _REACH)
    else:
        yield Finding(f"key of {trader}", Health.OK, says)
