"""Ids and names move from small tables to large ones, and are found wherever they are."""

import asyncio
import sqlite3
from contextlib import closing
from hashlib import blake2b
from itertools import pairwise

import pytest

from tidegate.domain.events import Accepted, Placed
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import Committed, Conflict, Item, NewSignal
from tidegate.journal import url_of, verify, write_journal
from tidegate.journal.sqlite_schema import create
from tidegate.journal.sqlite_settling import settle

TABLES = ("identity_young", "identity_older", "identity_old")


def new(number: int) -> Item:
    signal_id = blake2b(b"%d" % number, digest_size=10).hexdigest()
    placed = Placed(client_order_id=f"{number:018x}", venue_order_id=f"V{number}", status=OrderStatus.OPEN)
    accepted = Accepted(score=0.7, parts=(), expires_at_ns=10)
    return Item(1, (accepted, placed), new=NewSignal(signal_id, b"said", b"{}"))


def count_in(connection: sqlite3.Connection) -> list[int]:
    return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]


def test_a_signal_is_known_and_its_order_found_in_whichever_table_they_are(tmp_path):
    url, path = url_of(str(tmp_path / "journal.db")), tmp_path / "journal.db"
    signals = [new(number) for number in range(9_500)]
    with closing(write_journal(url, mode="paper")) as journal:
        for first in range(0, 9_500, 1_500):
            assert {type(answer) for answer in asyncio.run(journal.commit(signals[first : first + 1_500], {}))} == {
                Committed
            }
        with closing(sqlite3.connect(path)) as connection:
            young, older, old = count_in(connection)
        assert young
        assert older
        assert old
        assert young + older + old == 9_500
        again = asyncio.run(journal.commit(signals[::7], {}))
        assert again == [Conflict(2 * number + 1, same_content=True) for number in range(0, 9_500, 7)]
        for number in range(0, 9_500, 531):
            assert journal.history_of_order(f"V{number}").number == 2 * number + 1
        found = journal.find([item.new.id for item in signals])
        assert found == {item.new.id: 2 * number + 1 for number, item in enumerate(signals)}
    assert verify(url).wrong == ()


@pytest.mark.parametrize("steps", [1, 256, 1_000])
def test_every_id_gets_among_the_old_ones_in_the_end(steps):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create(connection)
        ids = [(bytes([first]) * 10, first) for first in range(256)]
        connection.executemany("INSERT INTO identity_young VALUES (?, ?)", ids)
        positions = [step * (1 << 19) // steps for step in range(steps + 1)]
        for head, new_head in pairwise(positions):
            settle(connection, head, new_head)
        assert count_in(connection) == [0, 0, 256]
        assert connection.execute("SELECT * FROM identity ORDER BY id").fetchall() == ids
