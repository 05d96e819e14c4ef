"""A journal from before numbers counted by value: what it knows, it still knows."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from tidegate.domain import events as e
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.journal.sqlite_journal import SqliteJournal

START_NS = 1_735_689_600_000_000_000
LINE = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": START_NS // 1_000_000, "source": "desk"}


def written(url: str, line: dict[str, object], *bodies: e.Body) -> str:
    """A journal in which an earlier version recorded this line; gives the id it gave it."""
    payload = json.dumps(line).encode()
    signal, _ = read_signal(Raw(payload), START_NS)
    assert signal.as_written
    signal_id = signal.id if "key" in line else signal.as_written.hex()
    journal = SqliteJournal(url, mode="paper")
    new = NewSignal(signal_id, signal.as_written, payload)
    asyncio.run(journal.commit([Item(START_NS, bodies, new=new)], {}))
    journal.close()
    return signal_id


@pytest.mark.parametrize("key", [{}, {"key": "k"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize("price", ["100.0", 1e2, "1e2"])
def test_a_redelivery_of_what_an_earlier_version_recorded_is_one(stage, tmp_path, key, price):
    url, line = f"sqlite:///{tmp_path}/journal.db", {**LINE, **key, "price": price}
    written(url, line, e.Refused(reason="weak", measured=0.1, limit=0.5))
    it = stage(url, start_ns=START_NS + 10**9).start()
    it.send_bytes(json.dumps(line).encode())
    it.run(1)
    assert it.kinds() == ["refused", "redelivered"]
    assert it.receipts[0].redelivered


def test_other_content_under_its_key_is_still_a_conflict(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    written(url, {**LINE, "key": "k", "price": "100.0"}, e.Refused(reason="weak", measured=0.1, limit=0.5))
    it = stage(url, start_ns=START_NS + 10**9).start()
    it.send_bytes(json.dumps({**LINE, "key": "k", "price": "101.0"}).encode())
    it.run(1)
    assert [refused.reason for refused in it.bodies(e.Refused)] == ["weak", "conflict"]


def test_two_notations_at_once_are_one_signal(stage):
    it = stage().start()
    for price in ("100", "100.0", 1e2):
        it.send_bytes(json.dumps({**LINE, "price": price}).encode())
    it.run(1)
    assert it.kinds() == ["accepted", "redelivered", "redelivered"]


def test_one_that_waits_since_then_keeps_its_id(stage, tmp_path):
    """Its client order ids follow from it."""
    url = f"sqlite:///{tmp_path}/journal.db"
    waiting = e.Accepted(score=0.9, parts=(), expires_at_ns=START_NS + 120 * 10**9)
    signal_id = written(url, {**LINE, "price": "100.0"}, waiting)
    it = stage(url, start_ns=START_NS + 10**9).start()
    (entry,) = it.engine.parts.pending.entries.values()
    assert (entry.signal.id, entry.signal.price) == (signal_id, Decimal(100))
    it.run(12)
    assert {event.signal_id for event in it.journal.read() if event.number} == {signal_id}
