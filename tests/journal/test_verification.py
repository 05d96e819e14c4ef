"""Damaged, changed and missing records: they are told with their positions, and never believed."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.journal.older_journal import make_older
from tidegate.cli import main
from tidegate.domain.errors import JournalRefused
from tidegate.domain.events import Accepted, Halted, Placed, Resumed
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import Item, NewSignal
from tidegate.journal import open_journal, url_of, verify, write_journal
from tidegate.journal.record_format import VERSION, encode, hash_of

ACCEPTED = Accepted(score=0.7, parts=(), expires_at_ns=10)
PLACED = Placed(client_order_id="c", venue_order_id="V", status=OrderStatus.OPEN)


def new(number: int) -> Item:
    return Item(1, (ACCEPTED,), new=NewSignal(f"{number:020x}", b"said", b"{}"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three commits: two signals, an order of each, a halt."""
    path = tmp_path / "journal.db"
    with closing(write_journal(url_of(str(path)), mode="paper")) as journal:
        for items in (
            [new(1), new(2)],
            [Item(2, (PLACED,), number, f"{number:020x}", done=True) for number in (1, 2)],
            [Item(3, (Halted(reduce_only=True, why="w"),))],
        ):
            asyncio.run(journal.commit(items, {}))
    return path


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement, values).rowcount >= 1


def flip(path: Path) -> None:
    change(path, "UPDATE commits SET body = CAST(replace(hex(body), '6331', '6332') AS BLOB) WHERE position = 4")


def shorten(path: Path) -> None:
    change(path, "UPDATE commits SET body = substr(body, 1, 20) WHERE position = 4")


def rewrite(path: Path) -> None:
    """What somebody would do who knows how: another record, with the right hash."""
    body = encode([], [3, 3], [2, 2], [Resumed(), Resumed()], [], [])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (former,) = connection.execute("SELECT hash FROM commits WHERE position = 2").fetchone()
        hashed = hash_of(former, 4, VERSION, body)
        connection.execute("UPDATE commits SET body = ?, hash = ? WHERE position = 4", (body, hashed))


def lose(path: Path) -> None:
    change(path, "DELETE FROM commits WHERE position = 4")


def lose_first(path: Path) -> None:
    change(path, "DELETE FROM commits WHERE position = 2")


def nothing(path: Path) -> None:
    change(path, "UPDATE commits SET body = 'text' WHERE position = 4")


def test_a_whole_journal_is_intact_and_its_last_hash_is_given(path):
    found = verify(url_of(str(path)))
    assert (found.commits, found.events, found.wrong) == (3, 5, ())
    with closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT hash FROM commits WHERE position = 5").fetchone()
    assert found.hash == last.hex()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(flip, ["the record at position 4 .* is damaged or was changed"], id="flipped"),
        pytest.param(shorten, ["the record at position 4 .* is damaged or was changed"], id="cut short"),
        pytest.param(nothing, ["the record at position 4 .* is damaged or was changed"], id="no bytes"),
        pytest.param(rewrite, ["the record at position 5 .* is damaged or was changed"], id="rewritten with its hash"),
        pytest.param(
            lose,
            ["the record at position 5 .* is damaged or was changed"],
            id="left out",
        ),
        pytest.param(
            lose_first,
            ["the record at position 4 .* is damaged or was changed", "2 signals are known, and 0 are in the records"],
            id="the first left out",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_position(path, harm, says):
    harm(path)
    found = verify(url_of(str(path)))
    assert len(found.wrong) == len(says)
    for told, expected in zip(found.wrong, says, strict=True):
        assert re.search(expected, told)


@pytest.mark.parametrize("harm", [flip, shorten, nothing, lose_first])
def test_a_damaged_record_is_never_read(path, harm):
    harm(path)
    with closing(open_journal(url_of(str(path)))) as journal:
        with pytest.raises(JournalRefused, match=r"at position 4 of the journal is damaged .* Restore the journal"):
            list(journal.read())
        with pytest.raises((JournalRefused, KeyError)):
            journal.history(1)


def test_an_identity_that_does_not_lead_to_its_signal_is_wrong(path):
    change(path, "UPDATE identity_young SET number = 2 WHERE number = 1")
    assert verify(url_of(str(path))).wrong == (f"signal {1:020x} at position 1 is not found by its id",)


def test_a_record_of_a_newer_program_is_refused(path):
    change(path, "UPDATE commits SET version = ? WHERE position = 4", VERSION + 1)
    with (
        closing(open_journal(url_of(str(path)))) as journal,
        pytest.raises(JournalRefused, match=f"at position 4 .* has version {VERSION + 1}, .* run the newer program"),
    ):
        list(journal.read())


def test_a_converted_journal_is_intact_and_an_older_one_has_no_hashes(path):
    make_older(path, 3)
    with pytest.raises(JournalRefused, match="from before records had hashes: the next `run` converts it"):
        verify(url_of(str(path)))
    write_journal(url_of(str(path)), mode="paper").close()
    assert verify(url_of(str(path))).wrong == ()


def ask(path: Path, *arguments: str):
    return CliRunner().invoke(main, ["report", "--journal", str(path), "--verify", *arguments])


def test_report_verifies(path):
    said = ask(path)
    assert said.exit_code == 0
    assert said.stdout.startswith("intact: 3 records with 5 events, each follows from the last\nhash   ")
    assert json.loads(ask(path, "--json").stdout) == {
        "intact": True, "commits": 3, "events": 5, "hash": verify(url_of(str(path))).hash, "wrong": []
    }  # fmt: skip


def test_report_says_what_is_wrong(path):
    flip(path)
    said = ask(path)
    assert said.exit_code == 3
    assert said.stdout.startswith("wrong  the record at position 4 of the journal is damaged or was changed")
    assert said.stdout.endswith("1 wrong in 3 records\n")
    assert json.loads(ask(path, "--json").stdout)["intact"] is False


def test_a_report_of_a_damaged_journal_is_an_error_without_a_traceback(path):
    flip(path)
    said = CliRunner().invoke(main, ["report", "--journal", str(path)])
    assert said.exit_code == 2
    assert "Error: the record at position 4 of the journal is damaged" in said.stderr
