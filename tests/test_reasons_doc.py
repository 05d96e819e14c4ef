"""Every reason is explained to the one who trades, once, and nothing else is."""

from pathlib import Path

import pytest

from tidegate.domain.reasons import Reason

TEXT = (Path(__file__).parents[1] / "docs" / "reasons.md").read_text()
COLUMNS = ["code", "it means", "measured", "limit", "what to do"]


def rows(text: str) -> list[list[str]]:
    """The cells of every line of a table, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row != COLUMNS and set(row) != {"---"}]


def codes(text: str) -> list[str]:
    """The codes that have a row."""
    return [row[0].strip("`") for row in rows(text)]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_row(reason):
    assert codes(TEXT).count(reason) == 1


def test_no_row_is_without_a_reason():
    assert set(codes(TEXT)) <= {reason.value for reason in Reason}


@pytest.mark.parametrize("row", rows(TEXT), ids=lambda row: row[0].strip("`"))
def test_a_row_says_what_it_means_what_is_measured_the_limit_and_the_cure(row):
    assert len(row) == len(COLUMNS)
    assert all(row)


def test_the_reasons_stand_in_the_order_of_the_code():
    assert codes(TEXT) == [reason.value for reason in Reason]


def test_a_head_is_not_a_row():
    table = "| code | it means | measured | limit | what to do |\n|---|---|---|---|---|\n| `weak` | a | b | c | d |"
    assert codes(table) == ["weak"]
