"""Two traders with keys of one account: found before anything is traded, by whatever tells them apart."""

import json
from decimal import Decimal

import pytest

pytest.importorskip("ccxt")

from tests.virtual_network import run
from tidegate.assembly.real import RealVenues
from tidegate.domain.errors import SettingsError
from tidegate.domain.signal import OrderType, Side
from tidegate.emulator import LocalExchange, settings_for
from tidegate.emulator.orders import NewOrder
from tidegate.settings import load_settings

ENVIRON = {
    "TIDEGATE_TRADER_ONE_API_KEY": "a",
    "TIDEGATE_TRADER_ONE_SECRET": "sa",
    "TIDEGATE_TRADER_TWO_API_KEY": "b",
    "TIDEGATE_TRADER_TWO_SECRET": "sb",
    "TIDEGATE_SKIP_PERMISSION_CHECK": "1",
}


def opened(dialect, change=lambda exchange: None, **environ):
    """Open two traders on a fresh exchange with the accounts of the keys a and b."""

    async def main(loop):
        async with LocalExchange(dialect, secrets={"a": "sa", "b": "sb"}) as exchange:
            change(exchange)
            block = {**settings_for(dialect, exchange.address), "timeout": 2000, "timeout_on_exit": 0}
            traders = [{"id": name, "exchange": dialect, "ccxt": block} for name in ("one", "two")]
            settings = load_settings(
                environ={"TIDEGATE_ALLOW_LIVE": "1"},
                overrides={"mode": "live", "symbols": '["BTC/USDT"]', "timeframe": "1m", "market.history": "0",
                           "traders": json.dumps(traders)},
            )  # fmt: skip
            real = RealVenues(settings, loop.clock(), environ=ENVIRON | environ)
            try:
                await real.open()
            finally:
                await real.close()
            return [venue.trader for venue in real.venues]

    return run(main)


def one_owner(exchange):
    exchange.accounts["b"].user_id = exchange.accounts["a"].user_id


def one_ledger(exchange):
    """The venue does not tell whose a key is, but both list the same orders."""
    ledger = exchange.accounts["b"].ledger = exchange.accounts["a"].ledger
    exchange.accounts["a"].user_id = exchange.accounts["b"].user_id = None
    order = NewOrder(
        id="BTCUSDT",
        client_order_id="abc",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        amount=Decimal("0.01"),
        price=Decimal(50_000),
    )
    ledger.create(order, exchange.now_ms())


def strangers(exchange):
    exchange.accounts["a"].user_id = exchange.accounts["b"].user_id = None


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
@pytest.mark.parametrize(
    ("change", "environ", "why"),
    [
        pytest.param(
            strangers,
            {"TIDEGATE_TRADER_TWO_API_KEY": "a", "TIDEGATE_TRADER_TWO_SECRET": "sa"},
            "they have the same API key",
            id="the same key",
        ),
        pytest.param(one_owner, {}, "the venue reports for both: account 24600000", id="two keys of one account"),
        pytest.param(one_ledger, {}, "the venue reports for both: order 4000000001", id="the same orders"),
    ],
)
def test_two_traders_on_one_account_are_refused_by_name(dialect, change, environ, why):
    with pytest.raises(SettingsError) as refused:
        opened(dialect, change, **environ)
    said = str(refused.value)
    assert said.startswith("traders.one and traders.two are one account")
    assert why in said
    assert "give it the keys of another account" in said


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
@pytest.mark.parametrize("change", [lambda exchange: None, strangers], ids=["by account", "by orders"])
def test_two_accounts_are_two(dialect, change):
    assert opened(dialect, change) == ["one", "two"]
