"""A journal opened by its URL."""

import asyncio
import csv
import io
import json
from contextlib import closing

import pytest

import tidegate
from tidegate.domain import events as e
from tidegate.domain.errors import JournalRefused, SettingsError, SignalNotFound
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.journal import open_journal, path_of, url_of, write_journal

SIGNAL = NewSignal(id="0b" * 10, content=b"c", raw=b"{}", source="desk", key="k1")
REFUSED = e.Refused(reason=Reason.WEAK, measured=0.1, limit=0.5)


@pytest.fixture
def url(tmp_path):
    """A journal with one signal."""
    url = url_of(str(tmp_path / "journal.db"))
    with closing(write_journal(url, mode="paper")) as journal:
        asyncio.run(journal.commit([Item(1, (REFUSED,), new=SIGNAL)], {}))
    return url


def test_what_was_written_is_read(url):
    with closing(open_journal(url)) as journal:
        (history,) = journal.histories()
        assert (journal.mode(), journal.head()) == ("paper", 1)
        assert [event.body for event in journal.read()] == [event.body for event in history.events] == [REFUSED]
        assert journal.history(history.number) == history


def test_it_is_read_while_it_is_written(url):
    with closing(write_journal(url, mode="paper")) as writer, closing(open_journal(url)) as reader:
        asyncio.run(writer.commit([Item(2, (e.Resumed(),))], {}))
        assert reader.head() == 2


@pytest.mark.parametrize("name", ["0b" * 10, "0b0b0b", "0B0B0B"])
def test_a_signal_is_found_by_its_id_or_the_beginning_of_it(name, url):
    with closing(open_journal(url)) as journal:
        assert [history.signal_id for history in journal.find_histories(name)] == [SIGNAL.id]


def test_a_name_that_no_signal_has_is_an_error(url):
    with closing(open_journal(url)) as journal, pytest.raises(SignalNotFound, match="no signal, key or order x"):
        journal.find_histories("x")


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        pytest.param("data/journal.db", "write sqlite:///data/journal.db", id="a path"),
        pytest.param("/tmp/j.db", "write sqlite:////tmp/j.db", id="an absolute path"),
        pytest.param("nats://host/x", "it must look like sqlite:///data/journal.db", id="another scheme"),
        pytest.param("sqlite://j.db", "it must look like sqlite:///data/journal.db", id="two slashes"),
    ],
)
@pytest.mark.parametrize("opened", [open_journal, lambda url: write_journal(url, mode="paper"), path_of])
def test_a_wrong_url_names_the_right_one(opened, wrong, fix):
    with pytest.raises(SettingsError) as error:
        opened(wrong)
    assert str(error.value) == f"{wrong} is not a journal's URL: {fix}"


def test_there_must_be_one_to_read(tmp_path):
    with pytest.raises(JournalRefused, match=r"there is no journal at .*: start `run` first"):
        open_journal(url_of(str(tmp_path / "none.db")))
    assert list(tmp_path.iterdir()) == []


def test_the_front_opens_journals():
    assert tidegate.open_journal is open_journal


def test_a_notebook_reads_the_events_as_plain_rows(url):
    with closing(write_journal(url, mode="paper")) as journal:
        asyncio.run(journal.commit([Item(1_500_000_000_000_000_001, (e.Resumed(),))], {}))
    with closing(tidegate.open_journal(url)) as journal:
        first, second = journal.events()
        assert list(journal.events(after=1)) == [second]
    assert first == {
        "position": 1,
        "number": 1,
        "signal_id": "0b" * 10,
        "at": "1970-01-01T00:00:00.000000001Z",
        "kind": "refused",
        "body": '{"reason":"weak","measured":0.1,"limit":0.5}',
    }
    assert second == {
        "position": 2, "number": 0, "signal_id": "", "at": "2017-07-14T02:40:00.000000001Z", "kind": "resumed",
        "body": "{}",
    }  # fmt: skip


def test_pandas_takes_them_directly(url):
    pandas = pytest.importorskip("pandas")
    with closing(tidegate.open_journal(url)) as journal:
        frame = pandas.DataFrame(journal.events())
    assert list(frame) == ["position", "number", "signal_id", "at", "kind", "body"]
    assert pandas.to_datetime(frame["at"])[0].value == 1
    assert frame["body"].map(json.loads)[0]["limit"] == 0.5


def test_so_does_csv(url):
    with closing(tidegate.open_journal(url)) as journal:
        rows = list(journal.events())
    out = io.StringIO()
    csv.DictWriter(out, rows[0]).writerows(rows)
    assert next(csv.reader([out.getvalue().strip()]))[4] == "refused"
