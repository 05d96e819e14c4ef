"""The doors: from files, from recordings by their timestamps, from any thread."""

from __future__ import annotations

import json

import pytest

from operators.chunks import subscribe_chunks
from streams.inbox import Inbox, as_stamped, given_room
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw, Receipt

START_NS = 1_735_689_600_000_000_000


@pytest.fixture
def loop() -> VirtualLoop:
    return VirtualLoop()


@pytest.fixture
def clock(loop) -> Clock:
    return Clock.simulated(loop, START_NS)


def heard(source) -> tuple[list[bytes], list[str]]:
    payloads: list[bytes] = []
    ends: list[str] = []
    source.subscribe(
        lambda raw: payloads.append(raw.payload), lambda error: ends.append(str(error)), lambda: ends.append("|")
    )
    return payloads, ends


def lines(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def test_a_file_goes_in_while_there_is_room_and_not_a_line_beyond_it(loop, clock):
    under_way: list[bytes] = []
    deepest = 0

    def depth() -> int:
        return len(under_way)

    def take(raw: Raw) -> None:
        nonlocal deepest
        under_way.append(raw.payload)
        deepest = max(deepest, depth())
        loop.call_later(0.5, under_way.remove, raw.payload)

    seen: list[bytes] = []
    source = given_room(lines(1000), depth=depth, depth_max=100, clock=clock)
    source.subscribe(lambda raw: (seen.append(raw.payload), take(raw)))
    loop.run_forever()
    assert seen == lines(1000)
    assert deepest == 100


def test_a_file_ends_after_its_last_line_and_an_error_of_reading_is_passed_on(loop, clock):
    def broken():
        yield b"one"
        raise OSError("gone")

    whole = heard(given_room(lines(3), depth=lambda: 0, depth_max=1, clock=clock))
    torn = heard(given_room(broken(), depth=lambda: 0, depth_max=1, clock=clock))
    loop.run_forever()
    assert whole == (lines(3), ["|"])
    assert torn == ([b"one"], ["gone"])


def test_what_is_read_from_a_file_may_say_now(loop, clock):
    raws: list[Raw] = []
    given_room([b"{}"], depth=lambda: 0, depth_max=1, clock=clock).subscribe(raws.append)
    loop.run_forever()
    assert raws == [Raw(b"{}", may_say_now=True)]


def stamped(seconds: float, name: str) -> bytes:
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 1, "key": name}
    return json.dumps({**said, "timestamp": START_NS // 1_000_000 + round(seconds * 1000)}).encode()


def test_recorded_signals_come_at_their_timestamps_in_order_and_unreadable_ones_at_once(loop, clock):
    a, b, c, old = stamped(2, "a"), stamped(1, "b"), stamped(2, "c"), stamped(-60, "old")
    seen: list[tuple[float, bytes]] = []
    source = as_stamped([a, b, b"?", c, old], clock=clock)
    source.subscribe(
        lambda raw: seen.append((loop.time(), raw.payload)), on_completed=lambda: seen.append((loop.time(), b"|"))
    )
    loop.run_forever()
    assert seen == [(0, b"?"), (0, old), (1, b), (2, a), (2, c), (2, b"|")]


def test_a_recorded_signal_is_read_once_unless_what_it_says_depends_on_the_moment(loop, clock):
    now = b'{"symbol": "A/B", "side": "buy", "strength": 1, "timestamp": "now", "key": "k"}'
    seen: list[Raw] = []
    as_stamped([stamped(1, "a"), stamped(0, "b"), now, b"?"], clock=clock).subscribe(seen.append)
    loop.run_forever()
    assert [raw.payload for raw in seen if raw.signal is None] == [stamped(0, "b"), now, b"?"]
    (first,) = [raw for raw in seen if raw.signal is not None]
    signal, refusal = read_signal(first, clock.wall_ns())
    assert (signal, refusal) == read_signal(Raw(first.payload, may_say_now=True), clock.wall_ns() + 1)
    assert signal is first.signal


def test_two_subscribers_of_a_recording_hear_all_of_it(loop, clock):
    source = as_stamped([stamped(1, "a")], clock=clock)
    first, second = heard(source), heard(source)
    loop.run_forever()
    assert first == second == ([stamped(1, "a")], ["|"])


def chunks_in(source) -> list[list[bytes]]:
    chunks: list[list[bytes]] = []
    subscribe_chunks(
        source, lambda chunk: chunks.append([raw.payload for raw in chunk]), lambda _: None, lambda: chunks.append([])
    )
    return chunks


def test_the_lines_of_a_file_come_in_chunks_as_large_as_the_room(loop, clock):
    chunks = chunks_in(given_room(lines(10), depth=lambda: 0, depth_max=4, clock=clock))
    loop.run_forever()
    assert [len(chunk) for chunk in chunks] == [4, 4, 2, 0]


def test_recorded_signals_of_one_moment_come_in_one_chunk(loop, clock):
    a, b, c = stamped(1, "a"), stamped(2, "b"), stamped(2, "c")
    chunks = chunks_in(as_stamped([b, a, c], clock=clock))
    loop.run_forever()
    assert chunks == [[a], [b, c], []]


def test_an_error_of_reading_a_recording_is_passed_on(loop, clock):
    def broken():
        yield stamped(1, "a")
        raise OSError("gone")

    errors: list[Exception] = []
    subscribe_chunks(as_stamped(broken(), clock=clock), lambda _: None, errors.append, lambda: None)
    loop.run_forever()
    assert (heard(as_stamped(broken(), clock=clock)), list(map(str, errors))) == (([], ["gone"]), ["gone"])


def test_nothing_comes_any_more_after_unsubscribing(loop, clock):
    seen: list[bytes] = []
    for source in (
        given_room(lines(3), depth=lambda: 0, depth_max=1, clock=clock),
        as_stamped([stamped(1, "a")], clock=clock),
    ):
        source.subscribe(lambda raw: seen.append(raw.payload)).dispose()
    loop.run_forever()
    assert seen == []


def test_a_closed_inlet_turns_away_and_says_so(loop, clock):
    inbox = Inbox(clock)
    told: list[Receipt] = []
    inbox.close()
    inbox.hand_in(Raw(b"{}", reply=told.append))
    loop.run_forever()
    assert [(receipt.signal_id, str(receipt.reason)) for receipt in told] == [(None, "stopping")]


def test_a_flood_of_recorded_signals_is_held_back_and_none_is_lost(loop, clock):
    flood = [stamped(1, f"{number:03}") for number in range(200)]
    under_way: list[bytes] = []
    seen: list[bytes] = []
    deepest = 0

    def take(raw: Raw) -> None:
        nonlocal deepest
        seen.append(raw.payload)
        under_way.append(raw.payload)
        deepest = max(deepest, len(under_way))
        loop.call_later(0.5, under_way.remove, raw.payload)

    ends: list[float] = []
    source = as_stamped(flood, clock=clock, depth=lambda: len(under_way), depth_max=50)
    source.subscribe(take, on_completed=lambda: ends.append(loop.time()))
    loop.run_forever()
    assert (seen, deepest) == (flood, 50)
    assert 2.5 <= ends[0] <= 2.6
