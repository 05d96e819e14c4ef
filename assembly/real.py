"""Real exchanges, connected through ccxt: the venues orders go to, and the market they are decided by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from loguru import logger

from clock import Clock
from domain.errors import SettingsError
from domain.market import MarketRules
from settings import Settings, keys_of
from settings.sources import read_environment
from settings.traders import TraderSettings
from streams.market import World

try:
    from adapters.ccxt_connection import Connection, addresses, connect
    from adapters.ccxt_followed import Followed
    from adapters.ccxt_market import CcxtMarket, open_market
    from adapters.ccxt_permissions import check_permissions
    from adapters.ccxt_quirks import ORDERS_BY_GET
    from adapters.ccxt_redaction import redact
    from adapters.ccxt_venue import CcxtVenue
except ImportError as missing:
    raise SettingsError(
        f"real exchanges need {missing.name}: install the extra, `pip install 'throughline[live]'`"
    ) from missing

__all__ = ["RealVenues"]

_SKEW_MS = 1000


class RealVenues:
    """The exchanges of the settings: one connection for each trader, one market, that of the first.

    Nothing is sent before `open`: it checks keys and clocks, and loads every market. Memory: the exchanges' markets.
    """

    def __init__(
        self, settings: Settings, clock: Clock, *, environ: Mapping[str, str], dotenv: Path = Path(".env")
    ) -> None:
        self._settings, self._clock, self._environ, self._dotenv = settings, clock, environ, dotenv
        self._connections: list[Connection] = []
        self._fault: Callable[[str, Exception], None] = _log
        self._left_alone_until_ms: dict[str, float] = {}
        self._market: CcxtMarket | None = None
        self.venues: list[CcxtVenue] = []

    async def open(self) -> World:
        """Connect, check, load.

        Raises:
            SettingsError: an exchange, a key, a symbol or a timeframe cannot be used; the message names it.
            VenueUnavailable: an exchange does not answer.
        """
        settings = self._settings
        traders = settings.traders if settings.mode == "live" else settings.traders[:1]
        for trader in traders:
            await self._connect(trader)
        market = await self._open_market(traders[0])
        return World(market.name, market.symbols, market.history, market.news)

    def rules(self) -> Mapping[str, MarketRules]:
        """What orders must fit on the first exchange."""
        found = {symbol: self.venues[0].rules(symbol) for symbol in self._settings.symbols}
        return {symbol: rules for symbol, rules in found.items() if rules is not None}

    def tell_faults_to(self, fault: Callable[[str, Exception], None]) -> None:
        """From now on, tell of what goes wrong through `fault`, not the log."""
        self._fault = fault

    async def close(self) -> None:
        """End all connections."""
        if self._market is not None:
            await self._market.close()
        for connection in self._connections:
            await connection.close()

    async def _open_market(self, trader: TraderSettings) -> CcxtMarket:
        """The market of a trader's exchange, which needs no key, over connections of its own."""
        settings = self._settings
        connection = connect(
            trader.exchange,
            trader.ccxt,
            {},
            trader=trader.id,
            streaming=True,
            left_alone_until_ms=self._left_alone_until_ms,
        )
        followed = Followed(
            symbols=settings.symbols,
            timeframe_ns=settings.timeframe_ns,
            history=settings.market.history,
            quote_every_s=settings.market.poll_s,
        )
        try:
            self._market = await open_market(
                connection.exchange,
                followed,
                clock=self._clock,
                fault=lambda where, error: self._fault(where, error),
                redact=redact,
            )
        except BaseException:
            await connection.close()
            raise
        return self._market

    async def _connect(self, trader: TraderSettings) -> None:
        settings = self._settings
        live = settings.mode == "live"
        exchange = trader.exchange
        if exchange == "paper":
            raise SettingsError("market.source is ccxt: name the exchange of the first trader, such as binance")
        if live and exchange in ORDERS_BY_GET:
            why = "it takes orders by GET, which may be sent twice when a connection drops"
            raise SettingsError(f"traders.{trader.id}.exchange: {exchange} cannot be used for live trading: {why}")
        keys = keys_of(trader.id, environ=self._environ, dotenv=self._dotenv) if live else {}
        if live and not keys.get("API_KEY"):
            name = trader.id.upper().replace("-", "_")
            raise SettingsError(f"trader {trader.id} has no key: set THROUGHLINE_TRADER_{name}_API_KEY and _SECRET")
        named = {"API_KEY": "apiKey", "SECRET": "secret", "PASSWORD": "password"}
        credentials = {named[name]: key for name, key in keys.items()}
        connection = connect(
            exchange, trader.ccxt, credentials, trader=trader.id, left_alone_until_ms=self._left_alone_until_ms
        )
        self._connections.append(connection)
        venue = CcxtVenue(
            trader.id,
            connection,
            [symbol for symbol in settings.symbols if trader.symbols is None or symbol in trader.symbols],
            clock=self._clock,
            settle_s=settings.execution.settle_s,
            park=trader.after_unknown == "park",
        )
        self.venues.append(venue)
        ahead_ms = await venue.open()
        hosts = ", ".join(sorted(addresses(connection.exchange))[:3])
        logger.info("{} speaks to {} at {}, whose clock is {:+.0f} ms ahead", trader.id, exchange, hosts, ahead_ms)
        if abs(ahead_ms) > _SKEW_MS:
            raise SettingsError(f"the clock of {exchange} is {ahead_ms:+.0f} ms ahead: let ours be kept by NTP")
        skipped, _ = read_environment(self._environ, self._dotenv).get("THROUGHLINE_SKIP_PERMISSION_CHECK", ("", ""))
        if live and skipped != "1":
            says = await venue.told("permissions", check_permissions(trader.id, connection.exchange))
            logger.info("{}", says)


def _log(where: str, error: Exception) -> None:
    logger.warning("{}: {}", where, error)
