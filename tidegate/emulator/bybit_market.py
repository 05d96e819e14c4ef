"""Markets and prices at Bybit: its requests apart from orders."""

from __future__ import annotations

from tidegate.emulator.bybit_words import coin_of, market_of, ticker_of
from tidegate.emulator.candles import bars
from tidegate.emulator.dialect import DialectCall
from tidegate.emulator.listing import ListedSymbol
from tidegate.emulator.reading import enveloped
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply

__all__ = ["account_info", "coins", "depth", "fees", "klines", "markets", "tickers", "time"]

_MINUTE_MS = 60_000
_UNITS_MS = {"D": 1440 * _MINUTE_MS, "W": 10080 * _MINUTE_MS}


def time(call: DialectCall) -> Reply:
    """The exchange's time."""
    seconds = {"timeSecond": str(call.now_ms // 1000), "timeNano": str(call.now_ms * 1_000_000)}
    return enveloped(seconds, call.now_ms)


def account_info(call: DialectCall) -> Reply:
    """The account is a unified one."""
    said = {"marginMode": "REGULAR_MARGIN", "updatedTime": "1697078946000", "unifiedMarginStatus": 6}
    return enveloped(said, call.now_ms)


def coins(call: DialectCall) -> Reply:
    """Every currency."""
    return enveloped({"rows": [coin_of(coin) for coin in call.listings.currencies]}, call.now_ms)


def markets(call: DialectCall) -> Reply | VenueRejection:
    """Every symbol with its filters."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    said = [market_of(listing) for listing in asked]
    return enveloped({"category": call.params.get("category"), "list": said}, call.now_ms)


def tickers(call: DialectCall) -> Reply | VenueRejection:
    """The last day of one symbol, or of all."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    return enveloped({"category": "spot", "list": [ticker_of(listing) for listing in asked]}, call.now_ms)


def depth(call: DialectCall) -> Reply | VenueRejection:
    """The best prices, and nothing beyond them."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    bids, asks = [[f"{asked[0].bid:f}", "1000"]], [[f"{asked[0].ask:f}", "1000"]]
    return enveloped({"s": asked[0].id, "b": bids, "a": asks, "ts": call.now_ms, "u": 1}, call.now_ms)


def klines(call: DialectCall) -> Reply | VenueRejection:
    """Candles of a symbol, newest first."""
    asked, interval = _asked(call), call.params["interval"]
    if isinstance(asked, VenueRejection):
        return asked
    step_ms = _UNITS_MS[interval] if interval in _UNITS_MS else int(interval) * _MINUTE_MS
    start, limit = call.params.get("start"), int(call.params.get("limit", 200))
    since_ms = None if start is None else int(start)
    listed = bars(asked[0], step_ms, now_ms=call.now_ms, since_ms=since_ms, limit=limit)
    said = [[str(bar[0]), *(f"{x:f}" for x in bar[1:]), f"{bar[4] * bar[5]:f}"] for bar in listed]
    return enveloped({"symbol": asked[0].id, "category": "spot", "list": said[::-1]}, call.now_ms)


def fees(call: DialectCall) -> Reply | VenueRejection:
    """What trading costs."""
    asked, all_fees = _asked(call), call.listings
    if isinstance(asked, VenueRejection):
        return asked
    said = [
        {"symbol": one.id, "makerFeeRate": f"{all_fees.maker_fee}", "takerFeeRate": f"{all_fees.taker_fee}"}
        for one in asked
    ]
    return enveloped({"list": said}, call.now_ms)


def _asked(call: DialectCall) -> list[ListedSymbol] | VenueRejection:
    """The listings a request is about, by `symbol`, or all; none in categories other than spot."""
    if call.params.get("category", "spot") != "spot":
        return []
    if (market_id := call.params.get("symbol")) is None:
        return list(call.listings)
    listing = call.listings.find(market_id)
    return VenueRejection.UNKNOWN_SYMBOL if listing is None else [listing]
