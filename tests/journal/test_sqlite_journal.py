import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.domain.errors import JournalRefused, JournalUnavailable, SettingsError
from tidegate.domain.events import Accepted, Expired, Incident, Redelivered, Resumed, Stopped
from tidegate.domain.incident import IncidentKind
from tidegate.domain.ports import Committed, Conflict, Item, ItemRefused, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader

ACCEPTED = Accepted(score=0.7, parts=(("strength", 0.7),), expires_at_ns=10)
EXPIRED = Expired(reason=Reason.AWAITING_TICK)
POISONED = Incident.of(IncidentKind.FEED_FAILED, "f\udcfcr", "")


def new(letter: str, content: str = "said", *, done: bool = False) -> Item:
    identity = NewSignal((letter.encode().hex() * 10)[:20], content.encode(), b"{}")
    return Item(1, (ACCEPTED,), new=identity, done=done)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


def commit(journal: SqliteJournal, *items: Item, **images: bytes):
    return asyncio.run(journal.commit(items, images))


def test_what_was_committed_is_there_after_reopening(url):
    journal = SqliteJournal(url, mode="paper")
    (answer,) = commit(journal, new("a"))
    commit(journal, Item(2, (EXPIRED,), number=1, signal_id="61" * 10))
    journal.close()
    reader = SqliteReader(url)
    assert reader.head() == 2
    assert [event.body for event in reader.read()] == [ACCEPTED, EXPIRED]
    assert [(event.number, event.signal_id) for event in reader.read()] == [(1, "61" * 10)] * 2
    assert reader.history(1).events == (*answer.events, *reader.read(1))


def test_an_identity_is_accepted_once_also_within_a_batch(url):
    journal = SqliteJournal(url, mode="paper")
    first, again, other = commit(journal, new("a"), new("a"), new("a", "something else"))
    assert isinstance(first, Committed)
    assert again == Conflict(1, same_content=True)
    assert other == Conflict(1, same_content=False)
    assert commit(journal, new("a"), new("b")) == [
        Conflict(1, same_content=True),
        Committed(tuple(journal.read(1))),
    ]


def test_the_items_of_a_batch_are_independent_and_positions_have_no_gap(url):
    journal = SqliteJournal(url, mode="paper")
    answers = commit(journal, new("a"), new("a"), Item(1, (Resumed(), Stopped(left={}))))
    assert [event.position for answer in answers if isinstance(answer, Committed) for event in answer.events] == [
        1,
        2,
        3,
    ]
    assert journal.head() == 3


def test_open_gives_what_is_not_done_oldest_first(url):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, new("a"), new("b", done=True), new("c"), new("d"))
    commit(journal, Item(2, (EXPIRED,), number=3, signal_id="63" * 10, done=True))
    assert [(history.number, history.signal_id[:2]) for history in journal.open()] == [(1, "61"), (4, "64")]


def test_find_knows_the_numbers_of_known_signals_only(url):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, new("a"), new("b"))
    assert journal.find(["62" * 10, "7a" * 10]) == {"62" * 10: 2}


def test_an_image_stands_for_the_state_before_its_batch(url):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, new("a"))
    commit(journal, new("b"), state=b"first")
    assert journal.snapshots()["state"].position == 1
    commit(journal, state=b"second")
    snapshot = journal.snapshots()["state"]
    assert (snapshot.position, snapshot.image) == (2, b"second")


def test_a_full_disk_commits_nothing_and_recovers(url):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, new("a"))
    journal._connection.execute("PRAGMA max_page_count = 1")
    big = Item(1, (ACCEPTED,), new=NewSignal("62" * 10, b"said", b"x" * 100_000))
    with pytest.raises(JournalUnavailable, match="full"):
        commit(journal, new("c"), big)
    assert (journal.head(), len(list(journal.read()))) == (1, 1)
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert isinstance(commit(journal, big)[0], Committed)


def test_a_second_writer_is_refused_by_name_and_let_in_later(url):
    journal = SqliteJournal(url, mode="paper")
    with pytest.raises(JournalRefused, match=f"written by process {os.getpid()}"):
        SqliteJournal(url, mode="paper")
    journal.close()
    SqliteJournal(url, mode="paper").close()


def test_a_killed_writer_leaves_no_lock_behind(url, tmp_path):
    program = (
        "import os, signal, sys; from tidegate.journal.sqlite_journal import SqliteJournal;"
        f"SqliteJournal({url!r}, mode='paper'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == -9
    SqliteJournal(url, mode="paper").close()


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[5000:9000] = b"\xff" * 4000
    path.write_bytes(data)


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE trades (id)")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        pytest.param(damage, "is damaged .* Restore it from a backup", id="flipped bytes"),
        pytest.param(lambda path: path.write_bytes(b"not a database at all" * 100), "is damaged", id="no database"),
        pytest.param(newer, "schema version 99, this program knows 4", id="a newer journal"),
        pytest.param(foreign, "not a journal", id="another program's database"),
    ],
)
def test_a_journal_that_must_not_be_written_is_refused(url, tmp_path, harm, message):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, *(new(letter) for letter in "abcdefghijkl"))
    journal.close()
    harm(tmp_path / "journal.db")
    with pytest.raises(JournalRefused, match=message):
        SqliteJournal(url, mode="paper")
    with pytest.raises(JournalRefused, match=message):
        SqliteJournal(url, mode="paper")  # the refusal held no lock


def test_a_journal_keeps_its_mode(url):
    SqliteJournal(url, mode="paper").close()
    with pytest.raises(JournalRefused, match="journal of mode paper, not live"):
        SqliteJournal(url, mode="live")


def test_reading_needs_a_journal(url):
    with pytest.raises(JournalRefused, match="there is no journal"):
        SqliteReader(url)


def test_a_reader_reads_while_another_writes(url):
    journal = SqliteJournal(url, mode="paper")
    reader = SqliteReader(url)
    commit(journal, new("a"))
    assert reader.head() == 1
    assert reader.mode() == "paper"


@pytest.mark.parametrize("wrong", ["postgres:///x", "data/journal.db", "sqlite:///"])
def test_another_url_is_refused(wrong):
    with pytest.raises(SettingsError, match=r"must look like sqlite:///data/journal\.db|write sqlite:///"):
        SqliteJournal(wrong, mode="paper")


def test_a_redelivery_is_an_event_of_the_signal_it_repeats(url):
    journal = SqliteJournal(url, mode="paper")
    commit(journal, new("a"))
    commit(journal, Item(2, (Redelivered(),), number=1, signal_id="61" * 10))
    assert [type(event.body) for event in journal.history(1).events] == [Accepted, Redelivered]


def test_signals_received_lately_come_newest_first_with_their_lives(url):
    journal = SqliteJournal(url, mode="paper")
    for second, letter in enumerate("abcd"):
        identity = NewSignal((letter.encode().hex() * 10)[:20], b"said", b"{}")
        commit(journal, Item(second, (ACCEPTED,), new=identity), Item(second, (Resumed(),)))
    commit(journal, Item(9, (EXPIRED,), number=1, signal_id="61" * 10, done=True))
    assert [history.signal_id for history in journal.received_since(2)] == ["64" * 10, "63" * 10]
    assert [len(history.events) for history in journal.received_since(0)] == [1, 1, 1, 2]
    assert list(journal.received_since(4)) == []


def test_a_batch_of_more_values_than_a_statement_takes_is_written_whole(url):
    journal = SqliteJournal(url, mode="paper")
    many = [
        Item(1, (ACCEPTED,), new=NewSignal(f"{number:020x}", b"said", b"{}"), done=number % 2 == 0)
        for number in range(7_000)
    ]
    answers = commit(journal, *many)
    again = commit(journal, *many[:3])
    journal.close()
    reader = SqliteReader(url)
    assert [answer.events[0].position for answer in answers] == list(range(1, 7_001))
    assert again == [Conflict(number, same_content=True) for number in (1, 2, 3)]
    assert sum(1 for _ in reader.read()) == 7_000
    assert [history.signal_id for history in reader.open()] == [f"{number:020x}" for number in range(1, 7_000, 2)]


def test_batches_written_together_reach_the_file_every_so_often_and_on_close(url):
    journal = SqliteJournal(url, mode="replay", batches_together=2)
    in_the_file = []
    for letter in "abcde":
        commit(journal, new(letter))
        in_the_file.append(SqliteReader(url).head())
    assert journal.head() == 5
    journal.close()
    assert [*in_the_file, SqliteReader(url).head()] == [0, 2, 2, 4, 4, 5]


def test_batches_written_together_are_lost_together_so_nothing_goes_on_after_a_failure(url):
    journal = SqliteJournal(url, mode="replay", batches_together=100)
    commit(journal, new("a"))
    journal._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(JournalRefused, match=r"the journal of the replay cannot be written: .*full"):
        commit(journal, Item(1, tuple([ACCEPTED] * 2_000)))


@pytest.mark.parametrize(
    ("poisoned", "why"),
    [
        pytest.param(
            Item(1, (Resumed(), Incident.of(IncidentKind.FEED_FAILED, "f\udcfcr", ""))),
            "surrogates not allowed",
            id="its text",
        ),
        pytest.param(Item(2**63, (Resumed(),)), "no time that can be stored", id="its time"),
        pytest.param(Item(1, (object(),)), "unsupported", id="no event at all"),
    ],
)
@pytest.mark.parametrize("others", [1, 40], ids=["on the loop", "on the thread"])
def test_an_item_that_cannot_be_encoded_is_refused_on_its_own(url, poisoned, why, others):
    journal = SqliteJournal(url, mode="paper")
    before, after = [new(f"a{n}") for n in range(others)], new("b")
    *first, answer, last = commit(journal, *before, poisoned, after)
    assert all(isinstance(each, Committed) for each in [*first, last])
    assert isinstance(answer, ItemRefused)
    assert why in answer.why
    assert [event.position for event in journal.read()] == list(range(1, others + 2))
    assert len(list(journal.open())) == others + 1


def test_a_new_signal_that_cannot_be_encoded_leaves_its_identity_free(url):
    journal = SqliteJournal(url, mode="paper")
    poisoned = Item(1, (Expired(reason=Reason.HALTED, measured="f\udcfcr"),), new=new("a").new)
    refused, taken = commit(journal, poisoned, new("a"))
    assert isinstance(refused, ItemRefused)
    assert isinstance(taken, Committed)
