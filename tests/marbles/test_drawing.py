from xml.etree import ElementTree

import pytest

from tidegate.domain.reasons import Reason
from tidegate.marbles.drawing import DrawnItem, draw
from tidegate.marbles.notation import COMPLETION, ERROR, MarbleMark

NEW_YEAR_NS = 1_735_689_600_000_000_000
HOUR_NS = 3_600_000_000_000
JUDGED_AT_RECEIPT = list(Reason)[:9]


def elements(svg, tag):
    return list(ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def colours(*kinds):
    """The colour of each kind's marble, in a drawing of these kinds."""
    items = [DrawnItem(number * HOUR_NS, "x", kind) for number, kind in enumerate(kinds)]
    marbles = [circle for circle in elements(draw(items, None, start_ns=0), "circle") if circle.get("r") == "13"]
    return dict(zip(kinds, (marble.get("fill") for marble in marbles), strict=True))


@pytest.mark.parametrize("reason", JUDGED_AT_RECEIPT)
def test_a_reason_has_the_same_colour_in_every_drawing(reason):
    alone, among_others = colours(reason.value), colours("accepted", *JUDGED_AT_RECEIPT)
    assert alone[reason.value] == among_others[reason.value]


def test_reasons_judged_at_receipt_can_be_told_apart():
    among_others = colours("accepted", *JUDGED_AT_RECEIPT)
    assert len(set(among_others.values())) == len(JUDGED_AT_RECEIPT) + 1


def test_other_kinds_can_be_told_apart():
    assert len(set(colours(*"abcdefghi").values())) == 9


@pytest.mark.parametrize("end", [COMPLETION, ERROR], ids=["a completion", "an error"])
def test_the_end_is_drawn_clear_of_a_marble_at_the_same_moment(end):
    last = DrawnItem(HOUR_NS, "a", "accepted")
    path = elements(draw([last], MarbleMark(HOUR_NS, end), start_ns=0), "path")[-1].get("d")
    leftmost = float(path.removeprefix("M").split()[0])
    circle = elements(draw([last], MarbleMark(HOUR_NS, end), start_ns=0), "circle")[0]
    assert leftmost > float(circle.get("cx")) + float(circle.get("r"))


def test_an_end_that_comes_later_is_drawn_at_its_time():
    items = [DrawnItem(0, "a", "accepted")]
    svg = draw(items, MarbleMark(8 * HOUR_NS, COMPLETION), start_ns=0)
    ticks = {text.text: text.get("x") for text in elements(svg, "text")}
    assert elements(svg, "path")[-1].get("d").startswith(f"M{ticks['8:00:00']} ")


def test_it_says_when_it_began():
    svg = draw([DrawnItem(0, "a", "accepted")], None, start_ns=NEW_YEAR_NS)
    assert "from 2025-01-01 00:00:00 UTC" in [text.text for text in elements(svg, "text")]
