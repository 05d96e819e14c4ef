import asyncio

import pytest
from click.testing import CliRunner

from tidegate.cli import main
from tidegate.domain.events import Refused
from tidegate.domain.identity import keyed_id
from tidegate.domain.ports import Item, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.journal.sqlite_journal import SqliteJournal


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param(lambda ids: ids["weak"], ["weak"], id="a signal's id"),
        pytest.param(lambda ids: ids["weak"].upper(), ["weak"], id="an id in capitals"),
        pytest.param(lambda ids: ids["weak"][:6], ["weak"], id="the beginning of an id"),
        pytest.param(lambda ids: "weak", ["weak"], id="a key"),
        pytest.param(lambda ids: "c1", ["placed"], id="a client order id that was not placed"),
        pytest.param(lambda ids: "c2", ["placed"], id="a client order id that was"),
        pytest.param(lambda ids: "V-2", ["placed"], id="the venue's order id"),
        pytest.param(lambda ids: ids["malformed"], ["malformed"], id="a signal that could not be read"),
        pytest.param(lambda ids: "placed", ["placed", "conflict"], id="a key that two signals have lists both"),
    ],
)
def test_why_finds_a_signal_by(asked, names, ask):
    found = ask.json("why", asked(ask.ids))
    assert [history["signal_id"] for history in found] == [ask.ids[name] for name in names]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda ids: ids["weak"][:5], id="a beginning that is too short"),
        pytest.param(lambda ids: "V-3", id="a name nobody has"),
        pytest.param(lambda ids: "0" * 20, id="an id nobody has"),
    ],
)
def test_why_says_that_there_is_none(asked, ask):
    answer = ask("why", asked(ask.ids))
    assert answer.exit_code == 1
    assert f"no signal, key or order {asked(ask.ids)} is in the journal" in answer.stderr


def test_a_life_is_told_with_times_attempts_and_answers(ask):
    (told,) = ask.json("why", "V-2")
    events = told["events"]
    assert [event["kind"] for event in events] == [
        *("accepted", "intent", "deferred", "intent", "placed", "filled", "order_changed", "redelivered")
    ]
    assert [event["attempt"] for event in events] == [None, 1, 1, 2, 2, 2, 2, None]
    assert [event["elapsed_ms"] for event in events][:3] == [0, 10_000, 10_500]
    assert events[4]["at"] == "2018-01-11T00:00:12.250Z"
    assert events[4]["body"]["venue_order_id"] == "V-2"
    assert "Attempt 2: buy 0.02 BTC/USDT, limit at 10000, by paper as c2." in events[3]["words"]
    assert events[2]["words"] == "Not placed. never_sent: no route. It may be retried from 00:00:11."
    assert "a score of 0.8 (strength 0.9). It may wait until 00:02:00." in events[0]["words"]
    assert told["raw"].startswith('{"symbol": "BTC/USDT"')
    assert told["outcome"] == "placed"


@pytest.mark.parametrize(
    ("name", "kind", "measured", "limit", "margin"),
    [
        pytest.param("weak", "refused", 0.2, 0.5, "-0.3", id="numbers have a margin"),
        pytest.param("expired", "expired", 11, 10, "1", id="so do counts"),
        pytest.param("malformed", "refused", "no JSON", None, None, id="words have none"),
    ],
)
def test_what_was_measured_stands_beside_its_limit(name, kind, measured, limit, margin, ask):
    (told,) = ask.json("why", ask.ids[name])
    last = told["events"][-1]
    assert (last["kind"], last["measured"], last["limit"], last["margin"]) == (kind, measured, limit, margin)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("weak", "weak: strength 0.2, 0.3 below the minimum of 0.5. Its score was 0.3.", id="numbers"),
        pytest.param("expired", "would make 11 open positions, 10 allowed.", id="counts"),
        pytest.param("malformed", "malformed: no JSON.", id="words"),
    ],
)
def test_a_sentence_says_what_was_measured_the_limit_and_the_margin(name, words, ask):
    assert ask("why", ask.ids[name]).stdout.rstrip().endswith(words)


def test_a_conflict_names_the_signal_it_conflicts_with(ask):
    (told,) = ask.json("why", ask.ids["conflict"])
    assert told["conflicts_with"] == ask.ids["placed"]
    assert f"see         {ask.ids['placed']}" in ask("why", ask.ids["conflict"]).stdout
    assert ask.json("why", ask.ids["placed"])[0]["conflicts_with"] is None


def test_a_superseded_signal_names_the_one_that_took_its_place(ask):
    (told,) = ask.json("why", "older")
    assert told["superseded_by"] == ask.ids["newer"]
    assert f"Replaced by the newer signal {ask.ids['newer']}" in ask("why", "older").stdout


def test_what_others_wrote_cannot_steer_a_terminal(ask):
    text = ask("why", ask.ids["malformed"]).stdout
    assert r"\x1b[31m\xff" in text
    assert "\x1b" not in text


def test_two_lives_are_told_one_after_the_other(ask):
    text = ask("why", "placed").stdout
    assert text.index(f"signal      {ask.ids['placed']}") < text.index(f"signal      {ask.ids['conflict']}")


@pytest.fixture
def ask_alike(tmp_path):
    """Ask a journal in which two ids begin alike, and a third signal has the other's beginning for a key."""
    raw = b'{"symbol": "A/B", "side": "buy", "strength": 1, "timestamp": 1, "key": "abcdee"}'
    journal = SqliteJournal(f"sqlite:///{tmp_path}/alike.db", mode="paper")
    ids = ("abcdef" + 14 * "0", "abcdef" + 14 * "1", "abcdee" + 14 * "0")
    new = [NewSignal(known, b"", b"") for known in ids]
    new.append(NewSignal(keyed_id("unnamed", "abcdee"), b"", raw, "unnamed", "abcdee"))
    items = [Item(1, (Refused(reason=Reason.WEAK),), new=one) for one in new]
    asyncio.run(journal.commit(items, {}))
    journal.close()
    return lambda asked: CliRunner().invoke(main, ["why", asked, "--journal", f"{tmp_path}/alike.db"])


def test_a_beginning_that_several_ids_have_lists_them(ask_alike):
    answer = ask_alike("abcdef")
    assert answer.exit_code == 1
    assert answer.stderr.split()[-2:] == ["abcdef" + 14 * "0", "abcdef" + 14 * "1"]


def test_a_whole_name_goes_before_the_beginning_of_an_id(ask_alike):
    assert "signal      " + keyed_id("unnamed", "abcdee") in ask_alike("abcdee").stdout
    assert "abcdee0" not in ask_alike("abcdee").stdout
