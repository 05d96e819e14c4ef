"""A live account that others trade on too, at an exchange with limits, where one read in seven fails.

Both keep their own books: at the end the journal has, order by order and coin by coin, what the exchange has.
"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from streams.state import State
from tidegate.journal.sqlite_journal import SqliteReader

pytest.importorskip("ccxt")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BTC, ETH = "BTC/USDT", "ETH/USDT"
READS = ("lookup", "open_orders", "recent", "trades", "balance", "markets", "prices", "candles", "time")
FAULTS = [
    *({"kind": kind, "on": on, "probability": 0.05} for on in READS for kind in ("silent", "closed", "error_page")),
    {"kind": "silent", "on": "create", "probability": 0.05},
]
STATUSES = {"open": "open", "filled": "closed", "canceled": "canceled"}
RECONCILED_WITHIN_S = 120
RESTING = 12
RESTING_SALES = 4
SIGNALS = 130 + RESTING_SALES


def line(n: int, symbol: str, side: str, **more: str) -> str:
    told = {"symbol": symbol, "side": side, "strength": 0.9, "timestamp": "now", "key": f"k{n}", "source": "test"}
    return json.dumps(told | more)


def buys() -> list[str]:
    """More than the exchange takes in ten seconds; the first ones rest below the market."""
    below = {BTC: "55000", ETH: "2800"}
    symbols = [(BTC, ETH)[n % 2] for n in range(SIGNALS - RESTING_SALES)]
    return [
        line(n, symbol, "buy", **({"price": below[symbol]} if n < RESTING else {})) for n, symbol in enumerate(symbols)
    ]


def sales() -> list[str]:
    """Some rest above the market."""
    return [
        line(SIGNALS - 1 - n, (BTC, ETH)[n % 2], "sell", price=("66000", "3300")[n % 2], quantity="0.01")
        for n in range(RESTING_SALES)
    ]


class Trading:
    """The program in a folder of its own, and the exchange that it trades on."""

    def __init__(self, folder: Path, env: dict[str, str], exchange) -> None:
        self.folder, self.env, self.exchange = folder, env, exchange
        self.running: subprocess.Popen[bytes] | None = None

    def start(self, lines: list[str]) -> None:
        (self.folder / "signals.jsonl").write_text("\n".join(lines))
        command = [sys.executable, str(ROOT / "run.py"), "run", "--signals", "signals.jsonl"]
        with (self.folder / "run.log").open("ab") as log:
            self.running = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log)

    def end(self, number: int) -> int:
        running, self.running = self.running, None
        running.send_signal(number)
        return running.wait(120)

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "run.py"), *words]
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300)

    def exported(self) -> list[dict]:
        return [json.loads(told) for told in self("export").stdout.splitlines()]

    def truth(self) -> dict:
        return self.exchange("/-/ledger")

    def ours(self, status: str | None = None) -> list[dict]:
        orders = self.truth()["accounts"]["key"]["orders"]
        return [it for it in orders if it["client_order_id"] and status in (None, it["status"])]

    def failed_reads(self) -> int:
        struck = Counter(self.truth()["struck"])
        return struck["error_page"] + struck["closed"]

    def wait_for(self, what: str, wanted, seconds: float = 600) -> None:
        ends = time.monotonic() + seconds
        while not wanted():
            assert self.running is None or self.running.poll() is None, (self.folder / "run.log").read_text()[-3000:]
            assert time.monotonic() < ends, f"not within {seconds} s: {what}; {self.outcomes()}"
            time.sleep(0.2)

    def outcomes(self) -> object:
        """For a person who reads why it failed."""
        counted = Counter((it["outcome"], it["reason"], str(it["measured"])) for it in self.exported())
        return counted, len(self.ours()), self.truth()["limits_exceeded"]


@pytest.fixture
def trading(exchange_process, live_settings, tmp_path):
    started = []

    def start(dialect: str) -> Trading:
        exchange = exchange_process("--limits", "--lag", "0.3", "--seed", "3", dialect=dialect)
        env = live_settings(
            tmp_path, exchange(), dialect=dialect, timeout_ms=500, TIDEGATE_EXECUTION__RECONCILE_INTERVAL_S="10"
        )
        started.append(Trading(tmp_path, env, exchange))
        return started[-1]

    yield start
    for it in started:
        if it.running is not None:
            it.end(signal.SIGKILL)


def strangers_history(exchange, page: int) -> None:
    """Within the hour, more orders and trades of a symbol than fit on a page of the exchange; two more orders rest."""
    for side in ("buy", "sell"):
        exchange("/-/order", {"symbol": BTC, "side": side, "amount": "0.001", "times": page // 2 + 10})
        exchange("/-/order", {"symbol": ETH, "side": side, "amount": "0.01", "times": 30})
    exchange("/-/order", {"symbol": BTC, "side": "buy", "amount": "0.01", "price": "50000"})
    exchange("/-/order", {"symbol": ETH, "side": "sell", "amount": "0.1", "price": "4000"})


def others_act(it: Trading) -> None:
    """Whatever happens at an exchange unobserved: of our resting orders one is filled, one partly and one canceled."""
    filled, partly, cut, canceled, *_ = (order["venue_order_id"] for order in it.ours("open"))
    it.exchange("/-/fill", {"venue_order_id": filled})
    for order_id in (partly, cut):
        it.exchange("/-/fill", {"venue_order_id": order_id, "amount": "0.0006"})
    for order_id in (cut, canceled):
        it.exchange("/-/cancel", {"venue_order_id": order_id})
    it.exchange("/-/order", {"symbol": BTC, "side": "sell", "amount": "0.5"})


def differences(it: Trading) -> list[object]:
    """What the journal has otherwise than the exchange, worked out from the exchange's orders and trades alone."""
    account = it.truth()["accounts"]["key"]
    theirs = {order["client_order_id"]: order for order in account["orders"] if order["client_order_id"]}
    found: list[object] = []
    for told in it.exported():
        (order,) = [theirs.pop(name) for name in told["client_order_ids"] if name in theirs] or [None]
        if order is None:
            found.append(told)
            continue
        filled, cost = Decimal(order["filled"]), Decimal(order["cost"])
        expected = ("placed", order["venue_order_id"], STATUSES[order["status"]], filled)
        if expected != (told["outcome"], told["venue_order_id"], told["order_status"], Decimal(told["filled"])):
            found.append((expected, told))
        elif filled and abs(Decimal(told["average"]) - cost / filled) > Decimal("1e-6"):
            found.append((cost / filled, told))
    found += theirs.values()
    held: Counter[str] = Counter()
    for trade in account["trades"]:
        if trade["client_order_id"]:
            amount, fee = Decimal(trade["amount"]), Decimal(trade["fee"])
            held[trade["symbol"]] += amount - fee if trade["side"] == "buy" else -amount
    positions = {line["symbol"]: Decimal(line["amount"]) for line in json.loads(it("positions", "--json").stdout)}
    if positions != dict(held):
        found.append((dict(held), positions))
    with closing(SqliteReader(f"sqlite:///{it.folder}/journal.db")) as reader:
        balances = State.of(reader).book.account("main").balances
    for coin, has in account["balances"].items():
        total = Decimal(has["free"]) + Decimal(has["locked"])
        if (booked := balances[coin].total if coin in balances else 0) != total:
            found.append((coin, total, booked))
    return found


@pytest.mark.parametrize(("dialect", "page"), [("binance", 1000), ("bybit", 100)])
def test_a_live_account_ends_reconciled_within_two_minutes_of_the_last_fault(trading, dialect, page):
    it = trading(dialect)
    strangers_history(it.exchange, page)
    it.exchange("/-/faults", FAULTS)

    it.start(buys())
    it.wait_for("resting orders", lambda: len(it.ours("open")) == RESTING and len(it.ours()) >= 70)
    it.end(signal.SIGKILL)
    others_act(it)
    it.start(buys() + sales())
    it.wait_for("an order after the restart", lambda: len(it.ours()) > 90)
    it.end(signal.SIGKILL)
    others_act(it)
    it.start(buys() + sales())
    it.wait_for("every signal's order", lambda: len(it.ours()) == SIGNALS)
    others_act(it)

    it.wait_for("failed reads", lambda: it.failed_reads() >= 6)
    it.exchange("/-/faults", method="DELETE")
    cleared = time.monotonic()
    told, differ = None, None
    while time.monotonic() - cleared < RECONCILED_WITHIN_S:
        told, differ = it("reconcile", "--json"), differences(it)
        if told.returncode == 0 and not differ:
            break
    assert differ == []
    assert told.returncode == 0, told.stdout + told.stderr
    print(f"{dialect}: reconciled {time.monotonic() - cleared:.1f} s after the last fault")  # noqa: T201

    assert it.end(signal.SIGTERM) == 0
    ended = time.monotonic()
    again = it("reconcile")
    while again.returncode and time.monotonic() - ended < RECONCILED_WITHIN_S:  # it keeps to the limits of requests
        time.sleep(1)
        again = it("reconcile")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("stranger") == 2
    assert again.stdout.endswith("the journal and the venues agree\n")
    assert differences(it) == []
    truth = it.truth()
    assert truth["accounts"]["key"]["duplicates"] == {}
    assert Counter(order["status"] for order in it.ours())["open"] == RESTING + RESTING_SALES - 9
    assert truth["limits_exceeded"] == {}
    assert truth["requests_during_ban"] == 0
