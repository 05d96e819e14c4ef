import json

import pytest
from click.testing import CliRunner
from reactivex import Subject

from streams.state import State
from tidegate.cli import main
from tidegate.domain import events as e
from tidegate.domain.order import OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt
from tidegate.insight.input_report import InputReport
from tidegate.sources.signal_lines import read_signals

LINE = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "source": "desk"}
QUIET = {"signals": {"strategies": []}, "logging": {"json_file": None}}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a file of lines in a folder of its own; gives the exit code and what was printed after the end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.json").write_text(json.dumps(QUIET))

    def run(*lines, words=("--signals", "in.jsonl")):
        text = "".join((json.dumps({**LINE, **line}) if isinstance(line, dict) else line) + "\n" for line in lines)
        (tmp_path / "in.jsonl").write_text(text)
        answer = CliRunner().invoke(main, ["run", *words, "--until-idle", "--no-dashboard"], input=text)
        return answer.exit_code, answer.stdout[answer.stdout.index("stopped.") :].splitlines()[1:]

    return run


def test_a_file_ends_with_its_outcomes_and_the_lines_that_were_refused(run):
    assert run(
        {"key": "a"},
        "",
        {"key": "b", "strength": "x"},
        {"key": "c", "strength": 0.2},
        "   ",
        {"key": "d", "symbol": "DOGE/USDT"},
        {"key": "a"},
        {"key": "a", "strength": 0.8},
        {"key": "e", "symbol": "XRP/USDT", "side": "sell"},
    ) == (
        0,
        [
            "in.jsonl: 7 signals: 5 refused, 1 already known, 1 placed",
            "  line 3: refused, malformed: Expected `float`, got `str` - at `$.strength`",
            "  line 4: refused, weak: strength 0.2, 0.3 below the minimum of 0.5",
            "  line 6: refused, unknown_symbol: DOGE/USDT is not one of BTC/USDT, ETH/USDT, SOL/USDT, XRP/USDT",
            "  line 8: refused, conflict: its key was used before with different content",
            "  line 9: refused, no_position: 0 held, the minimum to sell is 0.001",
        ],
    )


def test_a_second_run_knows_every_line(run):
    run({"key": "a"}, {"key": "b"})
    assert run({"key": "a"}, {"key": "b"}) == (0, ["in.jsonl: 2 signals: 2 already known"])


def test_only_the_first_twenty_lines_are_named(run):
    _, told = run(*({"key": f"k{n}", "strength": 0.1} for n in range(25)))
    assert told[0] == "in.jsonl: 25 signals: 25 refused"
    assert [line.split(":")[0] for line in told[1:21]] == [f"  line {n}" for n in range(1, 21)]
    assert told[21:] == ["  and 5 more: see `signals`"]


@pytest.fixture
def followed():
    """A report, and how to hand it signals, receipts and events."""
    raws = Subject()
    report = InputReport("in", iter(range(10, 99)))
    heard = []
    report.follow(raws).subscribe(heard.append)

    class Followed:
        def come(self, signal_id, *bodies, **receipt):
            raws.on_next(Raw(b""))
            self.happen(signal_id, *bodies)
            heard[-1].reply(Receipt(signal_id, **receipt))

        def happen(self, signal_id, *bodies):
            report.watch([e.Recorded(1, 1, signal_id, 0, body) for body in bodies])

        def lines(self):
            return list(report.lines(State()))

    return Followed()


ACCEPTED = e.Accepted(score=0.5, parts=(), expires_at_ns=1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(
            e.Expired(reason=Reason.HALTED, measured="lunch"),
            ["in: 1 signal: 1 expired", "  line 10: expired, halted: lunch"],
            id="expired",
        ),
        pytest.param(
            e.Failed(client_order_id="c", reason=Reason.REJECTED, detail="no"),
            ["in: 1 signal: 1 failed", "  line 10: failed, rejected: no"],
            id="failed",
        ),
        pytest.param(e.Superseded(by="b"), ["in: 1 signal: 1 superseded"], id="superseded"),
        pytest.param(
            e.Placed(client_order_id="c", venue_order_id="v", status=OrderStatus.OPEN),
            ["in: 1 signal: 1 placed"],
            id="placed",
        ),
    ],
)
def test_an_accepted_signal_is_followed_to_its_outcome(followed, body, told):
    followed.come("aa", ACCEPTED)
    followed.happen("aa", body)
    followed.happen("other", body)
    assert followed.lines() == told


def test_what_was_turned_away_is_named_and_may_be_sent_again(followed):
    followed.come(None, reason=Reason.DOOR_FULL)
    assert followed.lines() == [
        "in: 1 signal: 1 rejected at intake",
        "  line 10: rejected at intake, door_full: send it again",
    ]


def test_the_numbers_of_lines_count_blank_ones(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"a\n\n  \nb\r\nc")
    numbers = []
    assert list(read_signals(path, numbered=numbers.append)) == [b"a", b"b", b"c"]
    assert numbers == [1, 4, 5]


def test_strategies_beside_a_file_are_counted_on_their_own(run):
    _, told = run({"key": "a"}, words=("--signals", "in.jsonl", "--strategies"))
    assert told == ["in.jsonl: 1 signal: 1 placed", "strategies: 0 signals: nothing"]
