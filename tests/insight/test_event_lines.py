"""A line for each thing that happens: what it says, and that there are never too many."""

from decimal import Decimal

import pytest

from tidegate.domain import events as e
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.order import Acknowledged, Fill, OrderStatus, OrderUpdate, Unanswered
from tidegate.domain.reasons import Reason
from tidegate.insight.event_lines import EventLines

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)


class Watched:
    """The lines of a stage."""

    def __init__(self, it, **options):
        self.it, self.texts, self.warnings, self.failing = it, [], [], None
        self.lines = EventLines(it.journal.history, clock=it.clock, failing=lambda: self.failing, **options)
        self.lines.lines.subscribe(self._take)
        it.engine.observe("the lines", self.lines.watch)

    def _take(self, line):
        self.texts.append(line.text)
        if line.is_warning:
            self.warnings.append(line.text)


@pytest.fixture
def watched(stage):
    def begin(**options):
        it = stage()
        seen = Watched(it, **options)
        it.start()
        return it, seen

    return begin


def test_an_outcome_has_a_line_with_symbol_side_and_source(watched):
    it, seen = watched()
    it.send("a", source="desk", quantity="0.5", price="101")
    it.send("b", strength=0.2, side="sell")
    it.run(12)
    ids = {history.raw.partition(b'"key":"')[2][:1]: history.signal_id[:10] for history in it.journal.histories()}
    assert seen.texts == [
        f"refused {ids[b'b']} sell BTC/USDT from unnamed: weak (0.2, limit 0.5)",
        f"placed {ids[b'a']} buy BTC/USDT from desk: 0.5 at 101 by paper, closed, filled 0.5 at 100, fee 0.05 USDT",
    ]
    assert seen.warnings == []


def test_what_becomes_of_an_order_has_a_line_each(trading):
    it = trading(OPEN)
    seen = Watched(it)
    it.run(12)
    order_id = next(body.client_order_id for body in it.bodies(e.Intent))
    told = {"trader": "paper", "client_order_id": order_id, "at_ns": it.clock.now_ns()}
    amount = it.bodies(e.Intent)[0].amount
    fill = Fill(trade_id="t1", amount=amount, price=Decimal(100), fee=Decimal(1), fee_currency="USDT")
    it.engine.parts.updates.on_update(OrderUpdate(status=OrderStatus.CLOSED, fills=(fill,), **told))
    it.run(1)
    kinds = [text.split()[0] for text in seen.texts]
    assert kinds == ["placed", "filled", "order"]
    assert seen.texts[1].endswith(f": {amount} at 100, fee 1 USDT")
    assert seen.texts[2].endswith(": closed on paper")


def test_an_order_that_is_unknown_is_told(trading):
    it = trading(Unanswered(detail="it timed out\nafter 5 s"))
    seen = Watched(it)
    it.run(12)
    assert [text.split(" ", 2)[0] for text in seen.texts] == ["unknown"]
    assert seen.texts[0].endswith(": it timed out after 5 s")


def test_a_halt_and_what_was_turned_away_need_somebody(watched):
    it, seen = watched()
    it.engine.record(e.Halted(reduce_only=True, why="lunch"))
    it.engine.record(e.Halted(reduce_only=False, why="dinner"))
    it.engine.record(e.Resumed())
    it.engine.record(e.TurnedAway(count=3, reason=Reason.DOOR_FULL))
    it.run(1)
    assert seen.texts == [
        "halted, closing orders only: lunch",
        "halted: dinner",
        "resumed: new orders are allowed again",
        "3 signals were shed at intake: door_full",
    ]
    assert seen.warnings == [text for text in seen.texts if not text.startswith("resumed")]


def test_beyond_so_many_a_second_they_are_counted_and_summed_up(watched):
    it, seen = watched(most_per_s=3)
    for number in range(10):
        it.send(f"{number}", strength=0.1)
    it.run(2)
    assert [text.split()[0] for text in seen.texts] == ["refused"] * 3 + ["and"]
    assert seen.texts[3] == "and 7 more within one second: refused 7; `signals` lists them"
    it.send("later", strength=0.1)
    it.run(0.5)
    assert len(seen.texts) == 5


def test_what_was_left_out_is_told_at_the_end(watched):
    it, seen = watched(most_per_s=1)
    for number in range(3):
        it.send(f"{number}", strength=0.1)
    it.run(0.1)
    seen.lines.stop()
    assert seen.texts[-1] == "and 2 more within one second: refused 2; `signals` lists them"
    it.run(5)
    assert len(seen.texts) == 2


def test_a_journal_that_fails_is_told_once_and_its_recovery_too(watched):
    it, seen = watched()
    seen.failing = JournalUnavailable("the commit failed: the disk is full: 0.0 MB free in /data")
    it.run(5)
    seen.failing = None
    it.run(5)
    assert (
        seen.warnings
        == seen.texts
        == [
            "the journal cannot be written: the commit failed: the disk is full: 0.0 MB free in /data",
            "the journal can be written again",
        ]
    )


def test_a_signal_that_could_not_be_read_has_a_line_too(watched):
    it, seen = watched()
    it.send_bytes(b"not json")
    it.run(1)
    (text,) = seen.texts
    assert " unreadable: malformed (" in text
