"""What a venue answers when it is only asked whether it could be traded on now."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.permissions import check_permissions
from tidegate.venues.ccxt.requests import hosts_of

__all__ = ["SKEW_MS", "examined"]

SKEW_MS = 1000
"""How far a venue's clock may be off before that is worth a word, in ms."""

_NTP = "let the machine keep its time by NTP; what is signed is corrected by what was measured"
_REACH = "see whether the network and the exchange are up: `run` asks again until it answers"


async def examined(trader: str, connection: VenueConnection, *, permissions: bool) -> AsyncIterator[CheckResult]:
    """Whether a trader's venue answers, how far its clock is ahead, and what the key may do."""
    subject = f"exchange of {trader}"
    hosts = ", ".join(sorted(hosts_of(connection.exchange))[:3])
    try:
        ahead_ms = await connection.measure_clock()
    except (SettingsError, VenueUnavailable) as error:
        yield CheckResult(subject, Health.ERROR, f"{connection.exchange.id} does not answer: {error}", _REACH)
        return
    yield CheckResult(subject, Health.OK, f"{connection.exchange.id} answers at {hosts}")
    off = abs(ahead_ms) > SKEW_MS
    says = f"{ahead_ms:+.0f} ms ahead of ours"
    yield CheckResult(f"clock of {trader}", Health.WARNING if off else Health.OK, says, _NTP if off else "")
    if not permissions:
        yield CheckResult(f"key of {trader}", Health.WARNING, "not checked: TIDEGATE_SKIP_PERMISSION_CHECK is set")
        return
    try:
        says = await connection.ask("permissions", check_permissions(trader, connection.exchange))
    except SettingsError as error:
        yield CheckResult(f"key of {trader}", Health.ERROR, str(error), "make a key that may trade and nothing else")
    except VenueUnavailable as error:
        yield CheckResult(f"key of {trader}", Health.WARNING, f"what it may do was not told: {error}", _REACH)
    else:
        yield CheckResult(f"key of {trader}", Health.OK, says)
