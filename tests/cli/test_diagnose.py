import asyncio
import json
import os
import re
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from tidegate.cli import main
from tidegate.cli.checks import check_clock, check_disk
from tidegate.domain import events as e
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.ports import Item
from tidegate.journal.sqlite_checkup import examine, writer_of
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.sources import control

NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory of its own, with settings that are fine; `ask` diagnoses there."""
    monkeypatch.chdir(tmp_path)
    url = "sqlite:///data/journal.db"

    def configure(**settings):
        (tmp_path / "settings.json").write_text(json.dumps({"journal": {"url": url}, **settings}))

    def ask(*words):
        return CliRunner().invoke(main, ["diagnose", *words])

    def findings():
        return {said["subject"]: said for said in json.loads(ask("--json").stdout)["findings"]}

    configure()
    return SimpleNamespace(
        url=url, path=tmp_path / "data" / "journal.db", configure=configure, ask=ask, findings=findings
    )


def write(url, at_ns=NOW_NS, mode="paper", count=1):
    journal = SqliteJournal(url, mode=mode)
    for _ in range(count):
        asyncio.run(journal.commit([Item(at_ns, (e.Resumed(),))], {}))
    journal.close()


@contextmanager
def running(url, answerer):
    """A process that writes the journal, and answers through its socket where there is an `answerer`."""
    journal = SqliteJournal(url, mode="paper")
    loop, listening = asyncio.new_event_loop(), threading.Event()

    def serve():
        hang_up = loop.run_until_complete(control.answer(url, answerer))
        listening.set()
        loop.run_forever()
        hang_up()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=serve)
    if answerer is not None:
        thread.start()
        listening.wait()
    try:
        yield
    finally:
        if answerer is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        journal.close()


def answering(*findings):
    async def answer(request):
        assert request == {"do": "diagnose"}
        return {"findings": msgspec.to_builtins(findings)}

    return answer


def test_on_a_fresh_machine_only_a_running_pipeline_is_missing(place):
    answer = place.ask()
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    assert "ok       journal     data/journal.db does not exist yet: the first `run` creates it" in lines
    assert "error    running     no pipeline writes this journal" in lines
    assert (
        lines[lines.index("error    running     no pipeline writes this journal") + 1].strip()
        == "fix: start one: `run`"
    )
    assert lines[-1] == "not ready: errors 1, warnings 0"
    assert not place.path.exists()


def test_each_finding_has_a_verdict_and_each_that_is_not_ok_a_fix(place):
    said = json.loads(place.ask("--json").stdout)
    assert said["ready"] is False
    assert list(said["findings"][0]) == ["subject", "verdict", "says", "fix"]
    assert [finding["subject"] for finding in said["findings"]] == [
        "settings", "strategies", "journal", "disk", "keys", "clock", "running",
    ]  # fmt: skip
    assert all(bool(finding["fix"]) is (finding["verdict"] != "ok") for finding in said["findings"])


def test_wrong_settings_are_a_finding_and_end_it(place):
    place.configure(timeframe="soon")
    answer = place.ask()
    assert answer.exit_code == 1
    assert "error    settings  one setting is wrong:\n" in answer.stdout
    assert "timeframe" in answer.stdout
    assert answer.stdout.endswith("not ready: errors 1, warnings 0\n")


def test_a_strategy_that_does_not_load_is_an_error_of_its_own(place):
    place.configure(signals={"strategies": [{"name": "ema_cros"}, {"name": "breakout"}]})
    assert place.ask().exit_code == 1
    strategies = place.findings()["strategies"]
    assert strategies["verdict"] == "error"
    assert "did you mean ema_cross?" in strategies["says"]


def test_no_strategies_are_fine(place):
    place.configure(signals={"strategies": []})
    assert place.findings()["strategies"]["says"] == "none: signals come from outside only"


def test_a_whole_journal_tells_its_mode_its_events_and_the_age_of_the_last(place):
    write(place.url, count=3)
    journal = place.findings()["journal"]
    assert journal["verdict"] == "ok"
    assert re.fullmatch(r"data/journal.db is intact: mode paper, 3 events, the last \d{3,} d ago", journal["says"])


def damage(place):
    write(place.url, count=500)
    content = bytearray(place.path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    place.path.write_bytes(content)


def another_mode(place):
    write(place.url, mode="replay")


def no_journal(place):
    place.path.parent.mkdir()
    place.path.write_bytes(b"this is a letter, not a database, and long enough to be one" * 9)


@pytest.mark.parametrize(
    ("spoil", "says", "fix"),
    [
        pytest.param(damage, "data/journal.db is damaged", "restore it from a backup", id="damaged pages"),
        pytest.param(another_mode, "is a journal of mode replay, not paper", "set journal.url", id="mode"),
        pytest.param(no_journal, "data/journal.db is damaged", "set journal.url", id="another kind of file"),
    ],
)  # fmt: skip
def test_a_journal_that_must_not_be_written_is_an_error(place, spoil, says, fix):
    spoil(place)
    assert place.ask().exit_code == 1
    journal = place.findings()["journal"]
    assert journal["verdict"] == "error"
    assert says in journal["says"]
    assert fix in journal["fix"]


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is writable for root")
def test_a_directory_that_cannot_be_written_is_an_error(place):
    place.path.parent.mkdir(mode=0o500)
    assert place.findings()["journal"]["says"].endswith("cannot be written")


def test_a_last_event_in_the_future_shows_a_clock_that_went_back(place):
    write(place.url, at_ns=9_000_000_000_000_000_000)
    assert place.ask().exit_code == 1
    assert "behind the journal's last event" in place.findings()["clock"]["says"]


def test_a_running_pipeline_tells_its_own_findings(place):
    wrong = CheckResult("market A/USDT", Health.ERROR, "no price \x1b[2J so far", "wait")
    with running(place.url, answering(CheckResult("halt", Health.OK, "fine"), wrong)):
        answer, findings = place.ask(), place.findings()
    assert answer.exit_code == 1
    assert findings["running"] == {"subject": "running", "verdict": "ok", "says": f"process {os.getpid()}", "fix": ""}
    assert findings["market A/USDT"] == msgspec.to_builtins(wrong)
    assert list(findings)[-2:] == ["halt", "market A/USDT"]
    assert r"no price \x1b[2J so far" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_a_writer_that_cannot_be_asked_is_an_error(place):
    with running(place.url, None):
        answer, finding = place.ask(), place.findings()["running"]
    assert answer.exit_code == 1
    assert finding["says"].startswith(f"process {os.getpid()} writes the journal, but does not respond: ")


def test_looking_for_the_writer_does_not_take_the_lock(tmp_path):
    url = f"sqlite:///{tmp_path}/j.db"
    assert writer_of(url) is None
    journal = SqliteJournal(url, mode="paper")
    assert writer_of(url) == str(os.getpid())
    journal.close()
    assert writer_of(url) is None
    SqliteJournal(url, mode="paper").close()


def test_a_new_journal_has_no_last_event(tmp_path):
    url = f"sqlite:///{tmp_path}/j.db"
    SqliteJournal(url, mode="paper").close()
    assert (examine(url).events, examine(url).last_at_ns) == (0, 0)


@pytest.mark.parametrize(
    ("free", "verdict", "says"),
    [
        pytest.param(84_700_000_000, "ok", "84.7 GB free", id="plenty"),
        pytest.param(1_000_000_000, "ok", "1.0 GB free", id="1 GB is enough"),
        pytest.param(999_000_000, "warning", "999 MB free", id="under 1 GB"),
        pytest.param(100_000_000, "warning", "100 MB free", id="100 MB is little"),
        pytest.param(99_000_000, "error", "99 MB free", id="under 100 MB"),
    ],
)
def test_disk_space(free, verdict, says):
    finding = check_disk(free)
    assert (finding.verdict, finding.says, bool(finding.fix)) == (verdict, says, verdict != "ok")


@pytest.mark.parametrize(
    ("behind_s", "step_s", "verdict"),
    [
        pytest.param(-60, 0, "ok", id="all is well"),
        pytest.param(1, 0, "ok", id="an event a second ahead is no matter"),
        pytest.param(2, 0, "error", id="the journal is ahead of the wall clock"),
        pytest.param(-60, 0.1, "ok", id="a little out of step"),
        pytest.param(-60, 0.2, "warning", id="moved forward"),
        pytest.param(-60, -0.2, "warning", id="moved back"),
    ],
)
def test_clock(behind_s, step_s, verdict):
    finding = check_clock(
        now_ns=NOW_NS,
        last_event_ns=NOW_NS + int(behind_s * 1e9),
        wall_passed_ns=1_000_000_000 + int(step_s * 1e9),
        monotonic_passed_ns=1_000_000_000,
    )
    assert (finding.verdict, bool(finding.fix)) == (verdict, verdict != "ok")
