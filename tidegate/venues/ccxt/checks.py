"""What is wrong with an exchange's settings that shows before anything is asked of the venue."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence

from tidegate.domain.timeframe import timeframe_text
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.requests import hosts_of

__all__ = ["one_account", "problems_of", "shared_keys"]

_VARIABLES = {"apiKey": "API_KEY", "secret": "SECRET", "password": "PASSWORD"}


def problems_of(connection: VenueConnection, trader: str, *, signs: bool, timeframe_ns: int | None) -> Iterator[str]:
    """One sentence for each, with the setting's place and the fix.

    `signs` says that orders are to be sent with it, `timeframe_ns` of what candles are wanted of it, if any are.
    """
    exchange, where = connection.exchange, connection.where
    if signs:
        prefix = f"TIDEGATE_TRADER_{trader.upper().replace('-', '_')}_"
        for name, needed in exchange.requiredCredentials.items():
            if needed and not getattr(exchange, name, None):
                fix = f"set {prefix}{_VARIABLES[name]}" if name in _VARIABLES else "it cannot be used for live trading"
                yield f"{where}: {exchange.id} needs {name}, which trader {trader} does not have: {fix}"
    if exchange.verify and exchange.cafile is not None:
        try:
            ssl.create_default_context(cafile=exchange.cafile)
        except OSError as error:
            why = error.strerror or str(error)
            yield f"{where}.ccxt.cafile: {exchange.cafile} cannot be used: {why}; name a file of certificates, or none"
    if timeframe_ns is not None and exchange.timeframes:
        timeframe = timeframe_text(timeframe_ns)
        if timeframe not in exchange.timeframes:
            yield f"timeframe: must be one of {exchange.id}'s, {', '.join(exchange.timeframes)}, was {timeframe}"


def shared_keys(connections: Mapping[str, VenueConnection]) -> Iterator[str]:
    """Which traders would be one account, as they have the same key of the same venue."""
    of: dict[tuple[frozenset[str], str], list[str]] = {}
    for trader, connection in connections.items():
        if key := connection.exchange.apiKey:
            of.setdefault((frozenset(hosts_of(connection.exchange)), key), []).append(trader)
    yield from (one_account(traders, "they have the same API key") for traders in of.values() if len(traders) > 1)


def one_account(traders: Sequence[str], why: str) -> str:
    """That traders are one account, and what to do about it."""
    places = " and ".join(f"traders.{trader}" for trader in traders)
    return (
        f"{places} are one account, as {why}: its orders and its money would be counted twice. "
        "Remove one of them, or give it the keys of another account"
    )
