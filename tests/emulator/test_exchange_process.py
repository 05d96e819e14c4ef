"""An exchange in a process of its own, scripted and asked over HTTP."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ccxt = pytest.importorskip("ccxt.async_support")

from tidegate.emulator import settings_for  # noqa: E402

ROOT = Path(__file__).parents[2]
BTC = "BTC/USDT"


@pytest.fixture
def run(tmp_path):
    """Start an exchange with options; the processes are ended with the test."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "tidegate.emulator", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, json.loads(process.stdout.readline())["address"]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=60) as answer:
        return json.loads(answer.read())


def trade(dialect, address, scenario):
    import asyncio

    async def main():
        settings = settings_for(dialect, address)
        client = getattr(ccxt, dialect)({**settings, "apiKey": "key", "secret": "secret", "timeout_on_exit": 0})
        try:
            await client.load_markets()
            return await scenario(client)
        finally:
            await client.close()

    return asyncio.run(main())


async def place(client, client_order_id="c1", price=None):
    kind = "market" if price is None else "limit"
    return await client.create_order(BTC, kind, "buy", 0.01, price, {"clientOrderId": client_order_id})


def test_a_script_strikes_and_the_truth_is_written_at_the_end(run, dialect, tmp_path):
    script, truth = tmp_path / "faults.json", tmp_path / "ledger.json"
    script.write_text('[{"kind": "closed"}]')
    process, address = run("--dialect", dialect, "--faults", str(script), "--ledger", str(truth))

    async def scenario(client):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await place(client)

    trade(dialect, address, scenario)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    written = json.loads(truth.read_text())
    (order,) = written["accounts"]["key"]["orders"]
    assert (order["client_order_id"], order["status"], order["filled"]) == ("c1", "filled", "0.01")
    assert (written["asked"]["create"], written["struck"]) == (1, {"closed": 1})


def test_another_process_scripts_it_and_reads_the_truth(run):
    _, address = run("--dialect", "binance")

    async def scenario(client):
        placed = await place(client, price=50000)
        ask("POST", f"{address}/-/state", {"lag_s": 3600})
        await place(client, "c2", price=50000)
        assert [order["id"] for order in await client.fetch_open_orders(BTC)] == [placed["id"]]
        ask("POST", f"{address}/-/price", {"symbol": BTC, "bid": "50001", "ask": "50002"})
        ask("POST", f"{address}/-/fill", {"venue_order_id": placed["id"], "amount": "0.004"})
        ask("POST", f"{address}/-/cancel", {"venue_order_id": placed["id"]})
        ask("POST", f"{address}/-/faults", [{"refusal": "lot_size", "times": 0}])
        with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE"):
            await place(client, "c3")
        ask("DELETE", f"{address}/-/faults")
        ask("POST", f"{address}/-/state", {"halted": {BTC: True}})
        with pytest.raises(ccxt.MarketClosed):
            await place(client, "c4")
        ask("POST", f"{address}/-/state", {"revoked": {"key": True}})
        with pytest.raises(ccxt.BaseError, match="-2015"):
            await place(client, "c5")
        ask("POST", f"{address}/-/advance", {"seconds": 3600})
        ask("POST", f"{address}/-/state", {"revoked": {"key": False}, "maintenance": False})
        with pytest.raises(ccxt.InvalidNonce):
            await place(client, "c6")

    trade("binance", address, scenario)
    truth = ask("GET", f"{address}/-/ledger")
    account = truth["accounts"]["key"]
    told = [(order["client_order_id"], order["status"], order["filled"]) for order in account["orders"]]
    assert told == [("c1", "canceled", "0.004"), ("c2", "open", "0")]
    assert [(one["amount"], one["price"], one["is_maker"]) for one in account["trades"]] == [("0.004", "50000", True)]
    assert account["balances"]["USDT"]["locked"].startswith("500.0")
    assert account["duplicates"] == {}


def test_somebody_else_trades_on_the_account(run, dialect):
    _, address = run("--dialect", dialect)
    ask("POST", f"{address}/-/order", {"symbol": BTC, "side": "buy", "amount": "0.01", "price": "50000"})
    ask("POST", f"{address}/-/order", {"symbol": BTC, "side": "sell", "amount": "0.02", "times": 3})
    account = ask("GET", f"{address}/-/ledger")["accounts"]["key"]
    assert [(order["side"], order["status"]) for order in account["orders"]] == [
        ("buy", "open"),
        *[("sell", "filled")] * 3,
    ]
    assert {order["client_order_id"] for order in account["orders"]} == {""}
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("POST", f"{address}/-/order", {"symbol": BTC, "side": "buy", "amount": "0"})
    assert caught.value.code == 400
    caught.value.close()


def test_it_can_be_away_for_a_while(run):
    _, address = run("--dialect", "binance")
    ask("POST", f"{address}/-/down", {"seconds": 0.2})
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask("GET", f"{address}/-/ledger")
    while True:  # as long as the test's own time limit lets it
        try:
            assert ask("GET", f"{address}/-/ledger")["requests"] == 0
            break
        except urllib.error.URLError:
            continue


def test_each_account_has_the_balances_given(run, tmp_path):
    balances = tmp_path / "balances.json"
    balances.write_text('{"USDT": "12.5"}')
    _, address = run("--dialect", "bybit", "--balances", str(balances))
    assert ask("GET", f"{address}/-/ledger")["accounts"]["key"]["balances"] == {"USDT": {"free": "12.5", "locked": "0"}}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/-/nothing", {}, 404, id="a path there is not"),
        pytest.param("/-/faults", [{"kind": "tired"}], 400, id="a fault there is not"),
        pytest.param("/-/down", {"minutes": 1}, 400, id="a time in minutes"),
        pytest.param("/-/price", {"symbol": "X/Y", "bid": "1", "ask": "2"}, 400, id="a symbol there is not"),
        pytest.param("/-/fill", {"venue_order_id": "1"}, 400, id="an order there is not"),
    ],
)
def test_what_cannot_be_done_is_said(run, path, body, status):
    _, address = run("--dialect", "binance")
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("POST", address + path, body)
    assert caught.value.code == status
    caught.value.close()
