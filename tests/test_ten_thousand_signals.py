"""Ten thousand signals of every kind through the real program, killed again and again: nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tidegate.domain.errors import JournalRefused
from tidegate.journal.sqlite_journal import SqliteReader

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, str(ROOT / "run.py")]
COUNT = 10_000
SETTINGS = {
    "validation": {"max_signal_age_ms": 3_600_000},
    "execution": {"signal_ttl_s": 3600, "order_creation_retries": 20},  # each kill may cost an attempt
    "dedup": {"window_s": 3600},
    "sizing": {"sell_holdings": True},
    "limits": {"max_open_positions": 1000, "max_order_notional": "1000000"},
    "traders": [{"id": "paper", "balances": dict.fromkeys(("USDT", "BTC", "ETH", "SOL", "XRP"), "1000000000")}],
    "logging": {"json_file": None},
}


def line(number: int, **fields: object) -> dict[str, object]:
    symbol = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")[number % 4]
    side = "sell" if number % 3 else "buy"
    said = {"symbol": symbol, "side": side, "strength": 0.9, "timestamp": "now", "key": f"k{number}"}
    return {**said, "source": f"source {number}", **fields}


def written(chance: random.Random) -> tuple[list[bytes], Counter[str]]:
    """Lines of every kind, and how many signals should end for which reason (or placed)."""
    lines: list[bytes] = []
    expected: Counter[str] = Counter()
    good: list[dict[str, object]] = []
    now_ms = time.time_ns() // 1_000_000
    for number in range(COUNT):
        kinds = ("placed", "redelivered", "repeat", "stale", "weak", "malformed", "conflict", "too small", "expired")
        (kind,) = chance.choices(kinds if good else ["placed"], [58, 8, 6, 6, 6, 6, 6, 2, 2] if good else [1])
        said = line(number)
        match kind:
            case "placed":
                good.append(said)
            case "redelivered":
                said = chance.choice(good)
            case "repeat":
                said = {**chance.choice(good), "key": f"k{number}"}
            case "stale":
                said = line(number, timestamp=now_ms - 7_200_000)
            case "weak":
                said = line(number, strength=0.1)
            case "malformed":
                said = line(number, side=f"hold {number}")
            case "conflict":
                said = {**chance.choice(good), "strength": 0.5 + number / (4 * COUNT)}
            case "expired":
                said = line(number, ttl_s=0.001)
            case "too small":
                said = line(number, side="buy", quantity="0.00001")
        expected[{"too small": "below_minimum"}.get(kind, kind)] += 1
        lines.append(json.dumps(said).encode())
    return lines, expected


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str]]:
    lines, expected = written(random.Random(7))
    path = tmp_path_factory.mktemp("signals") / "signals.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path, expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    return tmp_path


def started(folder: Path, signals: Path) -> subprocess.Popen[bytes]:
    command = [*RUN, "run", "--signals", str(signals), "--until-idle"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def asked(folder: Path, *question: str) -> bytes:
    return subprocess.run([*RUN, *question], cwd=folder, check=True, capture_output=True).stdout


def exported(folder: Path) -> list[dict[str, object]]:
    return [json.loads(row) for row in asked(folder, "export", "--format", "jsonl").splitlines()]


def ended(row: dict[str, object]) -> str:
    return str(row["outcome"] if row["outcome"] in ("placed", "expired") else row["reason"])


def head(url: str) -> int:
    try:
        reader = SqliteReader(url)
    except JournalRefused:
        return 0
    try:
        return reader.head()
    finally:
        reader.close()


def test_every_signal_has_its_outcome_and_reason_and_why_tells_it(folder, signals):
    path, expected = signals
    assert started(folder, path).wait(300) == 0
    rows = exported(folder)
    redelivered = expected["redelivered"]
    report = json.loads(asked(folder, "report", "--json"))
    assert (report["balanced"], report["received"], report["redelivered"]) == (True, COUNT - redelivered, redelivered)
    assert Counter(map(ended, rows)) == expected - Counter(redelivered=redelivered)
    for reason in expected:
        row = next((row for row in rows if ended(row) == reason), None)
        if row is not None:
            told = json.loads(asked(folder, "why", str(row["signal_id"]), "--json"))
            assert str(row["signal_id"]) in json.dumps(told)
            assert reason in json.dumps(told)


def test_kills_change_no_outcome_lose_nothing_and_order_nothing_twice(folder, signals, tmp_path):
    path, expected = signals
    chance = random.Random(11)
    url = f"sqlite:///{folder}/data/journal.db"
    kills = 0
    for _ in range(8):
        until = head(url) + chance.randrange(200, 6000)
        process = started(folder, path)
        while process.poll() is None:
            time.sleep(0.02)
            if head(url) >= until:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                process.wait(60)
    assert kills >= 3
    process = started(folder, path)
    assert process.wait(300) == 0
    rows = exported(folder)
    assert Counter(map(ended, rows)) == expected - Counter(redelivered=expected["redelivered"])
    orders = Counter(row["venue_order_id"] for row in rows if row["outcome"] == "placed")
    assert max(orders.values()) == 1
    assert json.loads(asked(folder, "report", "--json"))["balanced"] is True
