"""`positions`, and the money in `report`."""

import asyncio
from decimal import Decimal

import pytest
from click.testing import CliRunner

from tidegate.cli import main
from tidegate.domain import events as e
from tidegate.domain.market import Mark
from tidegate.domain.ports import Item
from tidegate.journal.sqlite_journal import SqliteJournal


def test_positions(ask):
    (held,) = ask.json("positions")
    assert held == {
        "trader": "paper",
        "symbol": "BTC/USDT",
        "amount": "0.020",
        "cost": "200.14",
        "average": "10007",
        "price": "9996",
        "price_at": "2018-01-11T00:00:13.000Z",
        "unrealized": "-0.22",
        "realized": "0",
        "state": "open",
    }
    header, row = ask("positions").stdout.splitlines()
    assert header.split() == [
        "trader", "symbol", "amount", "average", "cost", "price", "price_at", "unrealized", "realized", "state"
    ]  # fmt: skip
    assert row.split() == [
        "paper", "BTC/USDT", "0.020", "10007", "200.14", "9996", "2018-01-11T00:00:13.000Z", "-0.22", "0", "open"
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_an_entry_says_that_it_includes_fees(ask, in_a_terminal, columns):
    head, _, row, *_ = in_a_terminal("positions", "--journal", ask.path, columns=columns)
    assert "entry with fees" in head
    assert max(map(len, (head, row))) <= columns
    assert [word in row for word in ("BTC/USDT", "0.02", "10007", "9996", "-0.22")] == [True] * 5


def test_the_report_begins_with_the_money(ask):
    """10,000 less 0.02 BTC bought for 199.94 in two trades of 0.1 each: the last one at 9,996."""
    told = ask.json("report")
    assert told["money"] == {
        "USDT": {
            "equity": "9999.780", "put_in": "10000", "change": "-0.220", "cash": "9799.860", "set_aside": "600.600",
            "realized": "0", "unrealized": "-0.220", "unpriced": [],
        }
    }  # fmt: skip
    assert told["fees"] == {"USDT": "0.2"}
    assert told["unvalued_fees"] == {}
    assert told["prices"] == {"BTC/USDT": {"price": "9996", "at": "2018-01-11T00:00:13.000Z"}}
    money, *_ = ask("report").stdout.split("\n\n")
    assert money.splitlines() == [
        "equity      9,999.78 USDT, -0.22 USDT (0.00%) by trading",
        "cash        9,799.86 USDT, 600.60 USDT of it reserved for orders",
        "realized    0.00 USDT, fees included",
        "unrealized  -0.22 USDT on 1 open position",
        "fees        0.20 USDT",
        "priced at   BTC/USDT 9,996 of 2018-01-11T00:00:13Z",
    ]


def written(path, *bodies):
    journal = SqliteJournal(f"sqlite:///{path}", mode="paper")
    asyncio.run(journal.commit([Item(1_515_628_800_000_000_000, bodies)], {}))
    journal.close()


def test_what_an_orderly_stop_left_is_priced_by_its_quotes(tmp_path):
    balances = {"USDT": Decimal(100), "ETH": Decimal(2), "XYZ": Decimal(1)}
    stopped = e.Stopped(left={}, marks={"ETH/USDT": Mark(Decimal(50), 1_515_628_799_000_000_000)})
    written(f"{tmp_path}/j.db", e.Funded(trader="paper", balances=balances), stopped)
    shown = CliRunner().invoke(main, ["report", "--journal", f"{tmp_path}/j.db"]).stdout.splitlines()
    assert shown[0] == "equity      200.00 USDT, 0.00 USDT (0.00%) by trading, without XYZ, whose price is unknown"
    assert "priced at   ETH/USDT 50 of 2018-01-10T23:59:59Z" in shown
