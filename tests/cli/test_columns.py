import pytest

from tidegate.cli.columns import Column, fitted
from tidegate.cli.printing import wrapped

COLUMNS = (Column("a"), Column("bb", 2, "two"), Column("c", 1, right=True), Column("d", 3, show=str.upper))
ROWS = [["1", "22", "3", "xyz"], ["long", "2", "33333", "y"]]


@pytest.mark.parametrize(
    ("width", "lines", "left_out"),
    [
        pytest.param(
            80,
            ["a     two      c  d", "1     22       3  XYZ", "long  2    33333  Y"],
            [],
            id="there is room for all",
        ),
        pytest.param(
            20, ["a     two      c", "1     22       3", "long  2    33333"], ["d"], id="the least important goes"
        ),
        pytest.param(15, ["a         c", "1         3", "long  33333"], ["bb", "d"], id="then the next"),
        pytest.param(10, ["a", "1", "long"], ["bb", "c", "d"], id="then the next but the first"),
        pytest.param(2, ["a", "1", "long"], ["bb", "c", "d"], id="what is never left out is not cut either"),
    ],
)
def test_columns_go_by_their_rank(width, lines, left_out):
    shown, without = fitted(COLUMNS, ROWS, width)
    assert list(shown) == lines
    assert [column.name for column in without] == left_out


def test_a_last_column_that_folds_goes_on_below_itself():
    value = "one two three four five six seven"
    shown, without = fitted((Column("what"), Column("value", folds=True)), [["x", value], ["yy", "short"]], 30)
    assert shown == ["what  value", "x     one two three four five", "      six seven", "yy    short"]
    assert without == []


def test_a_table_without_rows_is_its_head():
    assert fitted((Column("a"), Column("b", 1)), [], 80) == (["a  b"], [])


@pytest.mark.parametrize(
    ("text", "after", "lines"),
    [
        ("one two three", " ", ["one two", "three"]),
        ('{"a":1,"b":2}', " ,", ['{"a":1,', '"b":2}']),
        ("abcdefghijkl mn", " ", ["abcdefgh", "ijkl mn"]),
        ("12345678 x", " ", ["12345678", "x"]),
        ("", " ", [""]),
    ],
)
def test_text_is_wrapped_after_a_letter_and_broken_only_where_there_is_none(text, after, lines):
    assert list(wrapped(text, 8, after)) == lines
