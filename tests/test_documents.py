"""What the documents name exists: commands and their options, settings, files, transitions, rooms."""

import re
import runpy
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from tidegate.cli.command_line import COMMANDS
from tidegate.domain.events import KINDS
from tidegate.domain.lifecycle import TRANSITIONS
from tidegate.settings import Settings
from tidegate.settings.paths import find_setting

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
SECTIONS = [name for name in Settings.model_fields if find_setting(Settings, [name, "x"]) is None]

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def called(text: str) -> list[list[str]]:
    """The words behind every `python run.py`."""
    lines = re.findall(r"python run\.py ([^`\n]+)", text)
    return [shlex.split(re.split(r" [|>] ", line)[0], comments=True) for line in lines]


def what_is_wrong(words: list[str]) -> str:
    """Why a command line is wrong, or nothing."""
    name, *arguments = words
    if name not in COMMANDS:
        return f"there is no command {name}"
    command = getattr(import_module(f"tidegate.cli.{COMMANDS[name][0]}"), name.replace("-", "_"))
    try:
        with command.make_context(name, arguments):
            return ""
    except click.ClickException as wrong:
        return f"{name}: {wrong.format_message()}"


def named_settings(text: str) -> list[str]:
    """Everything that is written as a setting of a section, outside of Python examples."""
    text = re.sub(r"^```python\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    pattern = rf"(?<![\w./])(?:{'|'.join(SECTIONS)})\.(?!db\b|json\b|py\b|csv\b|jsonl\b)[a-z_.]+[a-z]"
    return [name for name in re.findall(pattern, text) if not (ROOT / f"{name.replace('.', '/')}.py").exists()]


@each_document
def test_every_command_line_is_valid(document):
    assert [wrong for words in called(document.read_text()) if (wrong := what_is_wrong(words))] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        pytest.param("python run.py raport", "there is no command raport", id="an unknown command"),
        pytest.param("`python run.py report --jason`", "No such option", id="an unknown option"),
        pytest.param("python run.py why", "Missing argument", id="too few words"),
        pytest.param("tail -f x | python run.py run --signals - > out", "", id="a pipe and a redirection"),
    ],
)
def test_a_wrong_command_line_is_noticed(line, wrong):
    (found,) = (what_is_wrong(words) for words in called(line))
    assert wrong in found
    assert bool(wrong) == bool(found)


def test_the_readme_names_every_command():
    named = {words[0] for words in called((ROOT / "README.md").read_text())}
    assert COMMANDS.keys() <= named | {"run"}


@each_document
def test_every_setting_is_one(document):
    assert [
        name for name in named_settings(document.read_text()) if find_setting(Settings, name.split(".")) is None
    ] == []


def test_a_setting_that_is_none_is_noticed():
    (name,) = named_settings("see `validation.min_strenght`, `settings.json` and `journal.db`")
    assert find_setting(Settings, name.split(".")) is None


@each_document
def test_every_file_is_there(document):
    text = document.read_text()
    named = re.findall(r"`([\w./-]+/[\w./-]+\.py)`", text)
    linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing + [link for link in linked if not (document.parent / link).exists()] == []


WHERE_TO_ADD = re.findall(
    r"^\| ([^|`]+) \| ([^|]+) \| ([^|]+) \|$",
    ARCHITECTURE.partition("## Where to add things")[2].partition("## One signal")[0],
    re.MULTILINE,
)[1:]


def test_it_says_where_to_add_what_comes_next():
    added = " ".join(what for what, *_ in WHERE_TO_ADD)
    assert [what for what in ("limit", "alert", "venue", "source", "page") if f" {what}" not in added] == []


@pytest.mark.parametrize(("what", "write", "wire"), WHERE_TO_ADD, ids=[what for what, *_ in WHERE_TO_ADD])
def test_what_is_added_has_a_folder_that_is_there_and_one_place_to_wire(what, write, wire):
    folders = re.findall(r"`([\w/]+)/`", write)
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
    assert folders or re.search(r"`[\w/]+\.py`", write)
    assert wire.startswith("nothing") or "`" in wire


@each_document
def test_every_make_target_is_one(document):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", document.read_text(), re.MULTILINE)) <= set(targets)


def test_the_diagram_of_a_signal_s_life_is_the_table_of_transitions():
    drawn = re.findall(r"^    (\S+) --> (\w+): (\w+)$", ARCHITECTURE, re.MULTILINE)
    kind_of = {body: kind for kind, body in KINDS.items()}
    table = [(before or "[*]", after.value, kind_of[body]) for (before, body), after in TRANSITIONS.items()]
    assert drawn == table


def test_the_table_of_rooms_is_the_one_that_guards_them():
    arrows = runpy.run_path(str(ROOT / "tests" / "test_arrows.py"))["ARROWS"]
    rows = re.findall(r"^\| `(\w+)(?:\.py)?` \|[^|]+\| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    everything = set(arrows)
    sets = {
        "nothing": set(),
        "everything but `run`": everything - {"run", "benchmarks"},
        "everything but `run` and `benchmarks`": everything - {"run", "benchmarks", "cli"},
        "everything but `cli`, `run` and `benchmarks`": everything - {"run", "benchmarks", "cli", "tidegate"},
    }
    assert {room: sets.get(may, set(may.split(", "))) for room, may in rows} == arrows
