from importlib.util import find_spec
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal, Score, Verdict
from tidegate.marbles import Marbles, Notification, NotificationKind, Recording, outcome_letter, signal

START_NS = 1_735_689_600_000_000_000
S = 1_000_000_000


def verdict(name, reason=None, **fields):
    read, refusal = read_signal(signal(name, **fields), START_NS)
    if reason is not None:
        refusal = Refusal(reason, measured=0.2, limit=0.5)
    return Verdict(read, START_NS, Score(0.7), refusal)


def recording(*verdicts, end=NotificationKind.COMPLETED):
    entries = [Notification(START_NS + second * S, NotificationKind.NEXT, one) for second, one in enumerate(verdicts)]
    if end is not None:
        entries.append(Notification(START_NS + len(verdicts) * S, end, None))
    return Recording(START_NS, entries)


@pytest.fixture
def judged():
    return recording(verdict("a"), verdict("a", Reason.REPEAT), verdict("w", Reason.WEAK), verdict("b"))


def test_values_are_the_items_alone(judged):
    assert [one.signal.key for one in judged.values] == ["a", "a", "w", "b"]


def test_it_is_written_as_a_diagram(judged):
    assert judged.diagram() == "aDWb|"
    assert judged.diagram(frame_s=0.5) == "a-D-W-b-|"
    assert judged.diagram(show=lambda one: one.signal.symbol[0]) == "AAWB|"


def test_accepted_and_refused_keep_their_times(judged):
    assert judged.accepted.diagram() == "a--b|"
    assert judged.refused.diagram() == "-DW-|"


def test_refusals_are_counted_by_reason(judged):
    assert judged.by_reason == {Reason.REPEAT: 1, Reason.WEAK: 1}
    assert judged.accepted.by_reason == {}


def test_long_silence_is_written_as_time():
    apart = Recording(START_NS, [Notification(START_NS + at * S, NotificationKind.NEXT, "a") for at in (0, 3_601)])
    assert apart.diagram() == "a 1h a"


def test_what_happened_in_real_time_is_written_on_a_grid_that_people_read():
    at_ns = [12_345_678, 13_000_001, 407_999_999, 1_511_000_000]
    live = Recording(START_NS, [Notification(START_NS + at, NotificationKind.NEXT, "a") for at in at_ns])
    assert live.grid_s == 0.02
    assert live.diagram() == "(aa)-" + "-" * 18 + "a 1080ms a"
    assert live.diagram(frame_s=0.1).count("a") == 4


def test_verdicts_are_taken_apart_into_columns(judged):
    columns = judged.columns()
    assert columns["at_ns"] == [START_NS + second * S for second in range(4)]
    assert columns["key"] == ["a", "a", "w", "b"]
    assert columns["reason"] == [None, Reason.REPEAT, Reason.WEAK, None]
    assert columns["limit"] == [None, 0.5, 0.5, None]
    assert columns["score"] == [0.7] * 4
    assert {len(column) for column in columns.values()} == {4}


def test_other_values_are_one_column():
    m = Marbles(a=1, b=2)
    numbers = m.record(m.hot("ab|"))
    m.run()
    assert list(numbers.columns()) == ["at_ns", "value"]
    assert numbers.columns()["value"] == [1, 2]


@pytest.mark.skipif(find_spec("pandas") is None, reason="needs pandas")
def test_a_frame_has_timestamps_in_utc(judged):
    frame = judged.frame()
    assert list(frame["key"]) == ["a", "a", "w", "b"]
    assert str(frame["at"].iloc[1]) == "2025-01-01 00:00:01+00:00"


@pytest.mark.skipif(find_spec("pandas") is not None, reason="needs the absence of pandas")
def test_without_pandas_a_frame_says_what_to_install(judged):
    with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
        judged.frame()


def texts(svg, tag):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")]


def test_few_items_are_drawn_as_marbles_with_their_letters(judged):
    svg = judged._repr_svg_()
    assert [text for text in texts(svg, "text") if len(text) == 1] == ["a", "D", "W", "b"]
    assert texts(svg, "title")[0] == "2 accepted, 1 repeat, 1 weak from 2025-01-01 00:00:00 UTC; completed"
    assert "D, repeat, at 1 s" in texts(svg, "title")
    assert "weak 1" in texts(svg, "text")
    assert "4 s" in texts(svg, "text")


def test_thousands_of_items_are_drawn_as_counts():
    many = recording(*[verdict("a"), verdict("w", Reason.WEAK), verdict("b")] * 2_000, end=NotificationKind.ERROR)
    svg = many._repr_svg_()
    assert len(svg) < 60_000
    counted = [text.split() for text in texts(svg, "title") if " from " in text][1:]
    assert sum(int(words[0]) for words in counted if words[1] == "weak") == 2_000
    assert sum(int(words[0]) for words in counted) == 6_000
    assert "accepted 4,000" in texts(svg, "text")
    spans = [
        (rect.get("x"), float(rect.get("y")), float(rect.get("y")) + float(rect.get("height")))
        for rect in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
        if rect.get("x")
    ]
    assert all(below[1] == pytest.approx(above[2], abs=0.2) for below, above in pairwise(spans) if below[0] == above[0])
    assert texts(svg, "title")[-1] == "error at 1:40:00"


@pytest.mark.parametrize(
    ("reason", "letter"),
    [
        (Reason.WEAK, "W"),
        (Reason.REPEAT, "D"),
        (Reason.STALE, "S"),
        (Reason.FROM_FUTURE, "F"),
        (Reason.MALFORMED, "M"),
        (Reason.CONFLICT, "C"),
        (Reason.UNKNOWN_SOURCE, "U"),
        (Reason.SCORE_TOO_LOW, "L"),
        (Reason.CHECK_FAILED, "X"),
        (Reason.POSITION_LIMIT, "R"),
        (None, "b"),
    ],
)
def test_each_outcome_has_a_letter(reason, letter):
    assert outcome_letter(verdict("Bob", reason)) == letter


def test_an_accepted_verdict_without_a_key_is_a_question_mark():
    assert outcome_letter(verdict("a", key=None, timestamp=START_NS // 10**6)) == "?"


def test_any_value_can_be_drawn():
    strange = Recording(
        START_NS, [Notification(START_NS, NotificationKind.NEXT, value) for value in ("<&>", "", None, 7, object())]
    )
    assert [text for text in texts(strange._repr_svg_(), "text") if len(text) == 1] == ["<", "?", "N", "7", "<"]
    assert texts(Recording(START_NS)._repr_svg_(), "title") == ["nothing from 2025-01-01 00:00:00 UTC"]
