"""A thousand signals through a hostile exchange, over real HTTP, with the program killed in between."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("ccxt")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SIGNALS = 1000
HOSTILE = [
    {"refusal": "rate_limited", "nth": 300, "seconds": 1},
    {"refusal": "banned", "nth": 500, "seconds": 2},
    *({"kind": kind, "probability": 0.04} for kind in ("silent", "closed", "reset", "truncated", "empty")),
    {"refusal": "notional", "probability": 0.05},
    {"refusal": "percent_price", "probability": 0.05},
    {"kind": "hidden", "probability": 0.1, "seconds": 3},
    {"refusal": "internal_error", "on": "lookup", "probability": 0.1},
]


@pytest.fixture
def exchange(exchange_process):
    return exchange_process("--lag", "0.3", "--seed", "7", faults=HOSTILE)


def signals_in(folder: Path) -> None:
    lines = [
        {"symbol": ("BTC/USDT", "ETH/USDT")[n % 2], "side": "sell" if n % 10 == 9 else "buy", "strength": 0.9,
         "timestamp": "now", "key": f"k{n}", "source": "test"}
        for n in range(SIGNALS)
    ]  # fmt: skip
    (folder / "signals.jsonl").write_text("\n".join(map(json.dumps, lines)))


def events_in(journal: Path) -> int:
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT coalesce(max(position), 0) FROM commits").fetchone()[0]
    except sqlite3.Error:
        return 0


def run_until_killed(command: list[str], folder: Path, env: dict[str, str], events: int) -> None:
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends_at = time.monotonic() + 120
    while process.poll() is None and events_in(folder / "journal.db") < events and time.monotonic() < ends_at:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_exchange_s_ledger_and_the_journal_agree_order_by_order(exchange, live_settings, tmp_path):
    env = live_settings(tmp_path, exchange(), timeout_ms=500)
    signals_in(tmp_path)
    run = [sys.executable, str(ROOT / "run.py"), "run", "--signals", "signals.jsonl", "--until-idle"]
    random = Random(11)
    kills = sorted(random.sample(range(200, 2600), 4))
    for events in kills:
        run_until_killed(run, tmp_path, env, events)
        if random.random() < 0.5:
            exchange("/-/down", {"seconds": 0.5})
    last = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert last.returncode in (0, 3), last.stderr[-2000:]

    exported = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "export"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    truth = exchange("/-/ledger")
    placed_there = Counter(order["client_order_id"] for order in truth["accounts"]["key"]["orders"])
    assert len(lines) == SIGNALS
    for line in lines:
        there = [order_id for order_id in line["client_order_ids"] for _ in range(placed_there.pop(order_id, 0))]
        assert len(there) <= 1, f"placed twice: {line}"
        expected = {"placed": 1, "failed": 0, "refused": 0, "expired": 0}.get(line["outcome"])
        if expected is None:
            assert line["outcome"] == "parked", line
        else:
            assert len(there) == expected, line
    assert not placed_there, "orders that no signal knows of"
    outcomes = Counter(line["outcome"] for line in lines)
    reasons = Counter((line["outcome"], line["reason"], line["measured"], line["limit"]) for line in lines)
    assert outcomes["placed"] > 700, reasons.most_common(8)
    assert outcomes["failed"] > 20, outcomes
    assert truth["struck"]["silent"] > 10, truth["struck"]
    assert truth["struck"]["banned"] == truth["struck"]["rate_limited"] == 1
    assert truth["requests_during_ban"] <= 20, "more than the 16 orders and few reads on their way when it began"
