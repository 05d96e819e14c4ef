"""A journal in which every outcome stands once, and a way to ask about it."""

import asyncio
import contextlib
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.builders import fill
from tidegate.cli import main
from tidegate.domain import events as e
from tidegate.domain.identity import conflicting_id
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Raw, Side
from tidegate.journal.sqlite_journal import SqliteJournal

START_NS = 1_515_628_800_000_000_000  # 2018-01-11T00:00:00Z


def at(seconds):
    return START_NS + round(seconds * 1e9)


def accepted(**changes):
    return e.Accepted(**{"score": 0.8, "parts": (("strength", 0.9),), "expires_at_ns": at(120), **changes})


def intended(order_id, **changes):
    said = {
        "client_order_id": order_id,
        "trader": "paper",
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "amount": Decimal("0.02"),
        "price": Decimal(10_000),
        "attempt": 1,
        "reserved": Decimal("200.2"),
    }
    return e.Intent(**{**said, **changes})


@dataclass
class Scribe:
    """Writes a journal, each item as soon as it is told, or in one commit for all first events and one for the rest."""

    journal: SqliteJournal
    grouped: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    first: list[Item] = field(default_factory=list)
    later: list[tuple[int, str, tuple[e.Body, ...]]] = field(default_factory=list)

    def receive(self, name, seconds, body, raw=None, conflicts=False, **said):
        if raw is None:
            line = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": START_NS // 1_000_000}
            raw = json.dumps({**line, "source": "desk", "key": name, **said}).encode()
        signal, _ = read_signal(Raw(raw), at(seconds))
        signal_id = conflicting_id(signal.id, signal.content) if conflicts else signal.id
        self.ids[name] = signal_id
        self.first.append(
            Item(at(seconds), (body,), new=NewSignal(signal_id, signal.content, signal.raw, signal.source, signal.key))
        )

    def add(self, name, seconds, *bodies):
        self.later.append((seconds, name, bodies))

    def finish(self, pipeline=()):
        numbers = {}
        for group in self._groups([Item(at(-5), pipeline), *self.first] if pipeline else self.first):
            for answer in asyncio.run(self.journal.commit(group, {})):
                numbers.update({event.signal_id: event.number for event in answer.events})
        items = [
            Item(at(seconds), bodies, numbers[self.ids[name]], self.ids[name]) for seconds, name, bodies in self.later
        ]
        for group in self._groups(items):
            asyncio.run(self.journal.commit(group, {}))
        self.journal.close()
        return self.ids

    def _groups(self, items):
        return [items] if self.grouped else [[item] for item in items]


def tell_everything(path, grouped=False):
    """Write the journal; gives the signals' ids by name."""
    scribe = Scribe(SqliteJournal(f"sqlite:///{path}", mode="paper"), grouped)
    scribe.receive("placed", 0, accepted())
    scribe.receive("weak", 1, e.Refused(reason=Reason.WEAK, measured=0.2, limit=0.5, score=0.3), symbol="ETH/BTC")
    scribe.receive("malformed", 2, e.Refused(reason=Reason.MALFORMED, measured="no JSON"), raw=b'{"key": \x1b[31m\xff')
    scribe.receive("older", 3, accepted(generated=True))
    scribe.receive("newer", 4, accepted(generated=True))
    scribe.receive("expired", 5, accepted())
    scribe.receive("placing", 6, accepted())
    scribe.receive("unknown", 7, accepted())
    scribe.receive("failed", 8, accepted())
    scribe.receive("parked", 9, accepted(), source="=cmd()")
    conflict = e.Refused(reason=Reason.CONFLICT, measured="0a", limit="as first sent")
    scribe.receive("conflict", 10, conflict, conflicts=True, key="placed", strength=0.7)
    scribe.add("placed", 10, intended("c1"))
    scribe.add("older", 4, e.Superseded(by=scribe.ids["newer"]))
    deferred = e.Deferred(client_order_id="c1", reason=Reason.NEVER_SENT, detail="no route", retry_at_ns=at(11))
    scribe.add("placed", 10.5, deferred)
    scribe.add("placed", 12, intended("c2", attempt=2))
    first = fill("t1", "0.005", "10000", "0.1")
    placed = e.Placed(client_order_id="c2", venue_order_id="V-2", status=OrderStatus.OPEN, fills=(first,))
    scribe.add("placed", 12.25, placed)
    scribe.add("placed", 13, e.Filled(client_order_id="c2", fill=fill("t2", "0.015", "9996", "0.1")))
    scribe.add("placed", 13, e.OrderChanged(client_order_id="c2", status=OrderStatus.CLOSED))
    scribe.add("placed", 14, e.Redelivered())
    scribe.add("expired", 120, e.Expired(reason=Reason.POSITION_LIMIT, measured=11, limit=10))
    for name in ("placing", "unknown", "failed", "parked"):
        scribe.add(name, 20, intended(f"o-{name}"))
    scribe.add("unknown", 21, e.Unknown(client_order_id="o-unknown", detail="timeout"))
    scribe.add("parked", 21, e.Unknown(client_order_id="o-parked", detail="timeout"))
    scribe.add("parked", 90, e.Parked(client_order_id="o-parked", detail="no lookup"))
    scribe.add("failed", 21, e.Failed(client_order_id="o-failed", reason=Reason.REJECTED, detail="-2010 insufficient"))
    funded = e.Funded(trader="paper", balances={"USDT": Decimal(10_000)})
    return scribe.finish((e.Started(version="1", settings_hash="0"), funded))


@dataclass
class Asked:
    """The journal's file, the ids of its signals by name, and the command line."""

    path: str
    ids: dict[str, str]

    def __call__(self, *words, journal=None):
        return CliRunner().invoke(main, [*words, "--journal", journal or self.path])

    def json(self, *words):
        answer = self(*words, "--json")
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)


ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def in_a_terminal():
    """Run the command line in a terminal of so many columns; gives what it shows, line by line."""

    def run(*words, columns, colour=False):
        ours, theirs = pty.openpty()
        command = [sys.executable, str(ROOT / "run.py"), *words]
        environ = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
        environ |= {} if colour else {"NO_COLOR": "1"}
        with subprocess.Popen(command, stdout=theirs, env=environ, cwd=ROOT) as process:
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # how Linux says that the other side has gone
                while part := os.read(ours, 65536):
                    shown += part
            os.close(ours)
        assert process.returncode == 0
        return shown.decode().replace("\r\n", "\n").splitlines()

    return run


@pytest.fixture(scope="session")
def ask(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("journal") / "told.db")
    return Asked(path, tell_everything(path))


@pytest.fixture(scope="session")
def ask_grouped(tmp_path_factory):
    """The same, committed in two groups."""
    path = str(tmp_path_factory.mktemp("journal") / "grouped.db")
    return Asked(path, tell_everything(path, grouped=True))
