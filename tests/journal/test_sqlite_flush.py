"""A commit whose flush fails: nothing of it is recorded, and the next one goes through."""

import asyncio
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journal.test_sqlite_journal import ACCEPTED
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.ports import Committed, Item, NewSignal
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader


@contextmanager
def no_room_in(file: Path):
    """Let no file grow beyond what this one has: SQLite writes its log when it commits, and not before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def batch(size: int) -> list[Item]:
    return [Item(1, (ACCEPTED,), new=NewSignal(f"{number:020x}", b"said", b"{}")) for number in range(size)]


@pytest.mark.parametrize("mode", ["paper", "live"])
@pytest.mark.parametrize("size", [1, 2, 100], ids=["on the loop", "in the thread when live", "in the thread"])
def test_a_flush_that_fails_records_nothing_and_the_next_one_records_all(tmp_path, mode, size):
    path = tmp_path / "journal.db"
    journal = SqliteJournal(f"sqlite:///{path}", mode=mode)
    items = batch(size)
    with no_room_in(path.with_name("journal.db-wal")), pytest.raises(JournalUnavailable, match="the commit failed"):
        asyncio.run(journal.commit(items, {}))
    reader = SqliteReader(f"sqlite:///{path}")
    assert (journal.head(), reader.head(), list(journal.find([items[0].new.id]))) == (0, 0, [])
    answers = asyncio.run(journal.commit(items, {}))
    assert {type(answer) for answer in answers} == {Committed}
    assert [event.position for event in reader.read()] == list(range(1, size + 1))  # each record follows from the last
