"""The intake of a whole pipeline, over a journal whose commits take time."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from streams.inbox import given_room
from tidegate.domain import events as e
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.journal.sqlite_journal import SqliteJournal

LINE = b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"timestamp":"now","key":"%b"}'


class SlowJournal(SqliteJournal):
    """A journal over a disk that takes its time: 20 ms for each commit, and 2 ms for each of its items."""

    async def commit(self, items, images):
        committed = await super().commit(items, images)
        await asyncio.sleep(0.02 + 0.002 * len(items))
        return committed


def lines(name: str, count: int) -> list[bytes]:
    return [LINE % f"{name}{number}".encode() for number in range(count)]


def flood(it, *, per_s: int, for_s: int) -> tuple[Counter[Reason | None], list[float]]:
    """Offer signals evenly: what their senders were told, and after how many seconds those were that are recorded."""
    told, after_s = Counter[Reason | None](), list[float]()

    def reply_at(sent_ns: int):
        def reply(receipt) -> None:
            told[receipt.reason] += 1
            if receipt.signal_id is not None:
                after_s.append((it.clock.now_ns() - sent_ns) / 1e9)

        return reply

    for step in range(for_s * 100):
        reply = reply_at(it.clock.now_ns())
        it.engine.inbox.give([Raw(line, may_say_now=True, reply=reply) for line in lines(f"{step}-", per_s // 100)])
        it.run(0.01)
    it.run(5)
    return told, after_s


@pytest.mark.parametrize("when_full", ["turn_away", "evict_oldest"])
def test_what_is_admitted_is_committed_within_the_delay_and_the_rest_is_counted(stage, when_full):
    it = stage(journal=SlowJournal, intake__max_delay_ms="500", intake__when_full=when_full).start()
    told, after_s = flood(it, per_s=2_000, for_s=4)
    assert told.keys() == {None, Reason.DOOR_FULL}
    assert told.total() == 8_000
    assert len(after_s) == told[None] > 1_400
    assert max(after_s) <= 0.5
    it.run(30)
    assert sum(shed.count for shed in it.bodies(e.TurnedAway)) == told[Reason.DOOR_FULL]
    assert it.engine.parts.state.ledger.received == told[None]


def test_a_file_is_read_to_its_end_beside_a_flood(stage):
    it = stage(journal=SlowJournal, intake__max_delay_ms="500").start()
    load = it.engine.parts.intake_load
    file = given_room(lines("file", 1_000), depth=load.depth_of_inputs, depth_max=load.inputs_max, clock=it.clock)
    replies = Counter[Reason | None]()

    def note(raw: Raw) -> None:
        it.engine.inbox.give(
            (Raw(raw.payload, may_say_now=True, reply=lambda receipt: replies.update([receipt.reason])),)
        )

    file.subscribe(note)
    flood(it, per_s=2_000, for_s=2)
    it.run(10)
    assert replies == {None: 1_000}


def test_a_flood_of_a_file_alone_sheds_nothing_and_does_not_stop(stage):
    it = stage(journal=SlowJournal, intake__max_delay_ms="100").start()
    load = it.engine.parts.intake_load
    file = given_room(lines("file", 2_000), depth=load.depth_of_inputs, depth_max=load.inputs_max, clock=it.clock)
    file.subscribe(lambda raw: it.engine.inbox.give((raw,)))
    it.run(15)
    assert it.engine.parts.state.ledger.received == 2_000
    assert it.bodies(e.TurnedAway) == []


def test_an_input_that_can_wait_stands_back_while_others_wait(stage):
    load = stage().start().engine.parts.intake_load
    assert load.depth_of_inputs() < load.inputs_max
    load.limit.wait(1)
    assert load.depth_of_inputs() == load.inputs_max
