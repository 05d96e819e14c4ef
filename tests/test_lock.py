"""The lock pins everything that is declared, by hash, and says nothing of the machine it was made on."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "requirements.lock").read_text().splitlines()
PINS = [line for line in LINES if re.match(r"[a-z]", line)]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"]["live"],
    *PROJECT["project"]["optional-dependencies"]["notebook"],
    *PROJECT["dependency-groups"]["dev"],
    *PROJECT["build-system"]["requires"],
]


@pytest.mark.parametrize("declared", DECLARED)
def test_what_is_declared_is_pinned(declared):
    name = re.split(r"[<>=]", declared)[0]
    assert any(re.match(rf"{name}==\d\S* ", pin) for pin in PINS)


def test_every_pin_has_a_hash():
    following = [LINES[LINES.index(pin) + 1] for pin in PINS]
    assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}", line) for line in following)


def test_no_address_and_no_path_stands_in_the_lock():
    assert not [line for line in LINES if re.search(r"://|file:|(^|\s)[./~]", line)]
