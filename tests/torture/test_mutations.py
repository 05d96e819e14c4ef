"""The list of mistakes is in step with the program, and the document says what noticed each."""

import re
from pathlib import Path

from benchmarks.edits import misplaced
from benchmarks.mistakes import MISTAKES
from benchmarks.mutations import Noticed, rows


def test_every_mistake_has_exactly_one_place():
    assert misplaced([mistake.edit for mistake in MISTAKES]) == []
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 60


def test_every_mistake_changes_something_and_leaves_python():
    root = Path(__file__).parents[2]
    for mistake in MISTAKES:
        edit = mistake.edit
        text = (root / edit.file).read_text()
        compile(text.replace(edit.old, edit.new), edit.file, "exec")
        assert edit.old != edit.new


def test_what_noticed_a_mistake_is_told_in_a_row():
    first, second = MISTAKES[:2]
    table = list(rows([Noticed(second, by_unit_tests=None, by_torture=True), Noticed(first, True, False)]))
    assert table[2:] == [f"| {first.name} | yes |  |", f"| {second.name} | not run | yes |"]
    assert [each.survived for each in (Noticed(first, None, True), Noticed(first, False, False))] == [False, True]


def test_the_mistakes_that_the_document_tells_of_are_on_the_list_and_were_noticed():
    document = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    noticed = re.findall(r"^\| ([^|]+) \| (?:(yes)|not run)? ?\| (yes)? ?\|$", document, re.MULTILINE)
    assert noticed
    assert {name for name, *_ in noticed} <= {mistake.name for mistake in MISTAKES}
    assert all(by_unit_tests or by_torture for _, by_unit_tests, by_torture in noticed)
