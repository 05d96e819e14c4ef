"""Wrong input, through the command line: the exit code, the place, the fix, and never a traceback."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from reactivex import compose

from operators import score, screen
from tidegate import SignalOrderPipeline
from tidegate.assembly import assemble
from tidegate.cli import main
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.check_result import Health
from tidegate.domain.events import Halted, Resumed
from tidegate.domain.ports import Item
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader
from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket
from tidegate.settings import Settings

ROOT = Path(__file__).parents[1]
MINUTE_NS = 60_000_000_000
START_NS = 1_515_628_800_000_000_000
HEADER = "timestamp,open,high,low,close,volume\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own, in which the commands are given, and from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def configure(content):
    Path("settings.json").write_text(content if isinstance(content, str) else json.dumps(content))


def ask(*words, environ=None):
    return CliRunner().invoke(main, words, env=environ or {})


def complaint(*words, code=2, environ=None):
    """What a command that cannot be carried out says."""
    answer = ask(*words, environ=environ)
    assert isinstance(answer.exception, SystemExit), answer.exception
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert "Traceback" not in answer.stderr
    return answer.stderr


def complete(*parts):
    return pytest.param(*parts[1:], id=parts[0])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        complete(
            "several wrong settings are named at once",
            {"timeframe": "soon", "symbols": [], "execution": {"intervall_s": 3, "signal_ttl_s": 10}},
            [
                "Error: 4 settings are wrong:",
                "symbols (settings.json): must name at least one symbol",
                "timeframe (settings.json): must be a number and s, m, h, d or w, such as 10s, was 'soon'",
                "execution.signal_ttl_s (settings.json): must be at least execution.interval_s (30), was 10: ",
                "execution.intervall_s (settings.json): there is no such setting, did you mean execution.interval_s?",
            ],
        ),
        complete(
            "a comma too many is shown by line and column",
            '{\n  "execution": {"interval_s": 3,}\n}',
            ["Error: settings.json, line 2, column 33: "],
        ),
        complete("half a file", '{"mode": "pap', ["Error: settings.json, line 1, column "]),
        complete("no object", "[]", ["Error: settings.json must hold an object: { ... }"]),
        complete(
            "live by accident",
            {"mode": "live", "traders": [{"exchange": "kraken"}]},
            ["mode (settings.json): live trades with real money, and needs TIDEGATE_ALLOW_LIVE=1"],
        ),
        complete(
            "an unknown strategy",
            {"signals": {"strategies": [{"name": "ema_cros"}]}},
            ["Error: strategy ema_cros is unknown; did you mean ema_cross?"],
        ),
        complete(
            "a strategy with a parameter it does not have",
            {"signals": {"strategies": [{"name": "ema_cross", "params": {"speed": 3}}]}},
            ["Error: strategy ema_cross: got an unexpected keyword argument 'speed'; its parameters are: fast, slow"],
        ),
        complete(
            "a module that is not there",
            {"signals": {"strategies": [{"name": "nowhere_at_all:f"}]}},
            ["Error: strategy nowhere_at_all:f: module 'nowhere_at_all' cannot be imported: ModuleNotFoundError: "],
        ),
        complete(
            "a module without that function",
            {"signals": {"strategies": [{"name": "math:trade"}]}},
            ["Error: strategy math:trade: module 'math' has no function 'trade'"],
        ),
        complete(
            "a market of recordings without recordings",
            {"market": {"source": "csv"}},
            ["Error: market.source is csv: name the recordings with --candles FILE.csv"],
        ),
    ],
)
def test_wrong_settings(content, says):
    configure(content)
    told = complaint("run", "--for", "1s")
    assert all(line in told for line in says)
    assert not Path("data/journal.db").exists()


def test_a_module_that_does_not_compile_is_named_with_its_line():
    Path("does_not_compile.py").write_text("x = 1\ndef trade(:\n")
    configure({"signals": {"strategies": [{"name": "does_not_compile:trade"}]}})
    told = complaint("run")
    assert "module 'does_not_compile' cannot be imported: SyntaxError: " in told
    assert "(does_not_compile.py, line 2)" in told


def test_a_misspelled_variable_is_named_with_the_one_that_was_meant():
    told = complaint("run", environ={"TIDEGATE_EXECUTON__INTERVAL_S": "3"})
    assert "TIDEGATE_EXECUTON__INTERVAL_S: there is no such setting, did you mean " in told
    assert "TIDEGATE_EXECUTION__INTERVAL_S?" in told


@pytest.mark.parametrize(
    ("trader", "says"),
    [
        (
            {"exchange": "krakne"},
            "traders.main.exchange: must be an exchange that ccxt knows, was krakne; near: kraken",
        ),
        (
            {"exchange": "kraken"},
            "traders.main: kraken needs apiKey, which trader main does not have: set TIDEGATE_TRADER_MAIN_API_KEY",
        ),
        (
            {"exchange": "kraken", "ccxt": {"options": {"maxRetriesOnFailure": 3}}},
            "traders.main.ccxt.options.maxRetriesOnFailure: must be left out: ccxt would send orders again unasked",
        ),
    ],
)
def test_a_live_trader_that_cannot_be_used_is_refused_before_anything_is_sent(trader, says):
    pytest.importorskip("ccxt")
    keys = {} if "apiKey" in says else {"TIDEGATE_TRADER_MAIN_API_KEY": "k", "TIDEGATE_TRADER_MAIN_SECRET": "s"}
    configure({"mode": "live", "traders": [{"id": "main", **trader}]})
    assert says in complaint("run", environ={"TIDEGATE_ALLOW_LIVE": "1", **keys})


@pytest.mark.parametrize("command", [["run"], ["show-config"], ["report"], ["send", "buy", "BTC/USDT"]])
def test_a_secret_in_the_settings_is_refused_by_every_command_and_never_repeated(command):
    configure({"traders": [{"id": "main-1", "apiKey": "hunter2", "secret": ["hunter2"]}], "timeframe": "soon"})
    told = complaint(*command)
    assert "traders.0.apiKey (settings.json): a secret must not be in settings" in told
    assert "put it into .env or the environment as TIDEGATE_TRADER_MAIN_1_API_KEY" in told
    assert "hunter2" not in told


def write_journal(mode="paper", count=500):
    journal = SqliteJournal("sqlite:///data/journal.db", mode=mode)
    asyncio.run(journal.commit([Item(START_NS, (Resumed(),))] * count, {}))
    journal.close()
    return Path("data/journal.db")


def damage():
    path = write_journal()
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    path.write_bytes(content)


def no_database():
    Path("data").mkdir()
    Path("data/journal.db").write_bytes(b"Dear Sir or Madam, this is a letter. " * 99)


def another_database():
    Path("data").mkdir()
    with sqlite3.connect("data/journal.db") as connection:
        connection.execute("CREATE TABLE cats (name)")


def newer():
    with closing(sqlite3.connect(write_journal())) as connection:
        connection.execute("PRAGMA user_version = 99")


def another_mode():
    write_journal(mode="replay")


@pytest.mark.parametrize(
    ("spoil", "says", "fix"),
    [
        complete("damaged pages", damage, "data/journal.db is damaged", "Restore it from a backup"),
        complete("a file that is no database", no_database, "data/journal.db is damaged", "move it away"),
        complete("another database", another_database, "is a database, but not a journal", "set journal.url"),
        complete("a newer version", newer, "has schema version 99, this program knows 4", "run the newer program"),
        complete("another mode", another_mode, "is a journal of mode replay, not paper", "set journal.url"),
    ],
)
@pytest.mark.parametrize("command", ["run", "halt"])
def test_a_journal_that_must_not_be_written_is_left_as_it_is(command, spoil, says, fix):
    spoil()
    before = Path("data/journal.db").read_bytes()
    told = complaint(command)
    assert says in told
    assert fix in told
    assert Path("data/journal.db").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "environ", "says"),
    [
        complete(
            "the journal's folder is a file",
            ["run"],
            {"TIDEGATE_JOURNAL__URL": "sqlite:///settings.json/journal.db"},
            ["settings.json/journal.db cannot be written: ", "set journal.url to another file"],
        ),
        complete(
            "the same for a halt",
            ["halt"],
            {"TIDEGATE_JOURNAL__URL": "sqlite:///settings.json/journal.db"},
            ["settings.json/journal.db cannot be written: ", "set journal.url to another file"],
        ),
        complete(
            "the journal is a folder",
            ["run"],
            {"TIDEGATE_JOURNAL__URL": "sqlite:///a-folder"},
            ["a-folder cannot be opened: ", "It must be a file, in a folder that may be written"],
        ),
        complete(
            "the log's folder is a file",
            ["run"],
            {"TIDEGATE_LOGGING__JSON_FILE": "settings.json/log.jsonl"},
            ["logging.json_file: settings.json/log.jsonl cannot be written: ", "name another file, or null"],
        ),
        complete(
            "the log is a folder",
            ["run"],
            {"TIDEGATE_LOGGING__JSON_FILE": "a-folder"},
            ["logging.json_file: a-folder cannot be written: Is a directory"],
        ),
    ],
)
def test_what_cannot_be_written_is_named(command, environ, says):
    configure({})
    Path("a-folder").mkdir()
    told = complaint(*command, environ=environ)
    assert all(part in told for part in says)


def test_an_export_that_cannot_be_written_is_named():
    write_journal()
    configure({})
    assert "Could not open file 'settings.json/out.csv': Not a directory" in complaint(
        "export", "settings.json/out.csv", code=1
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        complete("no such file", None, "BTC-USDT-1m.csv cannot be read: "),
        complete("no header", "1,2,3,4,5,6\n", "BTC-USDT-1m.csv line 1: column timestamp is missing"),
        complete("a line too short", HEADER + "60000,1,2\n", "BTC-USDT-1m.csv line 2: low is missing"),
        complete("no number", HEADER + "60000,1,1,1,x,1\n", "line 2: close must be a number above 0, was 'x'"),
        complete("no candles", HEADER, "BTC-USDT-1m.csv has no candles"),
        complete("no text", b"\x93\xff\x00garbled", "BTC-USDT-1m.csv is not a CSV file in UTF-8"),
        complete("nothing", "", "BTC-USDT-1m.csv"),
    ],
)
@pytest.mark.parametrize("command", ["run", "replay"])
def test_a_candle_file_that_cannot_be_read(command, content, says):
    if content is not None:
        Path("BTC-USDT-1m.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in complaint(command, "--candles", "BTC-USDT-1m.csv")


def recording():
    path = Path("BTC-USDT-1m.csv")
    write_candles(path, SimulatedMarket(7).history("BTC/USDT", MINUTE_NS, 600, START_NS))
    return str(path)


@pytest.mark.parametrize("command", [["run"], ["replay", "--candles", "BTC-USDT-1m.csv"]], ids=["run", "replay"])
@pytest.mark.parametrize(("name", "why"), [("nowhere.jsonl", "No such file"), (".", "Is a directory")])
def test_a_signal_file_that_cannot_be_read(command, name, why):
    recording()
    assert f"{name} cannot be read: {why}" in complaint(*command, "--signals", name)


def test_a_replay_begins_a_new_journal():
    before = write_journal().read_bytes()
    told = complaint("replay", "--candles", recording(), "--journal", "data/journal.db")
    assert "data/journal.db exists: a replay needs a new journal, name another file" in told
    assert Path("data/journal.db").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        complete("no value", "execution.interval_s", "--set takes KEY=VALUE"),
        complete("no such setting", "execution.intervall_s=3", "did you mean execution.interval_s?"),
        complete("no such value", "execution.interval_s=soon", "execution.interval_s (--set): must be a valid number"),
    ],
)
def test_a_change_that_cannot_be_made(change, says):
    assert says in complaint("replay", "--candles", recording(), "--set", change)


def line(key, **fields):
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
    return json.dumps(said) + "\n"


def test_lines_that_are_no_signals_are_recorded_and_the_others_go_on():
    lines = [line("a"), "not json\n", "\n", '{"key": "b"}\n', line("c", leverage=3), "[1]\n", line("d" * 20_000)]
    Path("signals.jsonl").write_text("".join([*lines, line("z")]))
    answer = ask("run", "--signals", "signals.jsonl", "--until-idle")
    assert (answer.exit_code, answer.exception) == (0, None)
    told = json.loads(ask("report", "--json").stdout)
    assert (told["received"], told["placed"], told["reasons"]) == (7, 2, {"malformed": 5})


ANGRY = """
def trade():
    calls = 0

    def on_candle(candle):
        nonlocal calls
        calls += 1
        raise RuntimeError(f"number {calls}\\nsays no")

    return on_candle
"""
WRONG = """
def trade():
    return lambda candle: "buy"
"""


def test_a_strategy_that_raises_is_a_fault_and_the_run_goes_on():
    Path("angry_trader.py").write_text(ANGRY)
    configure({"signals": {"strategies": [{"name": "angry_trader:trade"}]}, "symbols": ["BTC/USDT", "ETH/USDT"]})
    Path("signals.jsonl").write_text(line("a"))
    answer = ask("run", "--signals", "signals.jsonl", "--strategies", "--until-idle")
    assert (answer.exit_code, answer.exception) == (0, None)
    told = json.loads(ask("report", "--json").stdout)
    assert told["placed"] == 1
    where = "strategy angry_trader:trade on BTC/USDT"
    assert set(told["faults"]) == {where, "strategy angry_trader:trade on ETH/USDT"}
    assert told["faults"][where] == {
        "count": 1,  # for all of the history it saw at the start
        "last": "RuntimeError: number 200\nsays no (angry_trader.py, line 8)",
    }
    warning = f"ERROR   {where}: RuntimeError: number 200 says no (angry_trader.py, line 8)\n"
    assert answer.stderr.count(warning) == 1
    (logged,) = [
        record
        for record in map(json.loads, Path("logs/tidegate.jsonl").read_text().splitlines())
        if where in record["record"]["message"]
    ]
    assert logged["record"]["level"]["name"] == "ERROR"


@pytest.mark.parametrize("source", [ANGRY, WRONG], ids=["it raises", "it gives something that is no idea"])
def test_a_replay_reports_what_a_strategy_did_wrong(source, monkeypatch):
    monkeypatch.delitem(sys.modules, "wrong_trader", raising=False)
    Path("wrong_trader.py").write_text(source)
    configure({"signals": {"strategies": [{"name": "wrong_trader:trade"}, {"name": "breakout"}]}})
    told = json.loads(ask("replay", "--candles", recording(), "--json").stdout)
    (fault,) = told["faults"].items()
    assert fault[0] == "strategy wrong_trader:trade on BTC/USDT"
    assert 1 <= fault[1]["count"] <= 600
    assert told["received"] > 0  # the other one goes on


def test_readiness_tells_of_a_strategy_that_raises():
    Path("angry_again.py").write_text(ANGRY)
    settings = Settings.model_validate({"signals": {"strategies": [{"name": "angry_again:trade"}]}})
    with SignalOrderPipeline(settings) as pipeline:
        faults = {found.subject: found for found in pipeline.diagnose_execution_readiness()}["faults"]
    assert faults.verdict is Health.WARNING
    assert faults.says.startswith("4 since the start")  # one for each symbol


def test_a_check_that_raises_refuses_its_signal_only():
    """Checks of one's own are put in where the rules are composed; the command line then tells what became of them."""

    def careful(signal, _):
        if signal.key == "a":
            raise ZeroDivisionError("no volume")

    async def begin():
        journal = SqliteJournal("sqlite:///data/journal.db", mode="paper")
        engine = await assemble(Settings(), journal, clock, frozenset(["BTC/USDT"]))
        weights = {"strength": 1, "confidence": 0, "freshness": 0}
        own = compose(screen(lambda: careful), score(weights=weights, max_age_ms=5000))
        engine.rules = replace(engine.rules, entry=own)
        await engine.start([])
        for key in "ab":
            await engine.submit(line(key).encode(), may_say_now=True)
        await engine.stop()

    loop = VirtualLoop()
    clock = Clock.simulated(loop, START_NS)
    loop.run_until_complete(begin())
    loop.close()
    told = json.loads(ask("report", "--json").stdout)
    assert (told["refused"], told["waiting"], told["reasons"]) == (1, 1, {"check_failed": 1})
    history = ask("why", "a").stdout
    assert "check_failed" in history
    assert "ZeroDivisionError('no volume')" in history


@contextmanager
def running(*words):
    """The program as a process of its own, once it takes signals; killed at the end, should it still be there."""
    command = [sys.executable, str(ROOT / "run.py"), "run", "--signals", "-", *words]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            assert process.stdout.readline().startswith("PAPER · SIMULATED MARKET")
            yield process
        finally:
            process.kill()


def test_a_second_process_on_the_same_journal_is_refused_and_the_first_is_asked_instead():
    with running() as first:
        told = complaint("run")
        assert f"data/journal.db is being written by process {first.pid}: stop it, or set journal.url" in told
        assert ask("send", "buy", "BTC/USDT", "--key", "a").exit_code == 0
        assert ask("halt").stdout == "halted: no new orders until `resume`\n"
        assert "halted by hand" in ask("diagnose").stdout
    assert "accepted" in ask("why", "a").stdout


ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]


@pytest.mark.parametrize(("number", "code"), ENDINGS, ids=["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_it_is_ended_in_order_by(number, code):
    with running() as process:  # its standard input stays open, as that of `tail -f | ...`
        process.send_signal(number)
        assert process.wait(timeout=120) == code
        assert process.stderr.read() == ""
        *_, stopped, last = process.stdout.readlines()
        assert stopped == "stopped. received 0, balanced: yes. left behind: nothing\n"
        assert last == "standard input: 0 signals: nothing\n"


def test_its_time_may_be_over_before_its_input():
    with running("--for", "0.1s") as process:
        assert process.wait(timeout=120) == 0
        assert process.stderr.read() == ""


def test_killed_in_the_middle_it_goes_on_from_the_journal():
    with running() as process:
        process.stdin.write(line("a"))
        process.stdin.flush()
        while ask("why", "a").exit_code:
            os.sched_yield()  # another process commits it
        process.kill()
    Path("none.jsonl").touch()
    assert ask("run", "--signals", "none.jsonl", "--until-idle").exit_code == 0
    assert json.loads(ask("report", "--json").stdout)["placed"] == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["send", "buy", "BTC/USDT"], "no pipeline is running on data/journal.db: start one with `run`"),
        (["trigger"], "no pipeline is running on data/journal.db: start one with `run`"),
    ],
    ids=["send", "trigger"],
)
def test_nobody_is_there_to_be_asked(command, says):
    assert says in complaint(*command, code=1)


LATIN = b"f\xfcr".decode(errors="surrogateescape")  # as an argument that is not UTF-8 comes


@pytest.mark.parametrize("command", ["halt", "reduce-only"])
@pytest.mark.parametrize("is_running", [True, False], ids=["asked", "alone"])
def test_a_halt_is_recorded_whatever_its_reason_is_written_in(command, is_running):
    with running() if is_running else nullcontext():
        assert ask(command, "--why", LATIN + "x" * 5000).exit_code == 0
        if is_running:
            assert r"f\xfcr" in ask("diagnose").stdout
    with closing(SqliteReader("sqlite:///data/journal.db")) as reader:
        (why,) = [event.body.why for event in reader.read() if isinstance(event.body, Halted)]
    assert why.startswith(r"f\xfcrxxx")
    assert len(why) == 1000


def test_a_signal_whose_key_is_not_utf_8_goes_by_what_was_written_for_it():
    with running():
        assert ask("send", "buy", "BTC/USDT", "--key", LATIN).exit_code == 0
        assert ask("send", "buy", "BTC/USDT", "--key", "b").exit_code == 0
    assert r"key f\xfcr" in ask("why", LATIN).stdout
    assert ask("why", r"f\xfcr").exit_code == ask("why", "b").exit_code == 0


def test_a_file_whose_name_is_not_utf_8_is_named_all_the_same():
    assert r"f\udcfcr.csv" in complaint("run", "--candles", f"{LATIN}.csv")
    assert r"f\udcfcr" in complaint("run", "--signals", LATIN)
    assert r"f\udcfcr" in complaint("--settings", LATIN, "report")


def test_a_strategy_that_raises_what_cannot_be_encoded_is_a_fault_like_any_other():
    Path("latin_trader.py").write_text(ANGRY.replace("says no", "f\\udcfcr"))
    configure({"signals": {"strategies": [{"name": "latin_trader:trade"}]}, "symbols": ["BTC/USDT"]})
    Path("signals.jsonl").write_text(line("a"))
    assert ask("run", "--signals", "signals.jsonl", "--strategies", "--until-idle").exit_code == 0
    told = json.loads(ask("report", "--json").stdout)
    assert told["placed"] == 1
    assert r"f\xfcr" in told["faults"]["strategy latin_trader:trade on BTC/USDT"]["last"]


def test_an_id_nobody_knows():
    write_journal()
    assert complaint("why", "xyzzy", code=1).startswith("Error: ")
