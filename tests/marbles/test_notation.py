import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.marbles.alignment import print_diagram
from tidegate.marbles.notation import MarbleMark, NotationError, duration, parse

S = 1_000_000_000


def seconds(text):
    return [(at_ns / S, symbol) for at_ns, symbol in parse(text, S).marks]


@pytest.mark.parametrize(
    ("text", "marks", "ends_s"),
    [
        pytest.param("", [], 0, id="nothing"),
        pytest.param("---", [], 3, id="empty frames"),
        pytest.param("-a7?-|", [(1, "a"), (2, "7"), (3, "?"), (5, "|")], 6, id="a character is a frame"),
        pytest.param("a(bc)d", [(0, "a"), (1, "b"), (1, "c"), (2, "d")], 3, id="a group is one frame"),
        pytest.param("-(a|)", [(1, "a"), (1, "|")], 2, id="completion in the frame of an event"),
        pytest.param("a  - b #", [(0, "a"), (2, "b"), (3, "#")], 4, id="spaces mean nothing"),
        pytest.param("a 60s b", [(0, "a"), (61, "b")], 62, id="time passes between spaces"),
        pytest.param("1.5s a 500ms b 2m", [(1.5, "a"), (3, "b")], 124, id="time passes at both ends, in fractions"),
        pytest.param("a1sb", [(0, "a"), (1, "1"), (2, "s"), (3, "b")], 4, id="without spaces they are letters"),
        pytest.param(
            "a 1sb", [(0, "a"), (1, "1"), (2, "s"), (3, "b")], 4, id="without a space behind they are letters"
        ),
        pytest.param("--^-a|", [(2, "a"), (3, "|")], 4, id="a caret is frame 0"),
    ],
)
def test_a_diagram_says_what_happens_when(text, marks, ends_s):
    assert seconds(text) == marks
    assert parse(text, S).ends_ns == ends_s * S


def test_frames_last_as_long_as_they_are_said_to():
    assert parse("-a-b", 250).marks == (MarbleMark(250, "a"), MarbleMark(750, "b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-a)", r"\) is not allowed here, at column 3"),
        ("(a(b))", r"\( is not allowed here, at column 3"),
        ("(a-)", "- is not allowed here, at column 3"),
        ("-(a", r"\( is not closed, at column 2"),
        ("-( )", r"\( \) is empty, at column 2"),
        ("a|b", r"nothing can come after \|, at column 3"),
        ("a# |", "nothing can come after #, at column 4"),
        ("a,b", ", is not allowed here, at column 2"),
        ("^-^", r"\^ is not allowed here, at column 3"),
        ("(a 1s b)", r"no time passes within \( \), at column 4"),
        ("a 0.5ns b", "whole nanoseconds, at column 3"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_column(text, message):
    with pytest.raises(NotationError, match=message) as refused:
        parse(text, S)
    _, shown, pointer = str(refused.value).splitlines()
    assert shown.strip() == text
    assert f"column {pointer.index('^') - 3}" in str(refused.value)


@pytest.mark.parametrize(
    ("ns", "text"), [(90 * S, "90s"), (120 * S, "2m"), (7200 * S, "2h"), (1_500_000_000, "1500ms"), (1, "1ns")]
)
def test_a_duration_is_written_in_the_largest_unit_that_is_whole(ns, text):
    assert duration(ns) == text


@given(
    gaps=st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from("abcde")), max_size=12),
    end=st.sampled_from(["|", "#", ""]),
)
def test_what_is_printed_reads_the_same(gaps, end):
    marks, at_ns, last_ns = [], 0, -S
    for frames, offset, letter in gaps:
        at_ns = max(at_ns + frames * S + offset * S // 2, last_ns)
        if 0 < at_ns - last_ns < S:
            at_ns = last_ns + S
        last_ns = at_ns
        marks.append(MarbleMark(at_ns, letter))
    if end:
        marks.append(MarbleMark(last_ns + S, end))
    assert list(parse(print_diagram(marks, 0, S), S).marks) == marks
