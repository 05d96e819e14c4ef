"""`replay`: the same input and settings give the same digest, whatever the hash seed and the size of the groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket

ROOT = Path(__file__).parents[1]
RECORDED = ROOT.parent / "shared" / "data" / "candles"
DAY_NS = 86_400_000_000_000
FIVE_MINUTES_NS = 300_000_000_000


def replayed(folder: Path, candles: list[Path], *more: str, hash_seed: str = "0") -> dict[str, object]:
    named = [argument for path in candles for argument in ("--candles", str(path))]
    command = [sys.executable, str(ROOT / "run.py"), "replay", *named, "--json", *more]
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(folder)}
    told = subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)
    report: dict[str, object] = json.loads(told.stdout)
    return report


@pytest.fixture
def simulated(tmp_path: Path) -> list[Path]:
    market = SimulatedMarket(3)
    paths = [tmp_path / "BTC-USDT-5m.csv", tmp_path / "ETH-USDT-5m.csv"]
    for path, symbol in zip(paths, ("BTC/USDT", "ETH/USDT"), strict=True):
        write_candles(path, market.history(symbol, FIVE_MINUTES_NS, 600, 20_000 * DAY_NS))
    return paths


def test_a_replay_is_the_same_every_time_whatever_the_hash_seed_and_the_groups(tmp_path, simulated):
    first = replayed(tmp_path, simulated)
    assert first["balanced"] is True
    assert first["placed"]
    others = [
        replayed(tmp_path, simulated, "--set", "journal.group_max=1", hash_seed="1"),
        replayed(tmp_path, list(reversed(simulated)), "--set", "journal.group_max=7", hash_seed="2"),
    ]
    assert {other["digest"] for other in others} == {first["digest"]}


def test_another_setting_gives_another_digest(tmp_path, simulated):
    calm = replayed(tmp_path, simulated, "--set", "validation.min_signal_strength=0.7")
    assert calm["digest"] != replayed(tmp_path, simulated)["digest"]


def test_the_report_of_a_replay_is_that_of_its_journal(tmp_path, simulated):
    (tmp_path / "own.py").write_text(
        "def make():\n"
        "    def on_candle(candle):\n"
        "        if candle.opened_at_ns // candle.timeframe_ns % 50 == 0:\n"
        "            raise ValueError('a candle too many')\n"
        "    return on_candle\n"
    )
    (tmp_path / "signals.jsonl").write_text('{"symbol": "?"}')
    strategies = '[{"name": "ema_cross"}, {"name": "breakout"}, {"name": "own:make"}]'
    rich = ("--set", f"signals.strategies={strategies}", "--signals", "signals.jsonl")
    report = replayed(tmp_path, simulated, *rich, "--journal", "kept.db")
    asked = [sys.executable, str(ROOT / "run.py"), "report", "--journal", "kept.db", "--json"]
    told = json.loads(subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True).stdout)
    assert told == report
    assert all(report[figure] for figure in ("placed", "refused", "reasons", "faults", "money", "prices", "fees"))
    assert report["latency_ms"]["total"]["p99"]


def test_recorded_signals_are_delivered_at_their_time(tmp_path, simulated):
    first_ms = (20_000 * DAY_NS - 300 * FIVE_MINUTES_NS) // 1_000_000
    lines = [
        {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": first_ms + n * 600_000, "source": "me"}
        for n in range(5)
    ]
    (tmp_path / "signals.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"symbol": "?"}])))
    quiet = ("--set", "signals.strategies=[]", "--signals", "signals.jsonl")
    report = replayed(tmp_path, simulated, *quiet)
    assert (report["received"], report["placed"], report["reasons"]) == (6, 5, {"malformed": 1})


@pytest.mark.skipif(not RECORDED.exists(), reason=f"the recorded candles are not at {RECORDED}")
def test_real_candles_give_orders_and_balance_and_the_same_digest_twice(tmp_path):
    candles = [RECORDED / "ETH-BTC-5m.csv", RECORDED / "LTC-BTC-5m.csv"]
    first = replayed(tmp_path, candles, hash_seed="0")
    assert first["balanced"] is True
    assert isinstance(first["placed"], int)
    assert first["placed"] > 100
    assert replayed(tmp_path, candles, hash_seed="5")["digest"] == first["digest"]
