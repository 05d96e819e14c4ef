"""The README's examples run, in order, as they stand there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """The blocks of a language, each with the number of its first line."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start()) + 2, block[1]) for block in found]


def run_blocks(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the Python blocks as one program, its lines numbered as in the text.

    A block that begins with a comment that names a file is written to that file. Tests are called at the end.
    """
    program = ""
    for line, block in blocks(text, "python"):
        if named := re.match(r"# (\w+\.py)\n", block):
            (folder / named[1]).write_text(block)
        else:
            program += "\n" * (line - 1 - program.count("\n")) + block
    program += "\nfor name, thing in list(globals().items()):\n    name.startswith('test_') and thing()\n"
    (folder / "readme.py").write_text(program)
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [sys.executable, "readme.py"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_python_examples_run(tmp_path):
    shutil.copy(ROOT / "settings.json", tmp_path)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    ran = run_blocks(README, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "-a-D-W-b--a-|" in ran.stdout


def test_the_guide_to_composing_runs(tmp_path):
    ran = run_blocks((ROOT / "docs" / "composing.md").read_text(), tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "mine:unsure" in ran.stdout


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        pytest.param("text\n```python\nx = 1\nassert x == 2\n```\n", 4, id="an assertion"),
        pytest.param("```python\ndef test_it():\n    assert False\n```\n", 3, id="a test"),
    ],
)
def test_an_example_that_fails_is_noticed_with_its_line(broken, line, tmp_path):
    ran = run_blocks(broken, tmp_path)
    assert ran.returncode == 1
    assert f'readme.py", line {line}' in ran.stderr


@pytest.mark.parametrize("block", [block for _, block in blocks(README, "json")])
def test_a_json_example_is_valid_settings(block):
    said = json.loads(block)
    assert Settings.model_validate(said).model_fields_set == set(said)


@pytest.mark.parametrize("line", [line for _, block in blocks(README, "jsonl") for line in block.splitlines()])
def test_a_line_of_jsonl_is_a_signal(line):
    assert read_signal(Raw(line.encode(), may_say_now=True), 1)[1] is None


def test_the_examples_are_seen():
    assert len(blocks(README, "python")) >= 6
    assert len(blocks(README, "json")) == 1
    assert len(blocks(README, "jsonl")) == 1
