"""What blocks a signal is named as it is now: by the pipeline that runs, or else by the journal."""

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.availability import Watch
from tidegate.assembly import assemble
from tidegate.cli import main
from tidegate.cli.control_api import answerer
from tidegate.cli.replies import print_sent, print_triggered
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.market import Quote
from tidegate.domain.ports import Item
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal
from tidegate.insight.telemetry import Telemetry
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import Settings

ROOT = Path(__file__).parents[2]
START_NS = 1_700_000_000_000_000_000
SIGNAL = {"symbol": "A/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k"}


async def priced(engine, at_ns=None):
    at_ns = engine.parts.clock.now_ns() if at_ns is None else at_ns
    quote = Quote("A/USDT", at_ns, Decimal(10), Decimal(10), Decimal(1000))
    engine.parts.markets.follow(quote)
    for trader in engine.traders:
        trader.venue.on_quote(quote)


async def halted(engine, reduce_only=False):
    await priced(engine)
    engine.record(e.Halted(reduce_only=reduce_only, why="lunch"))
    await engine.committed()


async def reduced(engine):
    await halted(engine, reduce_only=True)


async def circuit_opened(engine):
    await priced(engine)
    for _ in range(5):
        why = Refusal(Reason.NO_ANSWER, measured="timed out")
        engine.parts.availability.report_trader_failure("paper", why, engine.parts.clock.now_ns(), watch=Watch.ORDERS)


async def halted_in_backoff(engine):
    """Halted, with a signal that had an attempt already."""
    await halted(engine)
    entered = engine.parts.pending.add

    def enter(entry):
        entry.due_ns = engine.parts.clock.now_ns() + 1
        return entered(entry)

    engine.parts.pending.add = enter


async def not_priced(engine):
    pass


async def outdated(engine):
    await priced(engine, START_NS - 3_600_000_000_000)


async def full(engine):
    await priced(engine)
    while not engine.parts.in_flight.full:
        engine.parts.in_flight.take()


def asked(scene, *requests):
    """What a pipeline in a state answers, one request after the other."""
    loop = VirtualLoop()

    async def live():
        clock = Clock.simulated(loop, START_NS)
        settings = Settings.model_validate(
            {"symbols": ["A/USDT"], "traders": [{"balances": {"USDT": "1000"}}], "execution": {"max_in_flight": 2}}
        )
        journal = SqliteJournal("sqlite:///:memory:", mode="paper", synchronous="normal")
        engine = await assemble(settings, journal, clock, frozenset(settings.symbols))
        await engine.start([])
        await scene(engine)
        answer = answerer(engine, Telemetry.of(engine))
        return [await answer(request) for request in requests]

    return loop.run_until_complete(live())


SCENES = [
    pytest.param(halted, "halted", "lunch", id="halted"),
    pytest.param(reduced, "halted", "lunch", id="reduce-only, for a buy"),
    pytest.param(halted_in_backoff, "halted", "lunch", id="halted, whatever else there is"),
    pytest.param(not_priced, "no_market_data", "A/USDT", id="no price"),
    pytest.param(outdated, "stale_market_data", 3600.0, id="an old price"),
    pytest.param(circuit_opened, "no_trader", "paper: circuit_open: orders: 5 failures in a row", id="open circuit"),
    pytest.param(full, "in_flight_full", None, id="no place in flight"),
    pytest.param(priced, "awaiting_tick", None, id="nothing"),
]


@pytest.mark.parametrize(("scene", "reason", "measured"), SCENES)
def test_sending_tells_what_blocks_the_signal_now(scene, reason, measured):
    (told,) = asked(scene, {"do": "send", "signal": SIGNAL})
    assert (told["outcome"], told["reason"], told["measured"]) == ("waiting", reason, measured)


@pytest.mark.parametrize(("scene", "reason", "measured"), SCENES)
def test_the_blocker_of_a_waiting_signal_can_be_asked_for(scene, reason, measured):
    sent, again = asked(scene, {"do": "send", "signal": SIGNAL}, {"do": "send", "signal": SIGNAL})
    assert again == {**sent, "redelivered": True}
    (_, told) = asked(
        scene, {"do": "send", "signal": SIGNAL}, {"do": "blockers", "signals": [sent["signal_id"], "ab" * 10]}
    )
    (blocker,) = told["blockers"].values()
    assert (blocker["reason"], blocker["measured"]) == (reason, measured)
    assert blocker["in_s"] == (10.0 if reason == "awaiting_tick" else None)


@pytest.mark.parametrize(
    ("scene", "lines", "code"),
    [
        pytest.param(
            halted,
            ["halted: lunch: no orders are sent until `resume`", "executing: 1 waiting, 0 could be executed"],
            1,
            id="during a halt",
        ),
        pytest.param(
            reduced,
            ["halted: lunch: only closing orders are sent until `resume`", "executing: 1 waiting, 0 could be executed"],
            0,
            id="during a halt that lets closing orders through",
        ),
        pytest.param(
            not_priced,
            [
                "executing: 1 waiting, 0 could be executed",
                f"  1 blocked: no_market_data ({REASONS[Reason.NO_MARKET_DATA].remedy})",
            ],
            0,
            id="without prices",
        ),
        pytest.param(priced, ["executing: 1 waiting, 1 could be executed"], 0, id="when nothing is in the way"),
    ],
)  # fmt: skip
def test_a_trigger_says_what_it_cannot_do(scene, lines, code, capsys):
    _, told = asked(scene, {"do": "send", "signal": SIGNAL}, {"do": "trigger"})
    assert print_triggered(told) == code
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("scene", "fields", "says"),
    [
        pytest.param(halted, {}, ["waiting: halted: lunch", "fix: `resume` when the cause is resolved"], id="halted"),
        pytest.param(priced, {}, ["waiting for the next execution, in 10 s"], id="waiting"),
        pytest.param(
            priced, {"strength": 0.1},
            ["refused, weak: strength 0.1, 0.4 below the minimum of 0.5", "fix: lower validation.min_signal_strength"],
            id="weak",
        ),
        pytest.param(
            priced, {"price": "dear"}, ["refused, malformed: ", "`$.price`", "fix: "], id="malformed, with its field",
        ),
        pytest.param(
            priced, {"symbol": "Z/USDT"}, ["refused, unknown_symbol: Z/USDT is not one of A/USDT"], id="unknown symbol",
        ),
        pytest.param(not_priced, {}, ["waiting: no_market_data: A/USDT has no price yet"], id="no price"),
    ],
)  # fmt: skip
def test_what_was_sent_is_told_in_words_with_what_helps(scene, fields, says, capsys):
    (told,) = asked(scene, {"do": "send", "signal": {**SIGNAL, **fields}})
    print_sent(told)
    out = capsys.readouterr().out
    assert [part for part in says if part not in out] == []
    assert f"`why {told['signal_id']}`" in out


@contextmanager
def running(folder):
    """A pipeline over a market whose first execution is far away."""
    (folder / "settings.json").write_text(
        json.dumps({"signals": {"strategies": []}, "execution": {"first_after_s": 500, "signal_ttl_s": 600},
                    "logging": {"json_file": None}})
    )  # fmt: skip
    command = [sys.executable, str(ROOT / "run.py"), "run"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("PAPER")
            yield
        finally:
            process.kill()


def test_every_command_names_the_halt_of_a_running_pipeline_and_afterwards_that_of_the_journal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def ask(*words):
        answer = CliRunner().invoke(main, words)
        return answer.exit_code, answer.stdout

    with running(tmp_path):
        assert ask("halt", "--why", "lunch")[0] == 0
        code, sent = ask("send", "buy", "BTC/USDT", "--key", "a")
        assert (code, "waiting: halted: lunch" in sent) == (0, True)
        assert ask("trigger") == (
            1, "halted: lunch: no orders are sent until `resume`\nexecuting: 1 waiting, 0 could be executed\n"
        )  # fmt: skip
        assert ask("send", "buy", "DOGE/USDT")[0] == 1
        assert ask("send", "buy", "BTC/USDT", "--strength", "0.2")[0] == 1
        while_running = [ask("why", "a"), ask("signals", "--json"), ask("signals"), ask("export")]
    afterwards = [ask("why", "a"), ask("signals", "--json"), ask("signals"), ask("export")]
    for told in (while_running, afterwards):
        assert [code for code, _ in told] == [0] * 4
        assert "blocked by  halted: lunch" in told[0][1]
        assert json.loads(told[1][1])[0]["reason"] == "halted"
        assert not any("awaiting_tick" in text for _, text in told)


def test_without_a_pipeline_a_signal_waits_for_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running(tmp_path):
        assert CliRunner().invoke(main, ["send", "buy", "BTC/USDT", "--key", "a"]).exit_code == 0
        assert "waits for   the next execution, in " in CliRunner().invoke(main, ["why", "a"]).stdout
    assert "waits for   a pipeline: none is running" in CliRunner().invoke(main, ["why", "a"]).stdout


def test_a_signal_that_expires_during_a_halt_has_the_halt_for_its_last_obstacle():
    async def expire(engine):
        await halted(engine)
        await answerer(engine, Telemetry.of(engine))({"do": "send", "signal": {**SIGNAL, "ttl_s": 2}})
        await asyncio.sleep(3)
        told = [event.body for event in engine.journal.read() if isinstance(event.body, e.Expired)]
        assert told == [e.Expired(reason=Reason.HALTED, measured="lunch")]

    asked(expire)


def test_diagnosing_a_journal_nobody_writes_is_not_ready_and_shows_its_halt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    journal = SqliteJournal("sqlite:///data/journal.db", mode="paper")
    asyncio.run(journal.commit([Item(START_NS, (e.Halted(reduce_only=True, why="lunch"),))], {}))
    journal.close()
    answer = CliRunner().invoke(main, ["diagnose"])
    assert answer.exit_code == 1
    assert "error    running     no pipeline writes this journal" in answer.stdout
    assert "error    halt        only closing orders are sent: lunch" in answer.stdout
    assert answer.stdout.endswith("not ready: errors 2, warnings 0\n")
