"""The real program, killed with SIGKILL at one request after the other, before it arrives and before it is answered.

The journal is a real SQLite file, the venue a process of its own; in between sits a relay that counts what is signed.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("ccxt")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, str(ROOT / "run.py"), "run", "--signals", "signals.jsonl", "--until-idle"]
AT_ONCE = 2
FIRST, LAST = 5, 24  # request by request, before and after; the very first only ask who we are


class Relay(ThreadingHTTPServer):
    """Hands requests on, and kills whoever sends the nth that is signed: before or after the venue has it."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__(("127.0.0.1", 0), Handed)
        self.venue = urlsplit(address)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.aim(0)

    def handle_error(self, *_: object) -> None:
        """Whoever was killed hangs up in the midst of things."""

    def aim(self, nth: int) -> None:
        self.nth, self.seen, self.pid = nth, 0, 0
        self.struck = threading.Event()

    def is_the_one(self) -> bool:
        with self.lock:
            self.seen += 1
            return self.seen == (self.nth + 1) // 2

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.struck.set()


class Handed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Relay

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        strikes = "X-MBX-APIKEY" in self.headers and self.server.is_the_one()
        if strikes and self.server.nth % 2:
            self.server.kill()
            return
        venue = http.client.HTTPConnection(self.server.venue.hostname, self.server.venue.port, timeout=60)
        venue.request(self.command, self.path, body, dict(self.headers))
        answer = venue.getresponse()
        said = answer.read()
        if strikes:
            self.server.kill()
            return
        self.send_response(answer.status)
        for name in ("Content-Type", "Retry-After"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        venue.close()

    do_GET = do_POST = do_DELETE = do_PUT = hand_on  # noqa: N815 - the base class calls them so

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def relay(exchange_process) -> Iterator:
    exchange = exchange_process("--lag", "0.2", "--seed", "3")
    server = Relay(exchange())
    server.exchange = exchange
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def signals_until(folder: Path, start: int) -> None:
    """Every start has two signals more, so that there are always orders on their way."""
    lines = [
        {"symbol": ("BTC/USDT", "ETH/USDT")[n % 2], "side": "buy", "strength": 0.9, "timestamp": "now", "key": f"k{n}"}
        for n in range(start * AT_ONCE)
    ]
    (folder / "signals.jsonl").write_text("\n".join(json.dumps({**line, "source": "test"}) for line in lines))


def test_killed_at_every_request_the_ledger_and_the_journal_agree(relay, live_settings, tmp_path):
    secret = "secret"
    env = live_settings(tmp_path, relay.address, TIDEGATE_LOG="off")
    said = ""
    for start, nth in enumerate([*range(FIRST, LAST + 1), 0], 1):
        signals_until(tmp_path, start)
        relay.aim(nth)
        process = subprocess.Popen(
            RUN, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        relay.pid = process.pid
        said += process.communicate(timeout=300)[0]
        assert process.returncode == (-signal.SIGKILL if nth else 0), said[-2000:]
        assert relay.struck.is_set() == bool(nth)

    exported = subprocess.run([*RUN[:2], "export"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    there = Counter(order["client_order_id"] for order in relay.exchange("/-/ledger")["accounts"]["key"]["orders"])
    assert len(lines) == start * AT_ONCE
    for line in lines:
        orders = [order_id for order_id in line["client_order_ids"] for _ in range(there.pop(order_id, 0))]
        assert len(orders) == (line["outcome"] == "placed"), line
    assert not there, "orders that no signal knows of"
    assert Counter(line["outcome"] for line in lines)["placed"] > len(lines) / 2
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert secret.encode() not in kept
    assert secret not in said + exported.stdout
