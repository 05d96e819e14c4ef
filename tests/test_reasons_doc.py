"""docs/reasons.md is what the table of reasons says."""

from pathlib import Path

import pytest

from tidegate.cli.reasons_doc import reasons_doc
from tidegate.domain.reasons import Reason

DOCUMENT = Path(__file__).parents[1] / "docs" / "reasons.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in reasons_doc().splitlines() if line[:3] == "| `"
]


def test_the_document_is_the_one_that_is_generated():
    assert DOCUMENT.read_text() == reasons_doc(), "run: python -m tidegate.cli.reasons_doc > docs/reasons.md"


def test_every_reason_is_explained_once_and_summed_up_once_in_the_order_of_the_code():
    assert [code.strip("`") for code, *_ in ROWS] == [*Reason, *Reason]


@pytest.mark.parametrize("row", ROWS[: len(Reason)], ids=lambda row: row[0].strip("`"))
def test_a_row_says_what_it_means_what_is_measured_the_limit_and_what_to_do(row):
    _, means, measured, limit, what_to_do = row
    assert measured
    assert limit
    for sentence in (means, what_to_do):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0] == "`"


def test_settings_are_marked_as_such():
    assert "Lower `validation.min_signal_strength` to accept weaker signals." in reasons_doc()
    assert "``" not in reasons_doc()
