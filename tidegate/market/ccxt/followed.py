"""What is followed of a venue's market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct

from tidegate.domain.errors import SettingsError
from tidegate.domain.timeframe import timeframe_text
from tidegate.market.ccxt.exchange import CcxtExchange

__all__ = ["Followed"]


class Followed(Struct, frozen=True, kw_only=True):
    """What is followed of a market, and how.

    At most `history` candles of each symbol, those of the last periods, are known at the start. Quotes which the
    websocket does not update are polled every `quote_every_s`, candles `delay_s` after they closed. At most
    `max_concurrent` requests are under way, each for `timeout_s`; a websocket that is silent for `silent_after_s`
    is reopened. Without `candles` only quotes are followed.
    """

    symbols: Sequence[str]
    timeframe_ns: int
    history: int = 200
    quote_every_s: float = 5
    delay_s: float = 2
    max_concurrent: int = 4
    timeout_s: float = 30
    silent_after_s: float = 60
    candles: bool = True

    def check(self, exchange: CcxtExchange) -> None:
        """Compare with what an exchange has, whose markets are loaded.

        Raises:
            SettingsError: it does not list a symbol, or has no candles of the timeframe; the message names them all,
                and what is near.
        """
        missing = [
            f"{symbol}{_near(symbol, exchange.markets)}" for symbol in self.symbols if symbol not in exchange.markets
        ]
        if missing:
            raise SettingsError(f"symbols: must be listed by {exchange.id}, were {', '.join(missing)}")
        if not self.candles:
            return
        timeframe = timeframe_text(self.timeframe_ns)
        if not exchange.has.get("fetchOHLCV"):
            raise SettingsError(f"market: {exchange.id} has no candles")
        if timeframe not in exchange.timeframes:
            offered = ", ".join(exchange.timeframes)
            raise SettingsError(f"timeframe: must be one of {exchange.id}'s, {offered}, was {timeframe}")


def _near(symbol: str, listed: Mapping[str, object]) -> str:
    near = get_close_matches(symbol.upper(), listed)
    return f" (near: {', '.join(near)})" if near else ""
