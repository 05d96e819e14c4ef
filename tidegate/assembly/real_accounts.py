"""Whether traders on real exchanges are accounts of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from tidegate.assembly.patience import Patience
from tidegate.domain.errors import SettingsError
from tidegate.venues.ccxt.accounts import account_of, traces_of
from tidegate.venues.ccxt.checks import one_account
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.requests import hosts_of

__all__ = ["tell_apart"]


async def tell_apart(connections: Mapping[str, VenueConnection], symbols: Sequence[str], patience: Patience) -> None:
    """See to it that no two traders are one account: by the venue's own id of it, else by its orders and trades.

    Raises:
        SettingsError: two are; the message names both.
        VenueUnavailable: an exchange does not answer.
    """
    found: dict[str, set[str]] = {}
    for one, other in combinations(connections, 2):
        if hosts_of(connections[one].exchange) != hosts_of(connections[other].exchange):
            continue
        for trader in (one, other):
            if trader not in found:
                found[trader] = await _identity(connections[trader], symbols, patience)
        if shared := sorted(found[one] & found[other]):
            raise SettingsError(one_account((one, other), f"the venue reports for both: {shared[0]}"))


async def _identity(connection: VenueConnection, symbols: Sequence[str], patience: Patience) -> set[str]:
    async def ask() -> set[str]:
        account = await connection.ask("account", account_of(connection.exchange))
        if account is not None:
            return {f"account {account}"}
        return set(await connection.ask("orders", traces_of(connection.exchange, symbols)))

    return await patience.until_answered(connection.exchange.id, ask)
