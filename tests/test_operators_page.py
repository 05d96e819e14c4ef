"""docs/operators.md is what its generator writes: each operator, its contract, and examples from its own test."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GENERATOR = runpy.run_path(str(ROOT / "docs" / "operators_page.py"))
PAGE = (ROOT / "docs" / "operators.md").read_text()
OPERATORS = GENERATOR["operators"]()


def section(name: str) -> str:
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_the_page_is_what_is_generated():
    assert GENERATOR["page"]() == PAGE, "run `python docs/operators_page.py`"


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_has_its_signature_its_picture_and_its_contract(name):
    text = section(name)
    assert text.startswith(f"\n```python\ndef {name}(")
    assert re.search(r"^```text\n-.*[|#-].*\n-.*[|#-].*\n", text, re.MULTILINE)
    for promise in ("Emits when", "Completes when", "Errors when", "Memory"):
        assert f"- **{promise}:** " in text


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param(
            "refuse_repeats", "-a-a-|   -a-D-|   a repeat inside the window is refused", id="test of its name"
        ),
        pytest.param("only_refused", "only_refused   -a#   --#", id="a row that names it"),
    ],
)
def test_examples_come_from_the_tests(name, line):
    assert name in OPERATORS
    assert line in re.sub(" {3,}", "   ", section(name))


def test_a_row_that_names_another_operator_is_not_an_example():
    assert not re.search("^only_accepted ", section("only_refused"), re.MULTILINE)


def test_nothing_that_is_no_operator_is_on_the_page():
    assert {"admit", "screen", "identify"} <= OPERATORS.keys()
    assert "backoff_s" not in OPERATORS
