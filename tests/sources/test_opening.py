"""A source of signals, opened by its name."""

import json
import os
import sys

import pytest

from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.errors import SettingsError
from tidegate.sources import open_source

START_NS = 1_700_000_000_000_000_000


def line(second):
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "key": str(second)}
    return json.dumps({**said, "timestamp": START_NS // 1_000_000 + second * 1000}).encode()


def received(loop, clock, source, depth_max=10):
    """What a source emits, each with the second at which it came, until it completes."""
    seen, ended = [], []
    source.signals(lambda: 0, depth_max).subscribe(
        lambda raw: seen.append(((clock.now_ns() - START_NS) // 1_000_000_000, raw.payload)),
        on_completed=lambda: ended.append(True),
    )
    loop.advance(100)
    assert ended == [True]
    return seen


@pytest.fixture
def loop():
    return VirtualLoop()


@pytest.fixture
def clock(loop):
    return Clock.simulated(loop, START_NS)


def test_a_file_is_read_at_once_with_the_numbers_of_its_lines(tmp_path, loop, clock):
    path = tmp_path / "signals.jsonl"
    path.write_bytes(line(7) + b"\n\n" + line(3) + b"\n")
    source = open_source(str(path), clock=clock)
    assert [at_s for at_s, _ in received(loop, clock, source)] == [0, 0]
    assert (source.name, next(source.numbers), next(source.numbers)) == (str(path), 1, 3)


def test_a_recorded_file_is_read_at_its_timestamps(tmp_path, loop, clock):
    path = tmp_path / "signals.jsonl"
    path.write_bytes(line(7) + b"\n" + line(3) + b"\n")
    assert received(loop, clock, open_source(str(path), clock=clock, recorded=True)) == [(3, line(3)), (7, line(7))]


def test_a_file_that_is_not_there_is_an_error_when_it_is_opened(tmp_path, clock):
    with pytest.raises(SettingsError, match=r"none\.jsonl cannot be read: No such file"):
        open_source(str(tmp_path / "none.jsonl"), clock=clock)


def test_a_dash_is_standard_input(monkeypatch, clock):
    ours, theirs = os.pipe()
    with open(ours, "rb") as stdin, open(theirs, "wb") as out:  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stdin", stdin)
        source = open_source("-", clock=clock)
        out.write(b"x")
    assert (source.name, next(source.numbers), next(source.numbers)) == ("standard input", 1, 2)
