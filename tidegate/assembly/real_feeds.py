"""Market data of real exchanges: candles and prices of the first, prices of the others traded on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from streams.market import MarketFeed
from tidegate.assembly.patience import Patience
from tidegate.clock import Clock
from tidegate.market.ccxt.followed import Followed
from tidegate.market.ccxt.market import CcxtMarket, open_market
from tidegate.settings import Settings
from tidegate.settings.traders import TraderSettings
from tidegate.venues.ccxt.address import RequestBudgets
from tidegate.venues.ccxt.connection import VenueConnection, connect
from tidegate.venues.ccxt.redaction import redact
from tidegate.venues.ccxt.requests import hosts_of

__all__ = ["RealFeeds", "priced_on"]


def priced_on(connections: Mapping[str, VenueConnection]) -> Mapping[str, str]:
    """Of each trader on another exchange than the first one's: the one whose exchange's prices are followed for it."""
    hosts = {trader: frozenset(hosts_of(connection.exchange)) for trader, connection in connections.items()}
    followed: dict[frozenset[str], str] = {}
    for trader, its in hosts.items():
        followed.setdefault(its, trader)
    first = next(iter(hosts), "")
    return {trader: followed[its] for trader, its in hosts.items() if followed[its] != first}


class RealFeeds:
    """The markets of exchanges, which need no key, over connections of their own. Memory: the exchanges' markets."""

    def __init__(
        self,
        settings: Settings,
        traders: Sequence[TraderSettings],
        clock: Clock,
        *,
        addresses: RequestBudgets,
        fault: Callable[[str, Exception], None],
    ) -> None:
        self._settings, self._traders, self._clock = settings, traders, clock
        self._addresses, self._fault = addresses, fault
        self._connections: dict[str, VenueConnection] = {}
        self._markets: dict[str, CcxtMarket] = {}

    async def open(self, priced_on: Mapping[str, str], patience: Patience) -> MarketFeed:
        """The market of the first trader's exchange, and the prices of those that others are `priced_on`.

        Raises:
            SettingsError: an exchange does not list a symbol, or offer the timeframe.
            VenueUnavailable: an exchange does not answer.
        """
        first = self._traders[0]
        others = [trader for trader in self._traders if trader.id in set(priced_on.values())]
        for trader in (first, *others):
            ask = partial(self._open, trader, priced_on, candles=trader is first)
            self._markets[trader.id] = await patience.until_answered(f"the market of {trader.exchange}", ask)
        market = self._markets[first.id]
        elsewhere = {trader.id: self._markets[trader.id].news for trader in others}
        return MarketFeed(market.name, market.symbols, market.history, market.news, elsewhere)

    async def close(self) -> None:
        """Close the feeds and all connections."""
        for market in self._markets.values():
            await market.close()
        for connection in self._connections.values():
            await connection.close()

    async def _open(self, trader: TraderSettings, priced_on: Mapping[str, str], *, candles: bool) -> CcxtMarket:
        settings = self._settings
        if (connection := self._connections.get(trader.id)) is None:
            connection = self._connections[trader.id] = connect(
                trader.exchange, trader.ccxt, {}, trader=trader.id, streaming=True, addresses=self._addresses
            )
        followed = Followed(
            symbols=settings.symbols if candles else self._traded_by(trader.id, priced_on),
            timeframe_ns=settings.timeframe_ns,
            history=settings.market.history,
            quote_every_s=settings.market.poll_s,
            candles=candles,
        )
        return await open_market(connection.exchange, followed, clock=self._clock, fault=self._fault, redact=redact)

    def _traded_by(self, venue: str, priced_on: Mapping[str, str]) -> Sequence[str]:
        """The symbols of all traders whose orders are priced there."""
        some = [trader.symbols for trader in self._traders if priced_on.get(trader.id) == venue]
        return [symbol for symbol in self._settings.symbols if any(its is None or symbol in its for its in some)]
