"""Journals of schema version 2, in which some kinds of events had other names, are read like any other."""

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.journal.older_journal import make_older
from tidegate.domain import events as e
from tidegate.domain.digest import digest_of
from tidegate.domain.errors import JournalRefused
from tidegate.domain.incident import IncidentKind, Severity
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.ports import Item, NewSignal
from tidegate.journal import sqlite_file
from tidegate.journal.older_events import decode_any
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader
from tidegate.journal.sqlite_schema import SCHEMA_VERSION

FILL = Fill(trade_id="t", amount=Decimal(1), price=Decimal(7), fee=Decimal(0), fee_currency="USDT")
OF_SIGNAL = (
    e.Accepted(score=0.7, parts=(), expires_at_ns=10),
    e.Filled(client_order_id="c", fill=FILL),
    e.OrderChanged(client_order_id="c", status=OrderStatus.CLOSED),
)
OF_PIPELINE = (
    e.BalancesSynced(trader="main", balances={"USDT": Decimal(7)}),
    e.Incident.of(IncidentKind.UNCLASSIFIED, "strategy x", "ValueError: boom"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A journal as version 2 wrote it."""
    file = tmp_path / "journal.db"
    items = [
        Item(1, OF_SIGNAL, new=NewSignal("61" * 10, b"said", b"{}", "desk", "k")),
        *(Item(2, (body,)) for body in OF_PIPELINE),
    ]
    with closing(SqliteJournal(url_of(file), mode="paper")) as journal:
        asyncio.run(journal.commit(items, {}))
    make_older(file, 2)
    return file


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version


def test_a_reader_reads_it_as_it_is(file):
    with closing(SqliteReader(url_of(file))) as reader:
        assert tuple(event.body for event in reader.read()) == OF_SIGNAL + OF_PIPELINE
    assert version_of(file) == 2


def test_a_writer_continues_it_and_both_names_are_read(file):
    with closing(SqliteJournal(url_of(file), mode="paper")) as journal:
        asyncio.run(journal.commit([Item(3, OF_PIPELINE)], {}))
        assert tuple(event.body for event in journal.read()) == OF_SIGNAL + OF_PIPELINE + OF_PIPELINE
    assert version_of(file) == SCHEMA_VERSION


def test_its_digest_is_what_it_was(file):
    with closing(SqliteReader(url_of(file))) as reader:
        assert digest_of(reader.read()) == "377831429b7b0f7bb3690dc000c1702a1e340a62f4f6e69c6d07679a730deaa4"


def test_what_went_wrong_before_there_were_kinds_is_unclassified():
    incident = decode_any("fault", b'{"where":"a","error":"b"}')
    assert incident == e.Incident(kind=IncidentKind.UNCLASSIFIED, severity=Severity.WARNING, where="a", text="b")


def test_a_kind_that_never_was_is_unknown():
    with pytest.raises(KeyError):
        decode_any("never", b"{}")


def test_a_program_that_knows_only_version_2_refuses_what_this_one_writes(file, monkeypatch):
    SqliteJournal(url_of(file), mode="paper").close()
    monkeypatch.setattr(sqlite_file, "SCHEMA_VERSION", 2)
    with pytest.raises(JournalRefused, match="schema version 4, this program knows 2: run the newer program"):
        SqliteReader(url_of(file))
