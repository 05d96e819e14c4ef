"""What the commands look like in terminals of 80 and 120 columns."""

import re

import pytest

WIDTHS = [80, 120]


@pytest.fixture(scope="module")
def shown(ask, in_a_terminal):
    """The lines of a command over the journal in which every outcome stands once, kept for each width."""
    kept = {}

    def show(columns, *words):
        if (columns, words) not in kept:
            kept[columns, words] = in_a_terminal(*words, "--journal", ask.path, columns=columns)
        return kept[columns, words]

    return show


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [("why", "placed"), ("why", "malformed-id"), ("signals",), ("orders",), ("positions",), ("report",)],
    ids=" ".join,
)
def test_no_line_is_wider_than_the_terminal_and_no_colour_is_there_unasked(words, columns, shown, ask):
    words = [ask.ids["malformed"] if word == "malformed-id" else word for word in words]
    lines = shown(columns, *words)
    assert lines
    assert max(map(len, lines)) <= columns
    assert "\x1b" not in "".join(lines)
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("columns", WIDTHS)
def test_signals_have_a_line_each_with_an_id_that_why_takes(columns, shown, ask):
    head, rule, *rows = shown(columns, "signals")[:13]
    assert head.split()[:4] == ["received", "UTC", "signal", "side" if columns == 80 else "source"]
    assert set(rule) == {"─"}
    for row, signal_id in zip(rows, ask.ids.values(), strict=True):
        short = row[head.index("signal") :].split()[0]
        assert signal_id.startswith(short)
        assert ask.json("why", short)[0]["signal_id"] == signal_id
    assert {word for row in rows for word in row.split()} >= {
        "placed",
        "weak",
        "position_limit",
        "newer_signal",
        "parked",
    }


def test_what_there_is_no_room_for_is_named_below(shown):
    assert " ".join(shown(80, "signals")[13:]) == (
        "+5 columns in a wider terminal, or with --json: source, strength, score, filled, average"
    )
    assert len(shown(120, "signals")) == 13


@pytest.mark.parametrize("columns", WIDTHS)
def test_orders_have_a_line_each_with_their_whole_ids(columns, shown):
    rows = shown(columns, "orders")[2:8]
    ids = [next(word for word in row.split()[2:] if re.match("c|o-", word)) for row in rows]
    assert ids == ["c1", "c2", "o-placing", "o-unknown", "o-failed", "o-parked"]
    assert all("BTC/USDT" in row and "10000" in row for row in rows)


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_report_begins_with_the_money_and_the_sum(columns, shown):
    text = " ".join(" ".join(shown(columns, "report")).split())
    assert text.startswith("equity 9,999.78 USDT, -0.22 USDT (0.00%) by trading cash 9,799.86 USDT, ")
    assert text.partition(" of 2018-01-11T00:00:13Z ")[2].startswith(
        "received 11 = refused 3 + superseded 1 + expired 1 + waiting 1 + placing 1 + unknown 1 "
    )
    assert re.search(r"digest [0-9a-f]{64}( |$)", text)


def test_a_life_in_eighty_columns(shown, ask):
    assert (
        "\n".join(shown(80, "why", "V-2"))
        == f"""\
buy BTC/USDT: placed, the order is closed, filled 0.02 of 0.02 at 9997
signal      {ask.ids["placed"]}
sent by     desk, key placed
received    2018-01-11 00:00:00.000 UTC
as sent     {{"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp":
            1515628800000, "source": "desk", "key": "placed"}}

  +0.000 s  accepted       Passed every check with a score of 0.8 (strength
                           0.9). It may wait until 00:02:00.
 +10.000 s  intent         Attempt 1: buy 0.02 BTC/USDT, limit at 10000, by
                           paper as c1. 200.2 USDT reserved.
 +10.500 s  deferred       Not placed. never_sent: no route. It may be retried
                           from 00:00:11.
 +12.000 s  intent         Attempt 2: buy 0.02 BTC/USDT, limit at 10000, by
                           paper as c2. 200.2 USDT reserved.
 +12.250 s  placed         The venue has the order as V-2: open. Filled 0.005 at
                           10000, fee 0.1 USDT.
 +13.000 s  filled         Trade t2. Filled 0.015 at 9996, fee 0.1 USDT.
 +13.000 s  order_changed  The order is closed on the venue.
 +14.000 s  redelivered    The same signal arrived again: nothing changed."""
    )


def test_a_refusal_in_a_hundred_and_twenty_columns_says_what_helps(shown, ask):
    assert (
        "\n".join(shown(120, "why", "weak"))
        == f"""\
buy ETH/BTC: refused (weak)
signal      {ask.ids["weak"]}
sent by     desk, key weak
received    2018-01-11 00:00:01.000 UTC
what helps  lower validation.min_signal_strength to accept weaker signals
as sent     {{"symbol": "ETH/BTC", "side": "buy", "strength": 0.9, "timestamp": 1515628800000, "source": "desk", "key":
            "weak"}}

  +0.000 s  refused        weak: strength 0.2, 0.3 below the minimum of 0.5. Its score was 0.3."""
    )


def test_in_a_pipe_a_life_is_the_same_in_one_line_for_each_event(ask):
    lines = ask("why", "V-2").stdout.splitlines()
    assert len(lines) == 14
    assert lines[-3] == " +13.000 s  filled         Trade t2. Filled 0.015 at 9996, fee 0.1 USDT."


def test_a_terminal_that_shows_colours_gets_them(ask, in_a_terminal):
    assert "\x1b[1m" in in_a_terminal("signals", "--journal", ask.path, columns=80, colour=True)[0]
