from contextlib import closing

import pytest

from tidegate.domain.lifecycle import Outcome
from tidegate.insight.report import report_of
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader


def test_the_ledger_balances_in_the_report(ask):
    told = ask.json("report")
    assert told["balanced"] is True
    assert told["received"] == sum(told[outcome] for outcome in Outcome) == 11
    assert {outcome.value: told[outcome] for outcome in Outcome} == {
        **{outcome.value: 1 for outcome in Outcome},
        "refused": 3,
    }
    assert (told["redelivered"], told["turned_away"], told["mode"]) == (1, 0, "paper")


def test_reasons_times_and_rates(ask):
    told = ask.json("report")
    assert told["reasons"] == {"weak": 1, "malformed": 1, "conflict": 1, "position_limit": 1, "rejected": 1}
    assert (told["first_at"], told["last_at"]) == ("2018-01-11T00:00:00.000Z", "2018-01-11T00:02:00.000Z")
    assert told["received_per_s"] == pytest.approx(11 / 120, abs=1e-3)
    assert told["placed_per_s"] == pytest.approx(1 / 120, abs=1e-3)


def test_latencies_are_those_of_the_events(ask):
    latency = ask.json("report")["latency_ms"]
    assert latency["sent"]["p50"] == pytest.approx(250, rel=0.07)
    assert latency["total"]["p99"] == pytest.approx(12_250, rel=0.07)
    assert latency["waited"]["p99"] == pytest.approx(14_000, rel=0.07)


def test_the_text_shows_the_sum_and_every_other_figure(ask):
    _, ledger, rest = ask("report").stdout.split("\n\n")
    assert ledger == (
        "received 11 = refused 3 + superseded 1 + expired 1 + waiting 1 + placing 1 + unknown 1 + placed 1 + failed 1 "
        "+ parked 1"
    )
    figures = dict(row.split(maxsplit=1) for row in rest.splitlines())
    assert figures["balanced"] == "true"
    assert figures["reasons.weak"] == "1"
    assert figures["digest"] == ask.json("report")["digest"]


def test_the_digest_does_not_depend_on_how_events_were_committed(ask, ask_grouped):
    assert ask("report", "--json").stdout == ask_grouped("report", "--json").stdout


def test_an_empty_journal_has_a_report(tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    SqliteJournal(url, mode="paper").close()
    with closing(SqliteReader(url)) as reader:
        told = report_of(reader)
    assert (told["received"], told["balanced"], told["first_at"], told["received_per_s"]) == (0, True, None, None)
    assert told["latency_ms"]["sent"] == {"p50": None, "p99": None}
