"""Real exchanges, connected through ccxt: the venues orders go to, and the market they are decided by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from loguru import logger

from streams.availability import Pace
from streams.market import MarketFeed
from tidegate.assembly.patience import Patience
from tidegate.clock import Clock
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.errors import SettingsError
from tidegate.domain.events import Banned, Body
from tidegate.domain.market import MarketRules
from tidegate.domain.moment import iso_of
from tidegate.domain.reasons import Reason
from tidegate.settings import Settings, keys_of
from tidegate.settings.sources import read_environment
from tidegate.settings.traders import TraderSettings

try:
    from tidegate.assembly.real_accounts import tell_apart
    from tidegate.assembly.real_feeds import RealFeeds, priced_on
    from tidegate.venues.ccxt.address import RequestBudgets
    from tidegate.venues.ccxt.checks import problems_of, shared_keys
    from tidegate.venues.ccxt.connection import VenueConnection, connect
    from tidegate.venues.ccxt.examination import SKEW_MS, examined
    from tidegate.venues.ccxt.permissions import check_permissions
    from tidegate.venues.ccxt.quirks import ORDERS_BY_GET
    from tidegate.venues.ccxt.requests import hosts_of
    from tidegate.venues.ccxt.user_stream import UserStream
    from tidegate.venues.ccxt.venue import CcxtVenue
except ImportError as missing:
    raise SettingsError(
        f"real exchanges need {missing.name}: install the extra, `pip install 'tidegate[live]'`"
    ) from missing

__all__ = ["RealVenues"]

_CREDENTIALS = {"API_KEY": "apiKey", "SECRET": "secret", "PASSWORD": "password"}


class RealVenues:
    """The exchanges of the settings: one connection for each trader, the market of the first one's exchange, and the
    prices of the others.

    Nothing is sent before `open`. All share one budget of requests for each address. `record` keeps what the next start
    has to know. Memory: the exchanges' markets.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        environ: Mapping[str, str],
        dotenv: Path = Path(".env"),
        record: Callable[[Body], Awaitable[object]] | None = None,
    ) -> None:
        self._settings, self._clock, self._environ, self._dotenv = settings, clock, environ, dotenv
        self._live = settings.mode == "live"
        self._traders = settings.traders if self._live else settings.traders[:1]
        self._connections: dict[str, VenueConnection] = {}
        self._fault: Callable[[str, Exception], None] = _log
        self._record = record
        self._unrecorded: list[Body] = []
        self._addresses = RequestBudgets()
        self._addresses.on_left_alone(self._left_alone)
        self._feeds = RealFeeds(
            settings,
            self._traders,
            clock,
            addresses=self._addresses,
            fault=lambda where, error: self._fault(where, error),
        )
        self.venues: list[CcxtVenue] = []
        self._streams: list[UserStream] = []

    @property
    def paces(self) -> Mapping[str, Pace]:
        """How fast each account may be given orders."""
        return {venue.trader: venue.pace for venue in self.venues}

    @property
    def priced_on(self) -> Mapping[str, str]:
        """Whose exchange's prices are followed for traders on another exchange than the first one's."""
        return priced_on(self._connections)

    async def open(self, *, banned: Mapping[str, int] | None = None, patient: bool = False) -> MarketFeed:
        """Look for what is wrong with the settings, connect, check keys and clocks, and load every market.

        Addresses in `banned` are sent nothing until those moments. With `patient`, what fails and may succeed later is
        tried again until it does.

        Raises:
            SettingsError: exchanges, keys, symbols or a timeframe cannot be used; the message names all that shows
                before anything is asked, else what the venue refuses.
            VenueUnavailable: an exchange does not answer.
        """
        self._make()
        for host, for_s in self._addresses.remember(banned or {}).items():
            logger.warning("{} wants to be left alone for {:.0f} s more, since an earlier run", host, for_s)
        patience = Patience(self._clock, waits=patient, failed=self._flush)
        for trader in self._traders:
            await self._open_venue(trader, patience)
        if self._live:
            await tell_apart(self._connections, self._settings.symbols, patience)
        return await self._feeds.open(self.priced_on, patience)

    async def examine(self, banned: Mapping[str, int]) -> Sequence[CheckResult]:
        """What each exchange answers when it is only asked whether it could be traded on now."""
        try:
            self._make()
        except SettingsError as error:
            return [CheckResult("exchanges", Health.ERROR, str(error), "correct them: nothing was asked before")]
        self._addresses.remember(banned)
        return [
            finding
            for trader, connection in self._connections.items()
            async for finding in examined(trader, connection, permissions=self._checks_permissions())
        ]

    def rules(self) -> Mapping[str, MarketRules]:
        """What orders must fit on the first exchange."""
        found = {symbol: self.venues[0].rules(symbol) for symbol in self._settings.symbols}
        return {symbol: rules for symbol, rules in found.items() if rules is not None}

    def report_to(self, fault: Callable[[str, Exception], None], record: Callable[[Body], None]) -> None:
        """From now on, report failures through `fault` instead of the log, and record events by `record`."""
        self._fault = fault
        for body in self._unrecorded:
            record(body)
        self._unrecorded.clear()
        self._addresses.on_left_alone(lambda host, until_ns, why: record(_banned(host, until_ns, why)))

    async def close(self) -> None:
        """End all connections."""
        await self._feeds.close()
        for stream in self._streams:
            await stream.close()
        for connection in self._connections.values():
            await connection.close()

    def _make(self) -> None:
        """Make the exchanges, and look for all that is wrong with them before anything is asked."""
        problems: list[str] = []
        for number, trader in enumerate(self._traders):
            try:
                connection = self._connections[trader.id] = self._connected(trader)
                self.venues.append(self._venue(trader, connection))
            except SettingsError as error:
                problems.append(str(error))
            else:
                timeframe_ns = self._settings.timeframe_ns if number == 0 else None
                problems += problems_of(connection, trader.id, signs=self._live, timeframe_ns=timeframe_ns)
        problems += shared_keys(self._connections)
        if problems:
            raise SettingsError("\n  ".join(problems))

    def _connected(self, trader: TraderSettings, *, streaming: bool = False) -> VenueConnection:
        if trader.exchange == "paper":
            raise SettingsError(
                f"traders.{trader.id}.exchange: must be one that ccxt knows, such as binance, was paper"
            )
        if self._live and trader.exchange in ORDERS_BY_GET:
            why = "it takes orders by GET, which may be sent twice when a connection drops"
            raise SettingsError(
                f"traders.{trader.id}.exchange: {trader.exchange} cannot be used for live trading: {why}"
            )
        keys = keys_of(trader.id, environ=self._environ, dotenv=self._dotenv) if self._live else {}
        credentials = {_CREDENTIALS[name]: key for name, key in keys.items()}
        return connect(
            trader.exchange,
            trader.ccxt,
            credentials,
            trader=trader.id,
            streaming=streaming,
            addresses=self._addresses,
        )

    def _venue(self, trader: TraderSettings, connection: VenueConnection) -> CcxtVenue:
        return CcxtVenue(
            trader.id,
            connection,
            [symbol for symbol in self._settings.symbols if trader.symbols is None or symbol in trader.symbols],
            clock=self._clock,
            settle_s=self._settings.execution.settle_s,
            park=trader.after_unknown == "park",
            stream=self._user_stream(trader, connection) if self._live else None,
        )

    def _user_stream(self, trader: TraderSettings, trading: VenueConnection) -> UserStream | None:
        """The stream of the account's orders, where ccxt has one at the addresses that are meant."""
        try:
            connection = self._connected(trader, streaming=True)
        except SettingsError as error:
            logger.warning("{}: its orders are only polled, without a user stream: {}", trader.id, error)
            return None
        if not connection.has_user_stream:
            return None
        stream = UserStream(
            trader.id,
            connection,
            trading,
            clock=self._clock,
            fault=lambda where, error: self._fault(where, error),
        )
        self._streams.append(stream)
        return stream

    async def _open_venue(self, trader: TraderSettings, patience: Patience) -> None:
        connection = self._connections[trader.id]
        venue = next(venue for venue in self.venues if venue.trader == trader.id)
        ahead_ms = await patience.until_answered(trader.exchange, venue.open)
        hosts = ", ".join(sorted(hosts_of(connection.exchange))[:3])
        logger.info(
            "{} speaks to {} at {}, whose clock is {:+.0f} ms ahead", trader.id, trader.exchange, hosts, ahead_ms
        )
        if abs(ahead_ms) > SKEW_MS:
            how = f"the clock of {trader.exchange} is {ahead_ms:+.0f} ms ahead"
            logger.warning("{}: what is signed is corrected by that; let ours be kept by NTP", how)
        if self._live and self._checks_permissions():

            async def permissions() -> str:
                return await connection.ask("permissions", check_permissions(trader.id, connection.exchange))

            logger.info("{}", await patience.until_answered(trader.exchange, permissions))

    def _checks_permissions(self) -> bool:
        skipped, _ = read_environment(self._environ, self._dotenv).get("TIDEGATE_SKIP_PERMISSION_CHECK", ("", ""))
        return skipped != "1"

    def _left_alone(self, host: str, until_ns: int, why: Reason) -> None:
        logger.warning("{} wants to be left alone until {}", host, iso_of(until_ns))
        self._unrecorded.append(_banned(host, until_ns, why))

    async def _flush(self) -> None:
        if self._record is not None:
            while self._unrecorded:
                await self._record(self._unrecorded.pop(0))


def _banned(host: str, until_ns: int, why: Reason) -> Banned:
    return Banned(address=host, until_ns=until_ns, reason=why)


def _log(where: str, error: Exception) -> None:
    logger.warning("{}: {}", where, error)
