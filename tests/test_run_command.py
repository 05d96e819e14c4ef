"""`run`: over which market, with which settings and journal, and what it tells while it runs."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tidegate.cli import main
from tidegate.domain.events import Intent
from tidegate.journal.sqlite_journal import SqliteReader
from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket

ROOT = Path(__file__).parents[1]
MINUTE_NS = 60_000_000_000
START_NS = 1_515_628_800_000_000_000
FAST = ("--speed", "60000")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*words, environ=None):
    return CliRunner().invoke(main, words, env=environ or {})


def line(key, **fields):
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
    return json.dumps(said) + "\n"


def recording(name="BTC-USDT-1m.csv", seed=7, count=100):
    """Candles of a time when a bitcoin cost some sixty-nine dollars."""
    cheap = []
    for candle in SimulatedMarket(seed).history("BTC/USDT", MINUTE_NS, count, START_NS):
        prices = {field: getattr(candle, field) / 1000 for field in ("open", "high", "low", "close")}
        cheap.append(replace(candle, **prices))
    write_candles(Path(name), cheap)
    return name


def journals():
    return sorted(path.name for path in Path("data").glob("*.db"))


def play(*words, name="BTC-USDT-1m.csv", key="a"):
    Path("signals.jsonl").write_text(line(key))
    return ask("run", "--candles", name, "--signals", "signals.jsonl", "--until-idle", *FAST, *words)


def test_played_candles_are_the_prices_of_orders_in_a_journal_of_their_own():
    answer = play(name=recording())
    assert (answer.exit_code, answer.exception) == (0, None)
    (name,) = journals()
    assert name.startswith("journal-candles-")
    assert f"journal data/{name}" in answer.stdout
    with closing(SqliteReader(f"sqlite:///data/{name}")) as reader:
        (intent,) = [event.body for event in reader.read() if isinstance(event.body, Intent)]
    assert 30 < intent.price < 150
    assert ask("why", "a", "--journal", f"data/{name}").exit_code == 0


def test_each_recording_has_a_journal_of_its_own_and_the_same_one_goes_on():
    one, other = recording(), recording("ETH-USDT-1m.csv", seed=8)
    assert [play(name=one).exit_code, play(name=other).exit_code, play(name=one, key="b").exit_code] == [0, 0, 0]
    assert len(journals()) == 2
    Path(one).rename("BTC_USDT_1m.csv")
    assert play(name="BTC_USDT_1m.csv", key="c").exit_code == 0
    assert len(journals()) == 2


def simulated(seed):
    return ask("run", "--for", "0.1s", "--journal", "mine.db", "--set", f"market.seed={seed}", environ={})


def test_an_order_of_one_world_is_never_continued_in_another():
    assert simulated(7).exit_code == 0
    assert simulated(7).exit_code == 0
    refused = [simulated(8), play("--journal", "mine.db", name=recording())]
    for answer in refused:
        assert answer.exit_code == 2
        assert "mine.db has orders of another market: simulated market, seed 7, not " in answer.stderr
        assert "begin another journal: --journal FILE" in answer.stderr
    assert "not simulated market, seed 8" in refused[0].stderr
    assert "not recorded candles " in refused[1].stderr
    assert ask("halt", "--journal", "mine.db").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--speed", "60"), "--speed needs --candles"),
        (("--candles", "BTC-USDT-1m.csv", "--speed", "0"), "0"),
        (("--candles", "BTC-USDT-1m.csv", "--speed", "-1"), "-1"),
        (("--set", "execution.interval_s"), "--set takes KEY=VALUE"),
        (("--set", "execution.intervall_s=3"), "did you mean execution.interval_s?"),
        (("--journal", "mysql://x"), "journal.url"),
    ],
)
def test_what_cannot_be_run_is_said(words, says):
    recording()
    answer = ask("run", *words)
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert not Path("data").exists()


def test_recordings_are_not_for_live_trading():
    Path("settings.json").write_text(json.dumps({"mode": "live", "traders": [{"id": "main", "exchange": "kraken"}]}))
    answer = ask("run", "--candles", recording(), environ={"TIDEGATE_ALLOW_LIVE": "1"})
    assert answer.exit_code == 2
    assert "--candles is for paper" in answer.stderr


def test_settings_and_journal_may_be_named_for_one_run():
    Path("signals.jsonl").write_text(line("a"))
    answer = ask(
        *("run", "--signals", "signals.jsonl", "--until-idle", "--journal", "other/name.db"),
        *("--set", "validation.min_signal_strength=0.95", "--set", "logging.json_file=null"),
    )
    assert answer.exit_code == 0
    told = json.loads(ask("report", "--json", "--journal", "other/name.db").stdout)
    assert told["reasons"] == {"weak": 1}
    assert not Path("data").exists()
    assert not Path("logs").exists()
    assert "journal other/name.db\n" in answer.stdout


def test_what_is_in_use_is_said_at_the_start():
    alone = ask("run", "--for", "0.1s").stdout
    assert "no settings.json here, so the default settings; journal data/journal.db; log logs/tidegate.jsonl" in alone
    Path("settings.json").write_text("{}")
    assert "settings settings.json; journal data/journal.db" in ask("run", "--for", "0.1s").stdout
    Path("mine.json").write_text('{"logging": {"json_file": null}}')
    assert (
        "settings mine.json; journal data/journal.db\n" in ask("--settings", "mine.json", "run", "--for", "0.1s").stdout
    )


def test_what_is_piped_has_a_line_for_each_outcome_and_so_has_the_log():
    Path("signals.jsonl").write_text(line("a", source="desk") + line("b", strength=0.1, side="sell") + "no signal\n")
    answer = ask("run", "--signals", "signals.jsonl", "--until-idle")
    told = [row.split(maxsplit=1)[1] for row in answer.stdout.splitlines() if row[2:3] == ":"]
    kinds = [row.split()[0] for row in told]
    assert sorted(kinds) == ["placed", "refused", "refused"]
    (placed,) = [row for row in told if row.startswith("placed")]
    assert " buy BTC/USDT from desk: " in placed
    logged = [json.loads(row)["record"] for row in Path("logs/tidegate.jsonl").read_text().splitlines()]
    assert [record["message"] for record in logged] == told
    assert {record["level"]["name"] for record in logged} == {"INFO"}
    assert answer.stderr == ""


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_the_log_can_be_turned_off(place):
    Path("signals.jsonl").write_text(line("a"))
    if place == ".env":
        Path(".env").write_text("TIDEGATE_LOG=off\n")
    environ = {"TIDEGATE_LOG": "off"} if place == "environment" else {}
    assert ask("run", "--signals", "signals.jsonl", "--until-idle", environ=environ).exit_code == 0
    assert not Path("logs").exists()


def program(*words):
    return [sys.executable, str(ROOT / "run.py"), *words]


@pytest.mark.parametrize("words", [("run", "--for", "0.5s"), ("signals",), ("why", "ä"), ("report",), ("diagnose",)])
def test_a_terminal_that_knows_ascii_only_gets_no_traceback(words):
    Path("signals.jsonl").write_text(line("ä", source="für 🐟", tags=["…"]))
    assert ask("run", "--signals", "signals.jsonl", "--until-idle").exit_code == 0
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run(program(*words), capture_output=True, check=False, env={**os.environ, **ascii_only})
    assert b"Traceback" not in ended.stderr
    assert ended.returncode in (0, words[0] == "diagnose")  # nothing is running
    assert ended.stdout


@contextmanager
def on_a_terminal(*words):
    """The program on a terminal of its own, once it shows something."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        program(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environ,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            os.read(ours, 1)
            yield process, ours
        finally:
            process.kill()


def test_a_terminal_that_is_closed_ends_it_in_order():
    with on_a_terminal("run") as (process, terminal):
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=120) == 0
        assert b"Traceback" not in process.stderr.read()
    with closing(SqliteReader("sqlite:///data/journal.db")) as reader:
        assert type(list(reader.read())[-1].body).__name__ == "Stopped"


def test_nohup_is_respected():
    command = program("run", "--for", "600s", "--signals", "-")
    ignoring = f"trap '' HUP; exec {' '.join(command)}"
    with subprocess.Popen(["sh", "-c", ignoring], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.kill()


def test_what_it_leaves_behind_is_for_its_owner_only():
    before = os.umask(0)
    try:
        assert ask("run", "--for", "0.1s").exit_code == 0
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in Path().rglob("*")}
    assert modes
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_a_paper_journal_at_the_prices_of_an_exchange_is_of_that_exchange():
    from tidegate.assembly.opening import world_identity
    from tidegate.settings import Settings

    def identity(**said):
        return world_identity(Settings.model_validate(said), None)

    ccxt = {"market": {"source": "ccxt"}}
    assert identity(**ccxt, traders=[{"exchange": "kraken"}]) == "prices of kraken"
    assert identity(symbols=["A/B"]) == identity(symbols=["A/B", "C/D"]) == "simulated market, seed 7"
