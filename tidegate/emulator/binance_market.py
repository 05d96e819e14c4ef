"""Markets and prices at Binance: its public requests."""

from __future__ import annotations

import orjson

from tidegate.emulator.binance_words import market_of, ticker_of
from tidegate.emulator.candles import bars
from tidegate.emulator.dialect import DialectCall
from tidegate.emulator.listing import ListedSymbol
from tidegate.emulator.reading import as_json
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply

__all__ = ["coins", "depth", "fees", "klines", "markets", "prices", "tickers"]

_MINUTE_MS = 60_000
_UNKNOWN = ("0.00000000", "0.00000000", "0")
_UNITS_MS = {"s": 1000, "m": _MINUTE_MS, "h": 60 * _MINUTE_MS, "d": 1440 * _MINUTE_MS, "w": 10080 * _MINUTE_MS}


def _asked(call: DialectCall) -> list[ListedSymbol] | VenueRejection:
    """The listings a public request is about, by `symbol`, by `symbols`, or all."""
    if "symbol" in call.params:
        ids = [call.params["symbol"]]
    elif "symbols" in call.params:
        ids = orjson.loads(call.params["symbols"])
    else:
        return list(call.listings)
    found = [listing for market_id in ids if (listing := call.listings.find(market_id)) is not None]
    return found if len(found) == len(ids) else VenueRejection.UNKNOWN_SYMBOL


def tickers(call: DialectCall) -> Reply | VenueRejection:
    """The last day of one symbol, of several, or of all."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    said = [ticker_of(listing, call.now_ms) for listing in asked]
    if call.params.get("symbol"):
        return as_json(said[0])
    return as_json(said)


def prices(call: DialectCall) -> Reply | VenueRejection:
    """The last price of the same."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    said = [{"symbol": listing.id, "price": f"{listing.bid:.8f}"} for listing in asked]
    return as_json(said[0] if call.params.get("symbol") else said)


def depth(call: DialectCall) -> Reply | VenueRejection:
    """The best prices, and nothing beyond them."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    bid, ask = f"{asked[0].bid:.8f}", f"{asked[0].ask:.8f}"
    return as_json({"lastUpdateId": call.now_ms, "bids": [[bid, "1000.00000000"]], "asks": [[ask, "1000.00000000"]]})


def klines(call: DialectCall) -> Reply | VenueRejection:
    """Candles of a symbol."""
    asked, interval = _asked(call), call.params["interval"]
    if isinstance(asked, VenueRejection):
        return asked
    step_ms = int(interval[:-1]) * _UNITS_MS[interval[-1]]
    since, limit = call.params.get("startTime"), int(call.params.get("limit", 500))
    since_ms = None if since is None else int(since)
    return as_json(
        [
            [bar[0], *(f"{x:.8f}" for x in bar[1:]), bar[0] + step_ms - 1, f"{bar[4] * bar[5]:.8f}", 9, *_UNKNOWN]
            for bar in bars(asked[0], step_ms, now_ms=call.now_ms, since_ms=since_ms, limit=limit)
        ]
    )


def markets(call: DialectCall) -> Reply | VenueRejection:
    """Every symbol with its filters."""
    asked = _asked(call)
    if isinstance(asked, VenueRejection):
        return asked
    said = {"timezone": "UTC", "serverTime": call.now_ms, "rateLimits": call.limits, "exchangeFilters": []}
    return as_json(said | {"symbols": [market_of(listing) for listing in asked]})


def coins(call: DialectCall) -> Reply | VenueRejection:
    """Every currency, and what is held of it."""
    held = call.account.ledger.holdings
    return as_json(
        [
            {
                "coin": coin,
                "depositAllEnable": True,
                "withdrawAllEnable": True,
                "name": coin,
                "free": f"{held.free[coin]:f}",
                "locked": f"{held.locked[coin]:f}",
                "isLegalMoney": False,
                "trading": True,
                "networkList": [],
            }
            for coin in call.listings.currencies
        ]
    )


def fees(call: DialectCall) -> Reply | VenueRejection:
    """What trading costs."""
    asked, fees = _asked(call), call.listings
    if isinstance(asked, VenueRejection):
        return asked
    return as_json(
        [
            {"symbol": one.id, "makerCommission": f"{fees.maker_fee}", "takerCommission": f"{fees.taker_fee}"}
            for one in asked
        ]
    )
