"""One exchange object of ccxt, made from a trader's settings, checked, and kept in time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from adapters.ccxt_calls import watch
from adapters.ccxt_quirks import Carrier, Fence, Quirks, quirks_of
from adapters.ccxt_redaction import redacted
from domain.errors import SettingsError, VenueUnavailable

__all__ = ["Connection", "addresses", "connect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An exchange of ccxt, what is particular to it, and the secrets to be kept out of what it says."""

    exchange: Any
    quirks: Quirks
    secrets: Collection[str] = field(repr=False)

    async def open(self) -> None:
        """Set the clock, load the markets, and ask beforehand whatever ccxt would ask in the midst of the first order.

        Raises:
            VenueUnavailable: the venue did not tell.
        """
        await self.measure_clock()
        await self._ask("load_markets")
        if self.quirks.warm_up is not None:
            await self._ask(self.quirks.warm_up)

    async def measure_clock(self) -> float:
        """How far the venue's clock is ahead of ours, in ms, and correct what is signed from now on by it.

        Raises:
            VenueUnavailable: the venue did not tell. One that never tells its time is taken to have ours.
        """
        if not self.exchange.has.get("fetchTime"):
            return 0.0
        before_ms = self.exchange.milliseconds()
        told_ms = await self._ask("fetch_time")
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

    def order_params(self, client_order_id: str) -> Mapping[str, str]:
        """What goes along with an order that is sent now: its id, and its end where that is a parameter."""
        params = {self.quirks.id_param: client_order_id}
        fence = self.quirks.fence
        if fence is not None and fence.carrier is Carrier.PARAM:
            params[fence.name] = self.exchange.iso8601(_venue_ms(self.exchange) + fence.window_ms)
        return params

    def redacted(self, error: BaseException) -> str:
        """An error in words that may be shown."""
        return redacted(error, self.secrets)

    async def close(self) -> None:
        """Give back sockets."""
        await self.exchange.close()

    async def _ask(self, method: str) -> Any:
        from ccxt.base.errors import BaseError

        try:
            return await getattr(self.exchange, method)()
        except BaseError as error:
            raise VenueUnavailable(self.redacted(error)) from None


def connect(
    exchange_id: str,
    ccxt_block: Mapping[str, Any],
    credentials: Mapping[str, str],
    *,
    trader: str,
    timeout_ms: int = 10_000,
    streaming: bool = False,
    left_alone_until_ms: dict[str, float] | None = None,
) -> Connection:
    """Make an exchange of a trader's settings. Nothing is asked of the venue yet.

    `ccxt_block` goes to ccxt's class as it is, over our own options of the venue; `credentials` are by ccxt's names:
    apiKey, secret, password. `streaming` asks for websockets, where ccxt has them. ccxt's own rate limit is off unless
    the block turns it on.

    Raises:
        SettingsError: ccxt is not installed, knows no such exchange, or the block asks for what would send an order
            twice, show a secret, or leave real addresses where others were meant.
    """
    where = f"traders.{trader}"
    try:
        import ccxt.async_support as ccxt
        from ccxt.base.errors import BaseError
    except ImportError:
        raise SettingsError(f"{where}.exchange: {exchange_id} needs ccxt: pip install 'throughline[live]'") from None
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
    stamp = partial(_expiry, exchange, quirks.fence)
    watch(exchange, stamp, left_alone_until_ms, gets_only_read=quirks.gets_only_read)
    return Connection(exchange=exchange, quirks=quirks, secrets=tuple(credentials.values()))


def _expiry(exchange: Any, fence: Fence | None) -> Mapping[str, str]:
    """The header that says until when a request is good, where that is in a header."""
    if fence is None or fence.carrier is not Carrier.HEADER:
        return {}
    return {fence.name: str(_venue_ms(exchange) + fence.window_ms)}


def _kind_of(exchange_id: str, block: Mapping[str, Any], *, streaming: bool) -> Any:
    """The class of an exchange: that with websockets where they are wanted, there, and at addresses that are meant."""
    import ccxt.async_support

    addressed = (block.get("urls") or {}).get("api")
    if streaming and (not isinstance(addressed, Mapping) or "ws" in addressed):
        import ccxt.pro

        if exchange_id in ccxt.pro.exchanges:
            return getattr(ccxt.pro, exchange_id)
    return getattr(ccxt.async_support, exchange_id)


def addresses(exchange: Any) -> set[str]:
    """The hosts, with their ports, that an exchange would talk to."""
    hostname = exchange.hostname or ""
    urls = (url.replace("{hostname}", hostname) for url in _texts(exchange.urls["api"]))
    return {urlsplit(url).netloc.rpartition("@")[2] for url in urls}


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for branch in tree.values():
            yield from _texts(branch)
    elif isinstance(tree, str):
        yield tree


def _venue_ms(exchange: Any) -> int:
    return int(exchange.milliseconds() - (exchange.options.get("timeDifference") or 0))


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
    left = addresses(exchange) & addresses(kind({"hostname": block["hostname"]} if "hostname" in block else {}))
    if left:
        real = ", ".join(sorted(left))
        raise SettingsError(f"{where}.urls.api: must name every address: {real} of {exchange.id} would be used")
