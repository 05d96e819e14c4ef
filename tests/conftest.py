"""An exchange in a process of its own, and the program set up to trade there."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def exchange_process(tmp_path) -> Iterator:
    """Start an exchange, binance by default: gives its address, or asks it for what is at a path."""
    started = []

    def start(*options: str, faults=(), dialect="binance"):
        script = tmp_path / "faults.json"
        script.write_text(json.dumps(list(faults)))
        command = [sys.executable, "-m", "tidegate.emulator", "--dialect", dialect, "--faults", str(script)]
        process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        address = json.loads(process.stdout.readline())["address"]

        def ask(path="", body=None, *, method=None):
            if not path:
                return address
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(address + path, data, method=method)
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.loads(answer.read())

        return ask

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def live_settings():
    """Write settings.json for live trading on an exchange of ours; gives the environment to run in."""

    def write(folder: Path, address: str, *, trader=(), timeframe="1m", logging=None, dialect="binance", **environ):
        from tidegate.emulator import settings_for

        block = settings_for(dialect, address)
        block["options"]["recvWindow"] = 1000
        settings = {
            "mode": "live",
            "symbols": ["BTC/USDT", "ETH/USDT"],
            "timeframe": timeframe,
            "signals": {"strategies": []},
            "validation": {"max_signal_age_ms": 60_000, "market": {"max_data_age_s": 600}},
            "execution": {
                "urgent_score": 0,
                "interval_s": 1,
                "first_after_s": 1,
                "signal_ttl_s": 600,
                "settle_s": 5,
                "reconcile_interval_s": 5,
                "order_creation_retry_delay_ms": 100,
            },
            "limits": {"max_open_positions": 10},
            "traders": [{"id": "main", "exchange": dialect, "ccxt": {**block, "timeout": 500}, **dict(trader)}],
            "market": {"history": 0},
            "journal": {"url": "sqlite:///journal.db"},
            "logging": logging or {"json_file": None, "level": "ERROR"},
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TIDEGATE_ALLOW_LIVE": "1",
            "TIDEGATE_SKIP_PERMISSION_CHECK": "1",
            "TIDEGATE_TRADER_MAIN_API_KEY": "key",
            "TIDEGATE_TRADER_MAIN_SECRET": "secret",
            **environ,
        }

    return write
