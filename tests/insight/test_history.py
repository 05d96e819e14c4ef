"""A signal's history put together without a command line."""

from contextlib import closing

import pytest

from tidegate.domain import events as e
from tidegate.domain.reasons import Reason
from tidegate.insight.blockers import recorded_blockers
from tidegate.insight.history import history_text
from tidegate.insight.listing import SignalFilter, order_rows, position_rows, signal_rows
from tidegate.insight.preview import Blocker
from tidegate.insight.report import report_of
from tidegate.journal import open_journal, url_of


@pytest.fixture
def journal(ask):
    with closing(open_journal(url_of(ask.path))) as journal:
        yield journal


@pytest.mark.parametrize("name", ["placed", "weak", "malformed", "older", "newer", "expired", "parked", "conflict"])
def test_as_text_it_is_what_why_prints(name, ask, journal):
    (history,) = journal.find_histories(ask.ids[name])
    blockers = recorded_blockers(journal, [history]) if name == "newer" else {}
    printed = ask("why", ask.ids[name]).stdout.splitlines()
    assert [line.rstrip() for line in str(history_text(history, blockers)).splitlines()] == printed


def test_a_waiting_signal_has_what_blocks_it_now(ask, journal):
    (history,) = journal.find_histories(ask.ids["newer"])
    blocked = history_text(history, {history.signal_id: Blocker(Reason.HALTED, measured="lunch")})
    assert ("blocked by", "halted: lunch") in blocked.facts
    assert (blocked.summary.reason, history_text(history).summary.reason) == (
        Reason.HALTED,
        Reason.AWAITING_TICK,
    )


def test_it_names_the_signals_it_refers_to(ask, journal):
    (older,), (conflict,) = (journal.find_histories(ask.ids[name]) for name in ("older", "conflict"))
    assert history_text(older).superseded_by == ask.ids["newer"]
    assert history_text(conflict).conflicts_with == ask.ids["placed"]


def test_rows_are_what_the_commands_print(ask, journal):
    assert [row.signal_id for row in signal_rows(journal, {})] == [row["signal_id"] for row in ask.json("signals")]
    assert [row.client_order_id for row in order_rows(journal)] == [
        row["client_order_id"] for row in ask.json("orders")
    ]
    assert [row.amount for row in position_rows(journal)] == [row["amount"] for row in ask.json("positions")]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param(SignalFilter(reason=Reason.WEAK), ["weak"], id="by reason"),
        pytest.param(SignalFilter(symbol="ETH/BTC"), ["weak"], id="by symbol"),
        pytest.param(SignalFilter(source="=cmd()"), ["parked"], id="by sender"),
        pytest.param(SignalFilter(limit=2), ["parked", "conflict"], id="the newest"),
        pytest.param(SignalFilter(source="nobody"), [], id="none"),
    ],
)
def test_signals_are_filtered(wanted, names, ask, journal):
    assert [row.signal_id for row in signal_rows(journal, {}, wanted)] == [ask.ids[name] for name in names]


def test_the_report_is_the_one_that_is_printed(ask, journal):
    assert report_of(journal)["digest"] == ask.json("report")["digest"]
    assert sum(isinstance(event.body, e.Placed) for event in journal.read()) == report_of(journal)["placed"]
