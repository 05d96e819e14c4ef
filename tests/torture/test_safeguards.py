"""The torture can fail: without any one of its safeguards, the program breaks the promise, and is found out."""

import re
from pathlib import Path

import pytest

from benchmarks.edits import Edit, output_of, program_with, tortured
from benchmarks.safeguards import SAFEGUARDS


@pytest.mark.slow
@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.name)
def test_without_a_safeguard_the_promise_is_broken(safeguard, tmp_path):
    record = tortured(program_with(safeguard.edits, tmp_path), "--seeds", "24", "--until-broken")
    assert record["failures"]
    assert record["failures"][0]["violations"]


@pytest.mark.slow
def test_what_broke_is_shrunk_to_what_is_needed(tmp_path):
    window = next(safeguard for safeguard in SAFEGUARDS if safeguard.name == "settle window")
    program = program_with(window.edits, tmp_path)
    (broken, *_) = tortured(program, "--seed", "6", "--until-broken")["failures"]
    script, _, story = output_of(program, "--seed", "6", "--point", broken["point"]).partition("\n\n")
    venue_faults = [line for line in script.splitlines() if " no. " in line or (" after " in line and ":" not in line)]
    assert len(venue_faults) <= 2
    assert any(line.startswith("hidden") for line in venue_faults)
    assert "the promise is broken" in story


def test_a_safeguard_that_is_not_where_the_table_says_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"run\.py has 0 times 'no such line'"):
        program_with([Edit("run.py", "no such line", "")], tmp_path)


def test_the_document_tells_of_each_safeguard_and_of_nothing_else():
    document = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| ([a-z][^|]+) \| ([^|]+) \| ([\d,]+ of [\d,]+|not counted yet) \|$", document, re.MULTILINE)
    assert [(name, keeps) for name, keeps, _ in rows] == [(s.name, s.keeps) for s in SAFEGUARDS]
