import json
import subprocess
import sys
import tomllib
from contextlib import closing
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tidegate.cli import command_line, main
from tidegate.cli.invocation import Invocation
from tidegate.domain.errors import IllegalTransition, JournalRefused, SettingsError
from tidegate.journal.sqlite_journal import SqliteJournal

ROOT = Path(__file__).parents[2]


def run(*words, **options):
    command = [sys.executable, str(ROOT / "run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_is_where_the_table_says(name):
    module, _help = command_line.COMMANDS[name]
    command = getattr(import_module(f"tidegate.cli.{module}"), name.replace("-", "_"))
    assert isinstance(command, click.Command)
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_help_names_every_command_and_imports_nothing_heavy():
    answer = run("--help")
    assert answer.returncode == 0
    assert all(f"\n  {name} " in answer.stdout for name in command_line.COMMANDS)
    heavy = ("reactivex", "pydantic", "sqlite3", "rich", "loguru", "msgspec", "asyncio")
    seen = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "run.py"), "--help"], capture_output=True, text=True, check=True
    )
    imported = {row.rpartition("|")[2].strip().partition(".")[0] for row in seen.stderr.splitlines()}
    assert "click" in imported
    assert not imported & set(heavy)


def test_the_version_is_that_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    answer = CliRunner().invoke(main, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"tidegate {version}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["reprot"], "there is no command reprot, did you mean report?", id="a near miss is helped"),
        pytest.param(["xyzzy"], "there is no command xyzzy\n", id="a far one is not"),
        pytest.param(["--bogus"], "--bogus", id="an unknown option"),
        pytest.param(["why"], "Missing argument 'ID'", id="an argument is missing"),
        pytest.param(["signals", "--outcome", "gone"], "'gone' is not one of", id="a value that does not exist"),
        pytest.param(["--settings", "nowhere.json", "show-config"], "nowhere.json", id="no such settings"),
        pytest.param(["--settings", "nowhere.json"], "nowhere.json", id="no command means run, which needs settings"),
        pytest.param(["report", "--journal", "nowhere.db"], "there is no journal at nowhere.db", id="no such journal"),
        pytest.param(["report", "--journal", "mysql://x"], "sqlite:///", id="a journal of another kind"),
    ],
)
def test_usage_settings_and_journal_are_exit_code_2_without_a_traceback(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert answer.stdout == ""
    assert isinstance(answer.exception, SystemExit)


def raising(error):
    def command():
        if isinstance(error, int):
            return error
        raise error

    return command


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param(SettingsError("x"), 2, id="settings"),
        pytest.param(JournalRefused("x"), 2, id="a journal that must not be written"),
        pytest.param(IllegalTransition("x"), 1, id="another error of ours"),
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl-C"),
        pytest.param(3, 3, id="a command returns its own code"),
        pytest.param(0, 0, id="zero"),
    ],
)
def test_what_a_command_comes_to_is_the_exit_code(outcome, code):
    class Only(type(main)):
        def get_command(self, ctx, name):
            return click.Command("run", callback=raising(outcome))

    group = Only("line", params=main.params, callback=lambda settings_path: None)
    answer = CliRunner().invoke(group, ["run"])
    assert answer.exit_code == code
    assert ("Error: x" in answer.stderr) == (code in (1, 2))


def test_a_reader_that_has_seen_enough_is_no_error(ask):
    command = [sys.executable, str(ROOT / "run.py"), "export", "--journal", ask.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.fixture
def settings_path(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"execution": {"interval_s": 7}, "validation": {"sources": ["http://me:hush@desk"]}}))
    return str(path)


def test_the_settings_in_force_are_shown_as_json(settings_path):
    shown = json.loads(CliRunner().invoke(main, ["--settings", settings_path, "show-config", "--json"]).stdout)
    assert shown["execution"]["interval_s"] == 7
    assert shown["validation"]["sources"] == ["http://***@desk"]


def test_the_settings_in_force_are_shown_line_by_line_under_their_paths(settings_path):
    shown = CliRunner().invoke(main, ["--settings", settings_path, "show-config"]).stdout
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert lines["execution.interval_s"] in ("7", "7.0")
    assert lines["traders.0.id"] == '"paper"'
    assert lines["validation.sources"] == '["http://***@desk"]'


def test_a_command_may_override_settings(settings_path):
    invocation = Invocation(Path(settings_path))
    assert invocation.settings().execution.interval_s == 7
    assert invocation.settings({"execution.interval_s": "8"}).execution.interval_s == 8


@pytest.mark.parametrize(
    ("name", "journal"),
    [
        pytest.param("a.db", "a.db", id="a path"),
        pytest.param("a:b.db", "a:b.db", id="a path with a colon"),
        pytest.param("a.db", "sqlite:///a.db", id="a URL"),
    ],
)
def test_a_journal_is_named_by(name, journal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SqliteJournal(f"sqlite:///{name}", mode="live").close()
    with closing(Invocation(Path("no settings are read")).reader(journal)) as reader:
        assert reader.mode() == "live"


def test_without_a_name_the_journal_is_that_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TIDEGATE_JOURNAL__URL", f"sqlite:///{tmp_path}/b.db")
    SqliteJournal(f"sqlite:///{tmp_path}/b.db", mode="live").close()
    with closing(Invocation().reader(None)) as reader:
        assert reader.mode() == "live"


def test_the_environment_is_in_force_too(settings_path):
    environ = {"TIDEGATE_EXECUTION__INTERVAL_S": "9"}
    shown = CliRunner().invoke(main, ["--settings", settings_path, "show-config", "--json"], env=environ)
    assert json.loads(shown.stdout)["execution"]["interval_s"] == 9
