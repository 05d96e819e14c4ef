"""Modules of one's own may have the names of those that ship with Tidegate: ours are found all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.companions import COMPANIONS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def python(tmp_path):
    """Run a program in a folder that has modules of these names, first on the path as in a notebook."""

    def run(program, *, beside=()):
        for name in beside:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("mine = True\n")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("name", COMPANIONS)
@pytest.mark.parametrize("mine", ["{}.py", "{}/__init__.py"], ids=["module", "package"])
def test_ours_is_found_before_another_of_its_name_and_it_says_so(python, name, mine):
    ran = python(f"import tidegate, {name}\nprint({name}.__file__)", beside=[mine.format(name)])
    assert ran.stdout == f"{ROOT / name / '__init__.py'}\n"
    assert f"UserWarning: `import {name}` gives Tidegate's package, not " in ran.stderr
    assert mine.format(name) in ran.stderr


@pytest.mark.parametrize("name", COMPANIONS)
def test_another_that_was_imported_first_is_an_error_that_names_it(python, name):
    ran = python(f"import {name}\nassert {name}.mine\nimport tidegate", beside=[f"{name}.py"])
    assert ran.returncode == 1
    assert f"ImportError: Tidegate has a package `{name}`, but " in ran.stderr
    assert f"{name}.py of that name has been imported: rename it and restart Python" in ran.stderr


def test_other_names_are_the_user_s(python):
    program = "import tidegate.settings, streams.pipeline, settings, domain\nassert settings.mine and domain.mine"
    ran = python(program, beside=["settings.py", "domain/__init__.py"])
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("first", [*COMPANIONS, "tidegate"])
def test_where_no_name_clashes_nothing_is_said(python, first):
    ran = python(f"import {first}, operators, streams, tidegate")
    assert (ran.returncode, ran.stderr) == (0, "")
