"""The disk: full, locked, corrupted, rolled back, its log missing: nothing is sent, and it is said why."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.domain import events as e
from tidegate.domain.errors import JournalRefused
from tidegate.journal.sqlite_journal import SqliteReader
from tidegate.settings import load_settings
from tidegate.torture.checker import check
from tidegate.torture.faulty import Planned
from tidegate.torture.tortured_setup import TorturedSetup


@pytest.fixture
def setup(tmp_path):
    """Accounts that may sell coins of their own: the first order of a run may be a sale."""
    return TorturedSetup(load_settings(environ={}, overrides={"sizing.sell_holdings": "true"}), tmp_path)


def file_of(pilot) -> Path:
    return Path(pilot.journal._connection.execute("PRAGMA database_list").fetchone()[2])


def full(journal: sqlite3.Connection) -> str:
    (pages,) = journal.execute("PRAGMA page_count").fetchone()
    journal.execute(f"PRAGMA max_page_count = {pages}")
    return "PRAGMA max_page_count = 1000000"


def read_only(journal: sqlite3.Connection) -> str:
    journal.execute("PRAGMA query_only = ON")
    return "PRAGMA query_only = OFF"


@pytest.mark.parametrize(("spoil", "says"), [(full, "full"), (read_only, "readonly")])
def test_while_nothing_can_be_written_nothing_is_accepted_or_sent_and_questions_go_on(pilot, spoil, says):
    it = pilot()
    it.around.venues["paper"].spoil_next("reply_lost")
    it.let_pass(15)
    sent = len(it.world.ledger.sent)
    mend = spoil(it.journal._connection)
    for n in range(40):
        it.around.source.send(Planned(f"k{n}".ljust(200, "x"), 0, "BTC/USDT", "buy"))
    it.let_pass(60)
    assert not it.around.source.done
    assert says in str(it.engine.parts.commits.failing)
    asked = it.points.reached.count("listing of orders")
    it.let_pass(70)
    assert it.points.reached.count("listing of orders") > asked
    assert len(it.world.ledger.sent) == sent
    it.journal._connection.execute(mend)
    it.settle()
    assert it.around.source.done
    assert check(it.history()) == []


def test_while_another_program_locks_the_journal_nothing_is_sent(pilot):
    it = pilot()
    it.let_pass(5)
    other = sqlite3.connect(file_of(it), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    it.let_pass(20)
    assert it.world.ledger.sent == []
    assert "locked" in str(it.engine.parts.commits.failing)
    other.execute("ROLLBACK")
    other.close()
    it.settle()
    past = it.history()
    assert check(past) == []
    assert len(past.ledger.taken) == 2


def flipped(path: Path) -> None:
    pages = bytearray(path.read_bytes())
    for at in range(4096, len(pages), 512):
        pages[at : at + 64] = bytes(64)
    path.write_bytes(pages)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [flipped, cut_short])
def test_a_corrupted_journal_is_refused_before_anything_is_sent(pilot, damage):
    it = pilot()
    it.let_pass(5)
    path = file_of(it)
    it.kill()
    damage(path)
    with pytest.raises(JournalRefused, match=r"is damaged .* Restore it from a backup"):
        it.start()
    assert it.world.ledger.sent == []


def rolled_back(path: Path, older: bytes) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    path.write_bytes(older)


@pytest.mark.parametrize("kept_until_s", [0.1, 5, 10.01, 12, 20])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_older_copy_of_the_journal_never_leads_to_a_second_order(pilot, kept_until_s, side):
    it = pilot()
    it.around.source.send(Planned("third", 0, "BTC/USDT", side))
    it.let_pass(kept_until_s)
    path, older = file_of(it), it.journal.copy()
    it.let_pass(50 - kept_until_s)
    taken = [order.request.client_order_id for order in it.world.ledger.taken]
    assert len(taken) == (3 if side == "sell" else 2)  # for a third to buy there is no money
    it.kill()
    rolled_back(path, older)
    it.start()
    it.let_pass(200)
    assert [order.request.client_order_id for order in it.world.ledger.taken] == taken
    halts = [event.body for event in it.journal.read() if isinstance(event.body, e.Halted)]
    if lost := set(taken) - intended_in(older, path):
        assert not halts[0].reduce_only
        assert "is it an older copy?" in halts[0].why
        assert any(order_id in halts[0].why for order_id in lost)
    else:
        assert halts == []
    it.engine.record(e.Resumed())
    it.let_pass(200)
    assert sorted(order.request.client_order_id for order in it.world.ledger.taken) == sorted(taken)


def intended_in(journal: bytes, path: Path) -> set[str]:
    copy = path.with_suffix(".older")
    copy.write_bytes(journal)
    with closing(SqliteReader(f"sqlite:///{copy}")) as reader:
        return {event.body.client_order_id for event in reader.read() if isinstance(event.body, e.Intent)}


def test_without_its_log_the_journal_is_an_older_one_and_that_is_found(pilot):
    it = pilot()
    it.let_pass(0.4)
    it.journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    it.let_pass(40)
    path = file_of(it)
    taken = len(it.world.ledger.taken)
    assert taken == 2
    without_log = path.read_bytes()  # what is in the -wal only is not in here
    it.kill()
    rolled_back(path, without_log)
    it.start()
    it.let_pass(300)
    assert len(it.world.ledger.taken) == taken
    halts = [event.body for event in it.journal.read() if isinstance(event.body, e.Halted)]
    assert "is it an older copy?" in halts[0].why
