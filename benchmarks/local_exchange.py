"""A local exchange in a process of its own, and who speaks to it: plain ccxt, and an account of ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate.clock import Clock

if TYPE_CHECKING:
    from tidegate.venues.ccxt.venue import CcxtVenue

__all__ = ["AMOUNT", "PLENTY", "PRICE", "SYMBOL", "connected", "create_order", "local_exchange", "plain_ccxt"]

SYMBOL = "BTC/USDT"
AMOUNT, PRICE, PLENTY = Decimal("0.00099"), Decimal("60000.01"), Decimal(10**9)
_KEYS = {"apiKey": "key", "secret": "secret"}
_ROOT = Path(__file__).parents[1]
_ids = count()


async def create_order(exchange: Any) -> None:
    """Let ccxt create an order like those that are measured, under an id of its own."""
    params = {"clientOrderId": f"abcd{next(_ids):014x}"}
    await exchange.create_order(SYMBOL, "limit", "buy", format(AMOUNT, "f"), format(PRICE, "f"), params)


@contextmanager
def local_exchange(folder: Path) -> Iterator[str]:
    """The address of one that speaks Binance's dialect, where everybody is rich."""
    balances = folder / "balances.json"
    balances.write_text(json.dumps({"USDT": str(PLENTY), "BTC": str(PLENTY)}))
    command = [sys.executable, "-m", "tidegate.emulator", "--dialect", "binance", "--balances", str(balances)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None  # noqa: S101
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.kill()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[CcxtVenue]:
    """An account of ours there."""
    from tidegate.emulator import settings_for
    from tidegate.venues.ccxt.connection import connect
    from tidegate.venues.ccxt.venue import CcxtVenue

    connection = connect("binance", settings_for("binance", address), _KEYS, trader="main")
    venue = CcxtVenue("main", connection, [SYMBOL], clock=Clock.live(asyncio.get_running_loop()))
    await venue.open()
    try:
        yield venue
    finally:
        await venue.close()


@asynccontextmanager
async def plain_ccxt(address: str) -> AsyncIterator[Any]:
    """ccxt there, as it comes, with its markets loaded."""
    from tidegate.emulator import settings_for
    from tidegate.venues.ccxt.connection import connect

    kind = type(connect("binance", {}, _KEYS, trader="main").exchange)
    exchange = kind({**settings_for("binance", address), **_KEYS})
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()
