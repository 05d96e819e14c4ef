"""Live trading by the command line: what is checked before it begins, and what a person can ask and decide."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ccxt")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SIGNAL = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k", "source": "test"}


class Program:
    """The command line in a folder of its own."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "run.py"), *words]
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(ROOT / "run.py"), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=pipe, stderr=pipe, text=True)

    def one_signal(self) -> subprocess.CompletedProcess[str]:
        return self(*self.run_one_signal())

    def run_one_signal(self) -> tuple[str, ...]:
        (self.folder / "signals.jsonl").write_text(json.dumps(SIGNAL))
        return "run", "--signals", "signals.jsonl", "--until-idle"

    def exported(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self("export").stdout.splitlines()]


@pytest.fixture
def program(exchange_process, live_settings, tmp_path):
    def start(faults=(), options=(), **given):
        exchange = exchange_process(*options, faults=faults)
        it = Program(tmp_path, live_settings(tmp_path, exchange(), **given))
        it.exchange = exchange
        return it

    return start


def test_an_order_that_cannot_be_proved_is_parked_until_a_person_decides(program):
    it = program([{"kind": "silent"}], options=("--lag", "60"), trader={"after_unknown": "park"})
    ended = it.one_signal()
    assert ended.returncode == 3, ended.stderr
    assert [line["outcome"] for line in it.exported()] == ["parked"]
    why = it("why", "k").stdout
    assert "Cannot be proved either way: " in why
    assert "RequestTimeout" in why
    (order,) = it.exchange("/-/ledger")["accounts"]["key"]["orders"]
    told = it("resolve", "k", "--placed", order["venue_order_id"])
    assert told.returncode == 0, told.stderr
    assert it.exported()[0]["outcome"] == "placed"
    assert it.exported()[0]["venue_order_id"] == order["venue_order_id"]


def test_a_person_may_say_that_it_was_never_placed(program):
    it = program([{"kind": "lost"}], trader={"after_unknown": "park"})
    assert it.one_signal().returncode == 3
    assert it("resolve", "k", "--not-placed").returncode == 0
    (line,) = it.exported()
    assert (line["outcome"], line["reason"]) == ("failed", "by_hand")
    again = it("resolve", "k", "--not-placed")
    assert again.returncode == 1
    assert "is not the name of one signal that is parked or unknown" in again.stderr


@pytest.mark.parametrize("words", [(), ("--placed", "7", "--not-placed")])
def test_resolve_wants_one_word(program, words):
    it = program()
    told = it("resolve", "k", *words)
    assert told.returncode == 2
    assert "give either --placed VENUE_ID or --not-placed" in told.stderr


def test_reconcile_agrees_and_tells_what_differs(program):
    it = program()
    assert it.one_signal().returncode == 0
    agreed = it("reconcile")
    assert (agreed.returncode, agreed.stdout.strip()) == (0, "the journal and the venues agree")
    assert it("reconcile", "--fix").returncode == 1
    told = json.loads(it("reconcile", "--json").stdout)
    assert told == {"differences": [], "unavailable": [], "agreed": True}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        pytest.param({"may_withdraw": {"key": True}}, "the key of main may withdraw", id="it may withdraw"),
        pytest.param({"bound_to_address": {"key": False}}, "may be used from any address", id="it is not bound"),
    ],
)
def test_a_key_that_may_do_too_much_is_refused(program, state, says):
    it = program(TIDEGATE_SKIP_PERMISSION_CHECK="0")
    it.exchange("/-/state", state)
    told = it.one_signal()
    assert told.returncode == 2
    assert says in told.stderr
    assert "TIDEGATE_SKIP_PERMISSION_CHECK=1" in told.stderr
    del it.env["TIDEGATE_SKIP_PERMISSION_CHECK"]
    (it.folder / ".env").write_text("TIDEGATE_SKIP_PERMISSION_CHECK=1\n")
    assert it.one_signal().returncode == 0


def test_an_exchange_that_is_not_there_is_asked_again_until_it_is_and_no_secret_is_shown(program, exchange_process):
    it = program(logging={"level": "WARNING", "json_file": None})
    it.exchange("/-/down", {"seconds": 3600})
    with it.begin(*it.run_one_signal()) as running:
        logged = running.stderr.readline()
        exchange_process("--port", it.exchange().rpartition(":")[2])
        logged += running.communicate(timeout=300)[1]
    assert running.returncode == 0, logged
    assert "binance does not answer yet: time: ExchangeNotAvailable" in logged
    assert "it is asked again in 1 s" in logged
    assert "secret" not in logged
    assert [line["outcome"] for line in it.exported()] == ["placed"]


def test_one_failed_request_at_the_start_is_made_again(program):
    fault = {"kind": "error_page", "on": "markets"}
    assert program([fault]).one_signal().returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asking_again_ends_when_it_is_told_to(program, number):
    it = program(logging={"level": "WARNING", "json_file": None})
    it.exchange("/-/down", {"seconds": 3600})
    with it.begin("run") as running:
        assert "does not answer yet" in running.stderr.readline()
        running.send_signal(number)
        out, _ = running.communicate(timeout=120)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 0}[number]
    assert "stopped before it started" in out


def test_a_key_that_the_venue_refuses_is_said_at_once(program):
    it = program(TIDEGATE_TRADER_MAIN_SECRET="another")
    it.exchange("/-/state", {"revoked": {"key": True}})
    told = it.one_signal()
    assert told.returncode == 2
    assert "traders.main: binance refuses it" in told.stderr


def test_whatever_shows_before_anything_is_asked_is_named_at_once_with_place_and_fix(program, tmp_path):
    it = program(trader={"symbols": None}, timeframe="7m", TIDEGATE_TRADER_MAIN_SECRET="")
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["traders"][0]["ccxt"]["cafile"] = "/no/such/file.pem"
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    asked = it.exchange("/-/ledger")["requests"]
    told = it.one_signal()
    assert told.returncode == 2
    for words in (
        "traders.main: binance needs secret, which trader main does not have: set TIDEGATE_TRADER_MAIN_SECRET",
        "traders.main.ccxt.cafile: /no/such/file.pem cannot be used: No such file or directory",
        "timeframe: must be one of binance's, ",
    ):
        assert words in told.stderr
    assert it.exchange("/-/ledger")["requests"] == asked


def test_a_clock_that_is_off_is_warned_of_and_corrected(program):
    it = program(logging={"level": "WARNING", "json_file": None})
    it.exchange("/-/advance", {"seconds": 30})
    told = it.one_signal()
    assert told.returncode == 0, told.stderr
    assert "ms ahead: what is signed is corrected by that" in told.stderr
    assert [line["outcome"] for line in it.exported()] == ["placed"]


def test_a_ban_holds_after_a_restart_and_nothing_is_sent_before_it_is_over(program):
    it = program(logging={"level": "WARNING", "json_file": None})
    assert it.one_signal().returncode == 0
    it.exchange("/-/faults", [{"refusal": "banned", "on": "time", "seconds": 30}])
    assert it("reconcile").returncode == 1
    before = it.exchange("/-/ledger")
    with it.begin("run") as again:
        after = within(120, lambda: it.exchange("/-/ledger"), lambda now: now["requests"] > before["requests"])
        again.terminate()
        logged = again.communicate(timeout=120)[1]
    assert again.returncode == 0, logged
    assert "wants to be left alone for" in logged
    assert after["requests"] > before["requests"]
    assert after["requests_during_ban"] == before["requests_during_ban"] == 0


def by_hand(it):
    """Somebody else's order on the same account, below the market."""
    import ccxt

    from tidegate.emulator import settings_for

    exchange = ccxt.binance({**settings_for("binance", it.exchange()), "apiKey": "key", "secret": "secret"})
    exchange.load_markets()
    return exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 50_000)


def test_orders_of_other_people_are_listed_and_are_no_difference(program):
    it = program()
    order = by_hand(it)
    assert it.one_signal().returncode == 0
    assert it.exported()[0]["outcome"] == "placed"
    told = it("reconcile")
    assert told.returncode == 0, told.stdout + told.stderr
    assert order["id"] in told.stdout
    assert "not ours" in told.stdout
    assert told.stdout.endswith("the journal and the venues agree\n")
    (stranger,) = json.loads(it("reconcile", "--json").stdout)["differences"]
    assert (stranger["kind"], stranger["remedy"]) == ("stranger", "")


def test_an_order_that_the_journal_lost_is_adopted_by_a_command_that_the_halt_names(program):
    it = program()
    assert it.one_signal().returncode == 0
    (order_id,) = it.exported()[0]["client_order_ids"]
    for file in it.folder.glob("journal.db*"):
        file.unlink()
    told = it("reconcile")
    assert told.returncode == 3
    assert f"`reconcile --adopt {order_id}` books it" in told.stdout
    assert it("reconcile", "--adopt", order_id).returncode == 1  # nothing runs
    command = [sys.executable, str(ROOT / "run.py"), "run"]
    with subprocess.Popen(command, cwd=it.folder, env=it.env, stdout=subprocess.DEVNULL) as running:
        try:
            halted = within(120, lambda: it("diagnose", "--json").stdout, lambda said: "--adopt" in said)
            assert f"`reconcile --adopt {order_id}` books it" in halted
            wrong = it("reconcile", "--adopt", "0123456789abcdef01")
            assert (wrong.returncode, "is not an order that can be adopted" in wrong.stderr) == (1, True)
            adopted = it("reconcile", "--adopt", order_id)
            assert adopted.returncode == 0, adopted.stdout + adopted.stderr
            assert it("resume").returncode == 0
        finally:
            running.terminate()
    (line,) = it.exported()
    assert (line["outcome"], line["source"], line["client_order_ids"]) == ("placed", "adopted", [order_id])
    assert "adopted by hand" in it("why", order_id).stdout
    assert it("reconcile").returncode == 0


def within(seconds, look, wanted):
    """What `look` shows once it is what was wanted."""
    ends = time.monotonic() + seconds
    while not wanted(shown := look()) and time.monotonic() < ends:
        time.sleep(0.1)
    return shown


def results_of_checks(told):
    return {line["subject"]: line for line in json.loads(told.stdout)["findings"]}


def test_diagnose_asks_each_venue(program):
    it = program(TIDEGATE_SKIP_PERMISSION_CHECK="0")
    it.exchange("/-/advance", {"seconds": 60})
    found = results_of_checks(it("diagnose", "--json"))
    assert found["exchange of main"]["verdict"] == "ok"
    assert found["exchange of main"]["says"].startswith("binance answers at 127.0.0.1:")
    assert found["clock of main"]["verdict"] == "warning"
    assert 55_000 < float(found["clock of main"]["says"].split()[0]) < 65_000
    assert found["key of main"]["says"] == "the key of main cannot withdraw, and is bound to addresses"
    assert "not measured on paper" not in found["clock"]["says"]
    it.exchange("/-/state", {"may_withdraw": {"key": True}})
    found = results_of_checks(it("diagnose", "--json"))
    assert (found["key of main"]["verdict"], "may withdraw" in found["key of main"]["says"]) == ("error", True)


def test_diagnose_says_that_a_venue_does_not_answer(program):
    it = program()
    it.exchange("/-/down", {"seconds": 3600})
    told = it("diagnose", "--json")
    assert told.returncode == 1
    found = results_of_checks(told)
    assert found["exchange of main"]["verdict"] == "error"
    assert "does not answer: time: ExchangeNotAvailable" in found["exchange of main"]["says"]
    assert "secret" not in told.stdout


def test_diagnose_asks_no_venue_that_wants_to_be_left_alone(program):
    it = program()
    it.exchange("/-/faults", [{"refusal": "banned", "on": "time", "seconds": 3600}])
    assert it("reconcile").returncode == 1
    asked = it.exchange("/-/ledger")["requests"]
    found = results_of_checks(it("diagnose", "--json"))
    assert "wants to be left alone" in found["exchange of main"]["says"]
    assert it.exchange("/-/ledger")["requests"] == asked
