"""One exchange object of ccxt, made from a trader's settings, checked, and kept in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.venues.ccxt.address import RequestBudgets
from tidegate.venues.ccxt.answers import read_failure
from tidegate.venues.ccxt.calls import recorded, venue_ms_of, watch
from tidegate.venues.ccxt.direct import DirectOrders
from tidegate.venues.ccxt.meaning import Meaning
from tidegate.venues.ccxt.pace import OrderPace
from tidegate.venues.ccxt.quirks import Carrier, Fence, Quirks, quirks_of
from tidegate.venues.ccxt.redaction import redacted
from tidegate.venues.ccxt.requests import Timekeeping, encode_plainly, hosts_of, in_turn
from tidegate.venues.ccxt.window import Window

__all__ = ["VenueConnection", "connect"]

_T = TypeVar("_T")

_BURST = 10
_ASKS_S = 35.0  # several requests, each in its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueConnection:
    """An exchange of ccxt, what is particular to it, how fast it takes orders, and what is secret of it.

    `direct` is how it is given orders without `create_order`; None where the trader's settings may change what is sent.
    """

    where: str
    exchange: Any
    quirks: Quirks
    pace: OrderPace
    secrets: Collection[str] = field(repr=False)
    direct: DirectOrders | None = None

    async def open(self) -> None:
        """Set the clock, load the markets, and ask beforehand whatever ccxt would ask in the midst of the first order.

        Raises:
            SettingsError: the venue refuses the key.
            VenueUnavailable: the venue did not tell.
        """
        await self.measure_clock()
        await self.ask("markets", self.exchange.load_markets())
        if self.quirks.warm_up is not None:
            await self.ask("account", getattr(self.exchange, self.quirks.warm_up)())

    async def measure_clock(self) -> float:
        """How far the venue's clock is ahead of ours, in ms, and correct what is signed from now on by it.

        Raises:
            VenueUnavailable: the venue did not tell. One that never tells its time is taken to have ours.
        """
        if not self.exchange.has.get("fetchTime"):
            return 0.0
        before_ms = self.exchange.milliseconds()
        told_ms = await self.ask("time", self.exchange.fetch_time())
        if not isinstance(told_ms, int | float):
            raise VenueUnavailable(f"{self.exchange.id} did not tell its time")
        ahead_ms = told_ms - (before_ms + self.exchange.milliseconds()) / 2
        self.exchange.options["timeDifference"] = -round(ahead_ms)
        return float(ahead_ms)

    @property
    def fence_ms(self) -> int | None:
        """How long after it was signed the venue may still act on a request; None where it sets no end to that."""
        fence = self.quirks.fence
        if fence is None:
            return None
        if fence.carrier is not Carrier.OPTION:
            return fence.window_ms
        return int(self.exchange.options.get(fence.name, fence.window_ms))

    @property
    def timeout_ms(self) -> int:
        """How long ccxt waits for an answer."""
        return int(self.exchange.timeout)

    @property
    def has_user_stream(self) -> bool:
        """Whether it can listen to what happens to the account's orders; only one made for streaming can."""
        return self.exchange.has.get("watchOrders") is True

    def order_params(self, client_order_id: str) -> Mapping[str, str]:
        """What goes along with an order that is sent now: its id, and its end where that is a parameter."""
        params = {self.quirks.id_param: client_order_id}
        fence = self.quirks.fence
        if fence is not None and fence.carrier is Carrier.PARAM:
            params[fence.name] = self.exchange.iso8601(venue_ms_of(self.exchange) + fence.window_ms)
        return params

    def redacted(self, error: BaseException) -> str:
        """An error in words that may be shown."""
        return redacted(error, self.secrets)

    async def close(self) -> None:
        """Give back sockets."""
        await self.exchange.close()

    async def ask(self, what: str, work: Awaitable[_T]) -> _T:
        """What the venue tells at the start, where it shows whether the settings can be used at all.

        Raises:
            SettingsError: it refuses the key, or what was asked, for good.
            VenueUnavailable: it does not answer as it should: ask again later.
        """
        with recorded() as call:
            try:
                async with asyncio.timeout(_ASKS_S + self.timeout_ms / 1000):
                    return await work
            except (SettingsError, VenueUnavailable):
                raise
            except Exception as error:
                reading = read_failure(
                    error,
                    self.quirks,
                    sent=True,
                    headers=call.headers,
                    now_ms=venue_ms_of(self.exchange),
                    status=call.status,
                    body=call.body,
                )
                words = f"{what}: {self.redacted(error)}"
        if reading.meaning is Meaning.REJECTED:
            raise SettingsError(f"{self.where}: {self.exchange.id} refuses it: {words}")
        raise VenueUnavailable(words)


def connect(
    exchange_id: str,
    ccxt_block: Mapping[str, Any],
    credentials: Mapping[str, str],
    *,
    trader: str,
    timeout_ms: int = 10_000,
    streaming: bool = False,
    addresses: RequestBudgets | None = None,
) -> VenueConnection:
    """Make an exchange of a trader's settings. Nothing is asked of the venue yet.

    `ccxt_block` goes to ccxt's class as it is, over our own options of the venue; `credentials` are by ccxt's names:
    apiKey, secret, password. `streaming` asks for websockets, where ccxt has them. ccxt's own rate limit is off unless
    the block turns it on: requests keep to what it and the venue declare by `addresses`, together with all others that
    are given the same.

    Raises:
        SettingsError: ccxt is not installed, knows no such exchange, or the block asks for what would send an order
            twice, show a secret, or leave real addresses where others were meant.
    """
    where = f"traders.{trader}"
    try:
        import ccxt.async_support as ccxt
        from ccxt.base.errors import BaseError
    except ImportError:
        raise SettingsError(f"{where}.exchange: {exchange_id} needs ccxt: pip install 'tidegate[live]'") from None
    if exchange_id not in ccxt.exchanges:
        near = ", ".join(get_close_matches(exchange_id, ccxt.exchanges)) or "see ccxt's list of exchanges"
        raise SettingsError(f"{where}.exchange: must be an exchange that ccxt knows, was {exchange_id}; near: {near}")
    _refuse(ccxt_block, f"{where}.ccxt")
    kind, quirks = _kind_of(exchange_id, ccxt_block, streaming=streaming), quirks_of(exchange_id)
    ours = {"timeout": timeout_ms, "enableRateLimit": False, "options": dict(quirks.options)}
    try:
        exchange = kind(kind.deep_extend(ours, ccxt_block, credentials))
    except (BaseError, TypeError, ValueError, KeyError, AttributeError) as error:
        sandbox = " (ccxt may have no sandbox of it)" if ccxt_block.get("sandbox") or ccxt_block.get("testnet") else ""
        raise SettingsError(f"{where}.ccxt{sandbox}: {redacted(error, credentials.values())}") from None
    _check_addresses(exchange, kind, quirks, ccxt_block, f"{where}.ccxt")
    exchange.logger.setLevel(logging.INFO)  # at DEBUG it shows the key
    addresses = RequestBudgets() if addresses is None else addresses
    hosts = [addresses.of(host) for host in sorted(hosts_of(exchange))]
    pace = OrderPace(hosts, _order_limits(exchange, quirks))
    connection = VenueConnection(
        where=where,
        exchange=exchange,
        quirks=quirks,
        pace=pace,
        secrets=tuple(credentials.values()),
        direct=_direct(exchange, quirks, ccxt_block),
    )
    if exchange.rateLimit:
        for address in hosts:
            address.rate = address.rate or Window(max(1.0, 1000 / exchange.rateLimit), 1.0)
    stamp = partial(_expiry, exchange, quirks.fence)
    watch(exchange, stamp, addresses, pace, gets_only_read=quirks.gets_only_read)
    in_turn(exchange, addresses, quirks, Timekeeping(connection.measure_clock))
    encode_plainly(exchange)
    return connection


def _direct(exchange: Any, quirks: Quirks, block: Mapping[str, Any]) -> DirectOrders | None:
    """How orders go past `create_order`, unless the settings have options for it, or ccxt makes its own numbers."""
    direct, options = quirks.direct, block.get("options") or {}
    known = direct is not None and options.keys() <= direct.options and exchange.number is float
    return direct if known else None


def _order_limits(exchange: Any, quirks: Quirks) -> Mapping[float, int]:
    """How many orders a venue takes, by seconds, before it says so itself: as is known, else by ccxt's rate limit."""
    every_s = float(exchange.rateLimit or 0) / 1000
    return (quirks.order_limits or {_BURST * every_s: _BURST}) if every_s else {}


def _expiry(exchange: Any, fence: Fence | None) -> Mapping[str, str]:
    """The header that says until when a request is good, where that is in a header."""
    if fence is None or fence.carrier is not Carrier.HEADER:
        return {}
    return {fence.name: str(venue_ms_of(exchange) + fence.window_ms)}


def _kind_of(exchange_id: str, block: Mapping[str, Any], *, streaming: bool) -> Any:
    """The class of an exchange: that with websockets where they are wanted, there, and at addresses that are meant."""
    import ccxt.async_support

    addressed = (block.get("urls") or {}).get("api")
    if streaming and (not isinstance(addressed, Mapping) or "ws" in addressed):
        import ccxt.pro

        if exchange_id in ccxt.pro.exchanges:
            return getattr(ccxt.pro, exchange_id)
    return getattr(ccxt.async_support, exchange_id)


def _refuse(block: Mapping[str, Any], where: str) -> None:
    """No retries within ccxt, at any depth, and no printing of requests."""
    if block.get("verbose"):
        raise SettingsError(f"{where}.verbose: must be left out: it prints keys and signatures")
    for key, value in block.items():
        if key == "maxRetriesOnFailure":
            raise SettingsError(f"{where}.{key}: must be left out: ccxt would send orders again unasked")
        if isinstance(value, Mapping):
            _refuse(value, f"{where}.{key}")


def _check_addresses(exchange: Any, kind: Any, quirks: Quirks, block: Mapping[str, Any], where: str) -> None:
    """Where others than the real addresses were asked for, none of the real ones may be left."""
    meant_elsewhere = exchange.isSandboxModeEnabled or "api" in (block.get("urls") or {})
    if not meant_elsewhere or (quirks.sandbox_header or "") in (exchange.headers or {}):
        return
    left = hosts_of(exchange) & hosts_of(kind({"hostname": block["hostname"]} if "hostname" in block else {}))
    if left:
        real = ", ".join(sorted(left))
        raise SettingsError(f"{where}.urls.api: must name every address: {real} of {exchange.id} would be used")
