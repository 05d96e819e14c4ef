"""An exchange in a process of its own, and the program set up to trade there."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck

ROOT = Path(__file__).parents[1]
_RECEIVED_WITHIN_MS = 5000

hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")


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
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())

        return ask

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def live_settings():
    """Write settings.json for live trading on an exchange of ours; gives the environment to run in.

    An answer is waited for `timeout_ms`: for long enough on a busy machine, for less where many are meant to be lost.
    """

    def write(
        folder: Path,
        address: str,
        *,
        trader=(),
        timeframe="1m",
        logging=None,
        dialect="binance",
        timeout_ms=2000,
        **environ,
    ):
        from tidegate.emulator import settings_for

        block = settings_for(dialect, address)
        block["options"]["recvWindow"] = _RECEIVED_WITHIN_MS
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
                "settle_s": (_RECEIVED_WITHIN_MS + timeout_ms) / 1000,
                "reconcile_interval_s": 5,
                "order_creation_retry_delay_ms": 100,
            },
            "limits": {"max_open_positions": 10},
            "traders": [{"id": "main", "exchange": dialect, "ccxt": {**block, "timeout": timeout_ms}, **dict(trader)}],
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
