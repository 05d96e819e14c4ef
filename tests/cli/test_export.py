import asyncio
import csv
import io
import json
from contextlib import closing

import pytest

from tidegate.domain.events import Redelivered, Refused, kind_of
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary
from tidegate.insight.export import _cell
from tidegate.journal import open_journal
from tidegate.journal.sqlite_journal import SqliteJournal


def test_one_json_line_for_each_signal(ask):
    lines = [json.loads(line) for line in ask("export").stdout.splitlines()]
    assert lines == ask.json("signals")
    assert list(lines[0]) == list(SignalSummary.__struct_fields__)


def test_csv_has_the_same_lines(ask):
    rows = list(csv.DictReader(io.StringIO(ask("export", "--format", "csv").stdout)))
    lines = ask.json("signals")
    assert [row["signal_id"] for row in rows] == [line["signal_id"] for line in lines]
    assert rows[0]["client_order_ids"] == "c1 c2"
    assert rows[2]["symbol"] == ""


def test_a_sender_cannot_put_a_formula_into_a_spreadsheet(ask):
    rows = list(csv.DictReader(io.StringIO(ask("export", "--format", "csv").stdout)))
    assert {row["source"] for row in rows} == {"desk", "", "'=cmd()"}
    assert '"=cmd()"' in ask("export").stdout


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1+1", "'+1+1", id="plus"),
        pytest.param("-1-1", "'-1-1", id="minus"),
        pytest.param("@sum", "'@sum", id="at"),
        pytest.param("\tx", "'\tx", id="tab"),
        pytest.param("\rx", "'\rx", id="carriage return"),
        pytest.param("-0.5", "-0.5", id="a negative number stays a number"),
        pytest.param(-1e-7, "-1e-07", id="also a float with an exponent"),
        pytest.param("-inf", "'-inf", id="an infinity is no number"),
        pytest.param("a=1", "a=1", id="inside it does no harm"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_cells(value, cell):
    assert _cell(value) == cell


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_is_what_standard_output_is(form, ask, tmp_path):
    target = tmp_path / "out"
    assert ask("export", "--format", form, str(target)).exit_code == 0
    assert (
        target.read_bytes().decode()
        == ask("export", "--format", form).stdout
        == ask("export", "--format", form, "-").stdout
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_that_fails_half_way_leaves_the_old_file_and_nothing_else(ask, tmp_path):
    journal = SqliteJournal(f"sqlite:///{tmp_path}/wrong.db", mode="paper")
    told = [("aa", Refused(reason=Reason.WEAK)), ("bb", Redelivered())]
    items = [Item(1, (body,), new=NewSignal(name * 10, b"", b"")) for name, body in told]
    asyncio.run(journal.commit(items, {}))
    journal.close()
    target = tmp_path / "exported" / "out"
    target.parent.mkdir()
    target.write_text("old")
    answer = ask("export", str(target), journal=f"{tmp_path}/wrong.db")
    assert (answer.exit_code, answer.stderr) == (1, "Error: bbbbbbbbbbbbbbbbbbbb begins with redelivered\n")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_does_not_exist_is_a_failure(ask, tmp_path):
    answer = ask("export", str(tmp_path / "nowhere" / "out"))
    assert answer.exit_code == 1
    assert "No such file or directory" in answer.stderr


def test_every_event_is_a_json_line_with_names(ask):
    lines = [json.loads(line) for line in ask("export", "--events").stdout.splitlines()]
    with closing(open_journal(f"sqlite:///{ask.path}")) as journal:
        recorded = list(journal.read())
    assert [line["position"] for line in lines] == [event.position for event in recorded]
    assert [list(line) for line in lines] == [["position", "number", "signal_id", "at", "kind", "body"]] * len(recorded)
    assert [line["kind"] for line in lines] == [kind_of(event.body) for event in recorded]
    placed = next(line for line in lines if line["kind"] == "placed")
    assert placed["signal_id"] == ask.ids["placed"]
    assert placed["at"].endswith("12.250000000Z")
    assert placed["body"]["fills"][0] == {
        "trade_id": "t1", "amount": "0.005", "price": "10000", "fee": "0.1", "fee_currency": "USDT"
    }  # fmt: skip


def test_events_have_no_columns_for_csv(ask):
    said = ask("export", "--events", "--format", "csv")
    assert said.exit_code == 2
    assert "--events are JSON lines" in said.stderr
