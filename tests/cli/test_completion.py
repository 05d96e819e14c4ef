"""What a shell is offered for the words of a command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from tidegate.cli import main
from tidegate.cli.command_line import COMMANDS

ROOT = Path(__file__).parents[2]


def offered(*words, incomplete=""):
    return [item.value for item in ShellComplete(main, {}, "tidegate", "_X").get_completions(list(words), incomplete)]


@pytest.fixture
def settings_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.json").write_text(json.dumps({"symbols": ["BTC/USDT", "BNB/USDT", "ETH/USDT"]}))
    return tmp_path / "settings.json"


@pytest.mark.parametrize(
    ("words", "incomplete", "some"),
    [
        pytest.param((), "re", ["replay", "report", "reconcile", "resolve", "reduce-only", "resume"], id="commands"),
        pytest.param((), "--s", ["--settings"], id="options before a command"),
        pytest.param(("run",), "--unt", ["--until-idle"], id="options of a command"),
        pytest.param(("signals", "--outcome"), "p", ["placing", "placed", "parked"], id="outcomes"),
        pytest.param(("signals", "--reason"), "we", ["weak"], id="reasons"),
        pytest.param(("signals", "--symbol"), "b", ["BTC/USDT", "BNB/USDT"], id="symbols of the settings"),
        pytest.param(("send", "buy"), "ETH", ["ETH/USDT"], id="symbols to send"),
        pytest.param(("send",), "s", ["sell"], id="sides"),
        pytest.param(("run", "--set"), "execution.int", ["execution.interval_s="], id="settings"),
        pytest.param(("nothing-like-it",), "", list(COMMANDS), id="an unknown command is left alone"),
    ],
)
def test_a_shell_is_offered(words, incomplete, some, settings_here):
    assert offered(*words, incomplete=incomplete) == some


def test_files_are_left_to_the_shell():
    (item,) = ShellComplete(main, {}, "tidegate", "_X").get_completions(["report", "--journal"], "data/jo")
    assert (item.type, item.value) == ("file", "data/jo")


def test_symbols_come_from_the_settings_that_are_named(settings_here, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"symbols": ["SOL/USDT"]}))
    assert offered("--settings", str(other), "send", "buy") == ["SOL/USDT"]


def test_wrong_settings_offer_no_symbols(settings_here):
    settings_here.write_text("{")
    assert offered("send", "buy") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_asks_this_program(shell):
    answer = CliRunner().invoke(main, ["completion", shell])
    assert answer.exit_code == 0
    assert f"_TIDEGATE_COMPLETE={shell}_complete" in answer.stdout


def test_the_installed_program_answers_a_shell():
    code = "from tidegate.cli import main; main(prog_name='tidegate')"
    asked = {"_TIDEGATE_COMPLETE": "bash_complete", "COMP_WORDS": "tidegate signals --outcome exp", "COMP_CWORD": "3"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "plain,expired\n"


@pytest.mark.parametrize(
    ("words", "program"),
    [
        pytest.param(["run.py"], "python run.py", id="from a clone"),
        pytest.param(["-m", "tidegate"], "python -m tidegate", id="as a module"),
        pytest.param(["-c", "from tidegate.cli import main; main(prog_name='tidegate')"], "tidegate", id="installed"),
    ],
)
def test_messages_name_the_program_as_it_was_called(words, program):
    answer = subprocess.run([sys.executable, *words, "why"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stderr.startswith(f"Usage: {program} why")
    version = subprocess.run([sys.executable, *words, "--version"], cwd=ROOT, capture_output=True, check=True)
    assert version.stdout.startswith(b"tidegate ")
