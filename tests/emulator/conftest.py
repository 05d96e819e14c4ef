"""A local exchange, and a ccxt class that takes it for the real one."""

import asyncio

import pytest

from tests.virtual_network import run as in_virtual_time


@pytest.fixture
def speak():
    """Run `scenario(exchange, client)` against a fresh exchange in virtual time, and return what it returns.

    `timeout_ms` is the client's; everything else is the exchange's. TLS needs real sockets, and real time.
    """
    ccxt = pytest.importorskip("ccxt.async_support")
    from tidegate.emulator import LocalExchange

    def run(dialect, scenario, *, timeout_ms=5000, **how):
        async def main(_=None):
            async with LocalExchange(dialect, **how) as exchange:
                settings = {**exchange.settings, "timeout": timeout_ms, "timeout_on_exit": 0, "verify": False}
                client = getattr(ccxt, dialect)(settings)
                try:
                    await client.load_markets()
                    if dialect == "bybit":
                        await client.is_unified_enabled()  # asks about the key, once, before the first order
                    return await scenario(exchange, client)
                finally:
                    await client.close()

        return asyncio.run(main()) if how.get("tls") else in_virtual_time(main)

    return run


@pytest.fixture(params=["binance", "bybit"])
def dialect(request):
    return request.param
