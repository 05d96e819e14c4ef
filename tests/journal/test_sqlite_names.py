"""CheckResult signals by the names they go by, in new journals and in those of an older version."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.journal_of_a_million import written
from tests.journal.older_journal import make_older
from tidegate.domain import events as e
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.identity import keyed_id
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader
from tidegate.journal.sqlite_schema import SCHEMA_VERSION

ROOT = Path(__file__).parents[2]
ACCEPTED = e.Accepted(score=0.7, parts=(), expires_at_ns=10)
CONFLICT = e.Refused(reason=Reason.CONFLICT)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


def intended(order_id: str) -> e.Intent:
    said = {"amount": 1, "price": None, "attempt": 1, "reserved": 1, "side": Side.BUY}
    return e.Intent(client_order_id=order_id, trader="t", symbol="A/B", order_type=OrderType.MARKET, **said)


def placed(order_id: str, venue_id: str) -> e.Placed:
    return e.Placed(client_order_id=order_id, venue_order_id=venue_id, status=OrderStatus.OPEN)


def reopened(order_id: str, venue_id: str) -> e.Reopened:
    return e.Reopened(
        client_order_id=order_id,
        venue_order_id=venue_id,
        detail="",
        outcome="failed",
        request=intended(order_id),
        status=OrderStatus.OPEN,
    )


def line(key: str, source: str) -> bytes:
    return b'{"symbol":"A/B","side":"buy","strength":1,"timestamp":1,"key":"%b","source":"%b"}' % (
        key.encode(),
        source.encode(),
    )


def new(key: str, *bodies: e.Body, source: str = "desk", signal_id: str | None = None) -> Item:
    identity = NewSignal(signal_id or keyed_id(source, key), b"said", line(key, source), source, key)
    return Item(1, (ACCEPTED, *bodies) if signal_id is None else bodies, new=identity)


def adopted(order_id: str, venue_id: str) -> e.Adopted:
    return e.Adopted(
        client_order_id=order_id,
        venue_order_id=venue_id,
        detail="",
        request=intended(order_id),
        status=OrderStatus.OPEN,
    )


ORDER = [f"{number:018x}" for number in range(10)]
HISTORY_OF_EACH = [
    new("first", intended(ORDER[1]), placed(ORDER[1], "V-1")),
    new("twice", intended(ORDER[2]), intended(ORDER[3])),
    new("twice", source="another desk"),
    new("twice", CONFLICT, signal_id="62" * 10),
    new("late", intended(ORDER[4]), reopened(ORDER[4], "V-4")),
    new("paper", intended(ORDER[5]), placed(ORDER[5], f"p{ORDER[5]}")),
    new("same", intended(ORDER[6]), placed(ORDER[6], "V-1")),
    new("by hand", adopted(ORDER[7], "V-7"), signal_id="63" * 10),
]


def write(url: str, items=HISTORY_OF_EACH, *, together: bool = True) -> None:
    with closing(SqliteJournal(url, mode="paper")) as journal:
        for group in [items] if together else [[item] for item in items]:
            asyncio.run(journal.commit(group, {}))


def make_old(url: str, version: int = 1) -> None:
    """The same journal as an older version wrote it: every event a row; the first one had no tables of names."""
    make_older(Path(url.removeprefix("sqlite:///")), version)


def keys_of(reader: SqliteReader, name: str) -> list[str]:
    """The lines that go by a name, as the search of `why` has them."""
    return [history.raw.decode().partition('"key":')[2] for history in reader.find_histories(name)]


NAMES = {
    ORDER[1]: ["first"],
    ORDER[2]: ["twice"],
    ORDER[3]: ["twice"],
    "V-1": ["first", "same"],
    "V-4": ["late"],
    f"p{ORDER[5]}": ["paper"],
    ORDER[7]: ["by hand"],
    "V-7": ["by hand"],
    "first": ["first"],
    "twice": ["twice", "twice", "twice"],
}


@pytest.mark.parametrize("version", ["new", "converted", 1, 2, 3])
@pytest.mark.parametrize("together", [True, False], ids=["one commit", "a commit each"])
def test_every_name_leads_to_its_signals(url, version, together):
    write(url, together=together)
    if version != "new":
        make_old(url, 3 if version == "converted" else version)
    if version == "converted":
        SqliteJournal(url, mode="paper").close()
    with closing(SqliteReader(url)) as reader:
        for name, keys in NAMES.items():
            assert [key.split('"')[1] for key in keys_of(reader, name)] == keys
        histories = {number: reader.history_of_order(order_id) for number, order_id in enumerate(ORDER)}
        assert {n for n, history in histories.items() if history is not None} == {1, 2, 3, 4, 5, 6, 7}
        assert reader.history_of_order("V-4") == histories[4]


def test_a_writer_finds_what_it_wrote_and_converts_what_an_older_program_wrote(url, tmp_path):
    write(url)
    make_old(url)
    (tmp_path / "journal.db").chmod(0o644)
    with closing(SqliteJournal(url, mode="paper")) as journal:
        assert journal.history_of_order(ORDER[3]).signal_id == keyed_id("desk", "twice")
        asyncio.run(journal.commit([new("after", intended(ORDER[9]))], {}))
        assert journal.history_of_order(ORDER[9]).signal_id == keyed_id("desk", "after")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600


def test_a_conversion_that_is_killed_is_begun_again(url):
    write(url)
    make_old(url)
    program = (
        "import itertools, os, signal, tidegate.journal.group_rows as rows;"
        "from tidegate.journal.sqlite_journal import *;"
        "calls, hashed = itertools.count(), rows.name_hash;"
        "rows.name_hash = lambda name: os.kill(os.getpid(), signal.SIGKILL) if next(calls) > 4 else hashed(name);"
        f"SqliteJournal({url!r}, mode='paper')"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT).returncode == -9
    with closing(SqliteReader(url)) as reader:
        assert reader.history_of_order(ORDER[4]) is not None
    SqliteJournal(url, mode="paper").close()
    with closing(SqliteReader(url)) as reader:
        assert [len(keys_of(reader, name)) for name in NAMES] == [len(keys) for keys in NAMES.values()]


def test_a_commit_that_failed_leaves_no_sender_out(url):
    with closing(SqliteJournal(url, mode="paper")) as journal:
        journal._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(JournalUnavailable, match="full"):
            asyncio.run(journal.commit([new("k")], {"state": bytes(100_000)}))  # fails behind the names
        journal._connection.execute("PRAGMA max_page_count = 100000")
        asyncio.run(journal.commit([new("k")], {}))
    with closing(SqliteReader(url)) as reader:
        assert len(keys_of(reader, "k")) == 1


def test_looking_an_order_up_does_not_read_the_journal(tmp_path):
    """By what SQLite itself counts: the steps of its machine, with thirty times the history."""

    def steps(closed: int) -> int:
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        with closing(
            SqliteJournal(f"sqlite:///{written(tmp_path, closed=closed, waiting=1)}", mode="paper")
        ) as journal:
            order_id = next(x.body.client_order_id for x in journal.read() if type(x.body) is e.Intent)
            journal._connection.set_progress_handler(count, 1)
            assert journal.history_of_order(order_id) is not None
            assert journal.history_of_order(ORDER[0]) is None
        return taken

    assert steps(3_000) < 2 * steps(100)
