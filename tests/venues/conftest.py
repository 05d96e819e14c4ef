"""Exchanges of ccxt that speak to a wire of ours: everything above the socket is ccxt's own code."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from tests.builders import order
from tests.virtual_network import run as in_virtual_time
from tidegate.domain.signal import Side

SYMBOL = "BTC/USDT"
IDS = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT", "kraken": "XBTUSDT"}
SETTINGS = {"bybit": {"options": {"enableUnifiedMargin": False, "enableUnifiedAccount": True}}}


@dataclass
class Answer:
    """What comes back: a status with a body, or an error before or while the body is read."""

    body: object = ""
    status: int = 200
    headers: dict = field(default_factory=dict)
    error: BaseException | None = None
    while_reading: bool = False
    reason = "Reason"
    content = b""

    async def __aenter__(self):
        await asyncio.sleep(0)
        if self.error is not None and not self.while_reading:
            raise self.error
        return self

    async def __aexit__(self, *_):
        return False

    async def text(self, errors):
        if self.error is not None:
            raise self.error
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


class Wire:
    """Stands where aiohttp's session does, keeps what is sent, and gives the answers in turn, the last one for ever.

    Where `answers` is by path, each path has answers of its own.
    """

    headers: ClassVar = {}

    def __init__(self, answers):
        by_path = answers if isinstance(answers, dict) else {"": answers}
        self.answers, self.sent = {path: list(some) for path, some in by_path.items()}, []

    def _send(self, method, url, data, headers):
        self.sent.append((method, str(url), (data or b"").decode(), headers))
        answers = self.answers.get(urlsplit(str(url)).path) or self.answers[""]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def get(self, url, *, data, headers, **_):
        return self._send("GET", url, data, headers)

    def post(self, url, *, data, headers, **_):
        return self._send("POST", url, data, headers)


@pytest.fixture
def answer():
    return Answer


@pytest.fixture
def on_wire():
    """Run `scenario(connection, wire)` on an exchange whose answers are given, in virtual time."""
    pytest.importorskip("ccxt")

    def run(exchange_id, answers, scenario, block=None):
        return in_virtual_time(lambda _: _on_wire(exchange_id, answers, scenario, block))

    return run


@pytest.fixture
def venue_on_wire():
    """Run `scenario(venue, wire)` on an account of an exchange whose answers are given, in virtual time."""
    pytest.importorskip("ccxt")
    from tidegate.venues.ccxt.venue import CcxtVenue

    def run(exchange_id, answers, scenario):
        async def main(connection, wire):
            venue = CcxtVenue("main", connection, [SYMBOL], clock=asyncio.get_running_loop().clock())
            return await scenario(venue, wire)

        return in_virtual_time(lambda _: _on_wire(exchange_id, answers, main))

    return run


async def _on_wire(exchange_id, answers, scenario, block=None):
    from tidegate.venues.ccxt.connection import connect

    wire = Wire(answers)
    settings = {"session": wire, "verify": False, "timeout_on_exit": 0}
    settings |= SETTINGS.get(exchange_id, {}) | (block or {})
    credentials = {"apiKey": "the-key", "secret": "dGhlIHNlY3JldA==", "password": "the-passphrase"}
    connection = connect(exchange_id, settings, credentials, trader="main")
    market = {
        "id": IDS.get(exchange_id, "BTCUSDT"),
        "symbol": SYMBOL,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "contract": False,
        "swap": False,
        "option": False,
        "active": True,
        "precision": {"amount": 0.00001, "price": 0.01},
        "info": {"orderTypes": ["LIMIT", "MARKET"]},
    }
    connection.exchange.set_markets([connection.exchange.safe_market_structure(market)])
    try:
        return await scenario(connection, wire)
    finally:
        await connection.close()


@pytest.fixture
def order_request():
    """A request under an id of ours: `order_request(1, price=None)` asks to buy at the market."""

    def make(number=1, *, price="60000.01", side=Side.BUY, symbol=SYMBOL):
        return order(side, "0.01", price, f"abcd{number:014x}", symbol=symbol, trader="main", reserved="0")

    return make


@pytest.fixture(params=["binance", "bybit"])
def live(request):
    """Run `scenario(venue, exchange)` on a fresh exchange, in virtual time."""
    pytest.importorskip("ccxt")
    from tidegate.emulator import LocalExchange, settings_for
    from tidegate.venues.ccxt.connection import connect
    from tidegate.venues.ccxt.venue import CcxtVenue

    def run(scenario, *, symbols=(SYMBOL,), **how):
        async def main(loop):
            async with LocalExchange(request.param, **how) as exchange:
                block = settings_for(request.param, exchange.address) | {"timeout": 300, "timeout_on_exit": 0}
                connection = connect(request.param, block, {"apiKey": "key", "secret": "secret"}, trader="main")
                venue = CcxtVenue("main", connection, symbols, clock=loop.clock())
                try:
                    await venue.open()
                    return await scenario(venue, exchange)
                finally:
                    await venue.close()

        return in_virtual_time(main)

    return run
