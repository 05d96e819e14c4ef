"""Making and opening a journal's file: whose it is, what it must be, and who may write it."""

import asyncio
import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.domain.errors import JournalRefused, JournalUnavailable
from tidegate.domain.events import Resumed
from tidegate.domain.ports import Item
from tidegate.files.disk_space import full_disk, words_of
from tidegate.journal.sqlite_checkup import writer_of
from tidegate.journal.sqlite_file import connect
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader

RESUMED = Item(1, (Resumed(),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_of_a_new_journal_is_for_its_owner_only(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "made" / "too" / "journal.db"
        with closing(SqliteJournal(f"sqlite:///{path}", mode="paper")) as journal:
            asyncio.run(journal.commit([RESUMED], {}))
            files = {file.name: mode_of(file) for file in path.parent.iterdir()}
        folders = [mode_of(folder) for folder in (path.parent, path.parent.parent)]
    finally:
        os.umask(before)
    assert files == dict.fromkeys(["journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"], 0o600)
    assert folders == [0o700, 0o700]


def test_a_folder_that_was_there_stays_as_it_is(tmp_path, url):
    tmp_path.chmod(0o755)
    SqliteJournal(url, mode="paper").close()
    assert mode_of(tmp_path) == 0o755


def test_a_journal_has_one_writer_by_whatever_name(tmp_path, path, url):
    link, folder = tmp_path / "link.db", tmp_path / "folder"
    with closing(SqliteJournal(url, mode="paper")):
        link.symlink_to(path)
        folder.symlink_to(tmp_path, target_is_directory=True)
        for other in (link, folder / "journal.db", tmp_path / "x" / ".." / "journal.db"):
            (tmp_path / "x").mkdir(exist_ok=True)
            with pytest.raises(JournalRefused, match=f"being written by process {os.getpid()}"):
                SqliteJournal(f"sqlite:///{other}", mode="paper")
            assert writer_of(f"sqlite:///{other}") == str(os.getpid())
    with closing(SqliteJournal(f"sqlite:///{link}", mode="paper")) as journal:
        asyncio.run(journal.commit([RESUMED], {}))
    with closing(SqliteReader(url)) as reader:
        assert reader.head() == 1
    assert link.is_symlink()


def test_a_link_that_leads_nowhere_yet_is_followed(tmp_path, path, url):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    SqliteJournal(f"sqlite:///{link}", mode="paper").close()
    assert link.is_symlink()
    SqliteReader(url).close()


def test_one_file_under_two_names_is_refused(tmp_path, path, url):
    SqliteJournal(url, mode="paper").close()
    (tmp_path / "other.db").hardlink_to(path)
    with pytest.raises(JournalRefused, match=r"one file under several names .* make a copy"):
        SqliteJournal(url, mode="paper")
    SqliteReader(url).close()


def test_an_empty_file_is_no_new_journal(path, url):
    path.touch()
    for opened in (lambda: SqliteJournal(url, mode="paper"), lambda: SqliteReader(url)):
        with pytest.raises(JournalRefused, match=r"is an empty file, not a journal\. Delete it to begin a new one"):
            opened()
    assert path.read_bytes() == b""


def test_a_database_without_tables_is_not_taken_for_a_new_journal(path, url):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    with pytest.raises(JournalRefused, match="is a database, but not a journal"):
        SqliteJournal(url, mode="paper")
    assert path.read_bytes() == before


def test_a_log_without_its_journal_is_not_written_into_a_new_one(path, url):
    Path(f"{path}-wal").write_bytes(b"what was not checkpointed yet")
    with pytest.raises(JournalRefused, match=r"is missing, but its log .* restore the two together"):
        SqliteJournal(url, mode="paper")
    assert not path.exists()


def test_one_that_was_not_finished_is_made_anew(path, url):
    Path(f"{path}.new").write_bytes(b"half of it")
    SqliteJournal(url, mode="paper").close()
    assert {file.name for file in path.parent.iterdir()} == {"journal.db", "journal.db.lock"}


def test_a_reader_finds_a_path_with_signs_that_mean_something_elsewhere(tmp_path):
    url = f"sqlite:///{tmp_path}/50% of what? #1.db"
    SqliteJournal(url, mode="paper").close()
    with closing(SqliteReader(url)) as reader:
        assert reader.mode() == "paper"


def test_a_full_disk_is_named_with_what_is_free_and_what_helps(path, url):
    with closing(SqliteJournal(url, mode="paper")) as journal:
        journal._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(JournalUnavailable) as failed:
            asyncio.run(journal.commit([RESUMED] * 2000, {}))
    said = str(failed.value)
    assert said.startswith("the commit failed: the disk is full: ")
    assert f" MB free in {path.parent}. Free some space there; until then nothing is recorded" in said


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "the disk is full: "), (errno.EDQUOT, "the disk is full: "), (errno.EACCES, "Permission denied: ")],
)
def test_an_error_of_a_file_says_whether_the_disk_is_full(number, says, path):
    assert words_of(OSError(number, os.strerror(number), str(path)), path).startswith(says)


def test_the_free_space_is_that_of_the_folder_that_there_is(tmp_path):
    assert f"MB free in {tmp_path}. " in full_disk(tmp_path / "not" / "there" / "journal.db")


def test_a_journal_keeps_to_its_world(url):
    SqliteJournal(url, mode="paper").close()  # as older programs made it: of no world yet
    SqliteJournal(url, mode="paper", world="simulated market, seed 7").close()
    SqliteJournal(url, mode="paper", world="simulated market, seed 7").close()
    SqliteJournal(url, mode="paper").close()  # who decides nothing by prices does not ask
    with pytest.raises(JournalRefused) as refused:
        SqliteJournal(url, mode="paper", world="prices of binance")
    assert "orders of another market: simulated market, seed 7, not prices of binance" in str(refused.value)
    assert "--journal FILE" in str(refused.value)


def test_a_bare_connection_makes_the_same_file(path):
    connect(str(path), mode="paper").close()
    assert mode_of(path) == 0o600
