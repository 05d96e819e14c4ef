import pytest
from click.testing import CliRunner

from tidegate.cli import main
from tidegate.journal.sqlite_journal import SqliteJournal


@pytest.mark.parametrize(
    ("words", "names"),
    [
        pytest.param(["--outcome", "waiting"], ["newer"], id="of an outcome"),
        pytest.param(["--symbol", "ETH/BTC"], ["weak"], id="of a symbol"),
        pytest.param(["--source", "=cmd()"], ["parked"], id="of a source"),
        pytest.param(["--reason", "position_limit"], ["expired"], id="of a reason"),
        pytest.param(["--limit", "2"], ["parked", "conflict"], id="the newest"),
        pytest.param(
            ["--outcome", "refused", "--limit", "2"], ["malformed", "conflict"], id="the newest of an outcome"
        ),
        pytest.param(["--since", "2018-01-11T00:00:09"], ["parked", "conflict"], id="since a moment"),
        pytest.param(["--since", "2018-01-11T01:00:09+01:00"], ["parked", "conflict"], id="since a moment elsewhere"),
        pytest.param(["--since", "10m"], [], id="since ten minutes ago"),
        pytest.param(["--outcome", "placed", "--reason", "weak"], [], id="both must hold"),
    ],
)
def test_signals(words, names, ask):
    listed = ask.json("signals", *words)
    assert [line["signal_id"] for line in listed] == [ask.ids[name] for name in names]
    rows = ask("signals", *words).stdout.splitlines()
    assert rows[0].split()[:2] == ["received_at", "signal_id"]
    assert [row.split()[1] for row in rows[1:]] == [ask.ids[name] for name in names]


def test_all_signals_are_listed_oldest_first(ask):
    listed = ask.json("signals")
    assert len(listed) == 11
    assert [line["received_at"] for line in listed] == sorted(line["received_at"] for line in listed)


def test_a_time_that_is_none_is_a_usage_error(ask):
    answer = ask("signals", "--since", "yesterday")
    assert answer.exit_code == 2
    assert "must be like 10m, 2h or 2018-01-11T08:00, was yesterday" in answer.stderr


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        pytest.param(
            [],
            [("c1", "not_placed"), ("c2", "closed"), ("o-placing", "placing"), ("o-unknown", "unknown"),
             ("o-failed", "not_placed"), ("o-parked", "parked")],
            id="all of them",
        ),
        pytest.param(
            ["--open"],
            [("o-placing", "placing"), ("o-unknown", "unknown"), ("o-parked", "parked")],
            id="what may still come to something",
        ),
    ],
)  # fmt: skip
def test_orders(words, statuses, ask):
    assert [(line["client_order_id"], line["status"]) for line in ask.json("orders", *words)] == statuses
    rows = ask("orders", *words).stdout.splitlines()[1:]
    assert [row.split()[1] for row in rows] == [order_id for order_id, _ in statuses]


@pytest.mark.parametrize("command", ["signals", "orders", "positions"])
def test_an_empty_journal_is_an_empty_array(command, tmp_path):
    SqliteJournal(f"sqlite:///{tmp_path}/new.db", mode="paper").close()
    answer = CliRunner().invoke(main, [command, "--json", "--journal", f"{tmp_path}/new.db"])
    assert (answer.exit_code, answer.stdout) == (0, "[]\n")


def test_columns_are_aligned(ask):
    rows = ask("orders").stdout.splitlines()
    start = rows[0].index("client_order_id")
    assert {row[start - 2 : start] for row in rows} == {"  "}
