"""Exchanges of ccxt that speak to a wire of ours: everything above the socket is ccxt's own code."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

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
    """Stands where aiohttp's session does, keeps what is sent, and gives the answers in turn, the last one for ever."""

    headers: ClassVar = {}

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def _send(self, method, url, data, headers):
        self.sent.append((method, str(url), (data or b"").decode(), headers))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def get(self, url, *, data, headers, **_):
        return self._send("GET", url, data, headers)

    def post(self, url, *, data, headers, **_):
        return self._send("POST", url, data, headers)


@pytest.fixture
def answer():
    return Answer


@pytest.fixture
def on_wire():
    """Run `scenario(connection, wire)` on an exchange whose answers are given."""
    pytest.importorskip("ccxt")
    from adapters.ccxt_connection import connect

    def run(exchange_id, answers, scenario, block=None):
        async def main():
            wire = Wire(*answers)
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

        return asyncio.run(main())

    return run
