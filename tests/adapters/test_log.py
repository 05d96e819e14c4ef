import json
from pathlib import Path

import pytest
from loguru import logger

from adapters.log import log_events, set_up
from domain import events as e
from domain.errors import SettingsError
from domain.reasons import Reason


@pytest.fixture
def log(tmp_path):
    """Sets logging up over a file of the test's own; `shown` is what the terminal shows."""

    class Log:
        file = tmp_path / "logs" / "log.jsonl"

        def __init__(self):
            self.shown = []

        def begin(self, level="INFO", environ=(), rotation="20 MB", retention=5, file=file):
            return set_up(
                level=level,
                json_file=str(file),
                rotation=rotation,
                retention=retention,
                environ=dict(environ),
                show=self.shown.append,
            )

        def records(self):
            return [json.loads(line)["record"] for line in self.file.read_text().splitlines()]

    yield Log()
    logger.remove()


def recorded(body, number=0, signal_id=""):
    return e.Recorded(position=1, number=number, signal_id=signal_id, at_ns=0, body=body)


EVENTS = [
    recorded(e.Redelivered(), number=7, signal_id="abc"),
    recorded(e.Faulted(where="strategy x", error="ValueError: two\nlines")),
    recorded(e.Halted(reduce_only=False, why="lunch")),
    recorded(e.TurnedAway(count=3, reason=Reason.DOOR_FULL)),
    recorded(e.Gap(where="market data", silent_s=20.0)),
    recorded(e.Resumed()),
]
WARNINGS = ["strategy x: ValueError: two lines", "halted: lunch", "3 signals were turned away: door_full",
            "market data: no news for 20 s"]  # fmt: skip


def test_what_needs_somebody_is_a_warning_in_one_line_and_a_signal_costs_none(log):
    log_events(detailed=log.begin())(EVENTS)
    assert [line.split(maxsplit=2)[1:] for line in log.shown] == [["WARNING", f"{said}\n"] for said in WARNINGS]
    assert [record["message"] for record in log.records()] == WARNINGS


def test_at_debug_every_step_is_told_with_the_id_of_its_signal(log):
    log_events(detailed=log.begin("DEBUG"))(EVENTS)
    first, *_, last = log.records()
    assert (first["message"], first["extra"]) == ("abc redelivered {}", {"signal_id": "abc"})
    assert (last["message"], last["extra"]) == ("pipeline resumed {}", {})
    assert len(log.records()) == len(log.shown) == len(EVENTS)


def test_a_higher_level_silences_warnings(log):
    log_events(detailed=log.begin("ERROR"))(EVENTS)
    assert log.shown == log.records() == []


@pytest.mark.parametrize("off", ["off", "OFF"])
def test_it_can_be_turned_off(log, off):
    log_events(detailed=log.begin("DEBUG", {"THROUGHLINE_LOG": off}))(EVENTS)
    assert log.shown == []
    assert not log.file.exists()


def test_the_file_is_rotated_and_old_ones_are_removed(log):
    watch = log_events(detailed=log.begin("DEBUG", rotation="10 KB", retention=2))
    for _ in range(20):
        watch(EVENTS)
    files = list(log.file.parent.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size <= 10_000 for file in files)


def test_a_file_that_cannot_be_written_is_named(log, tmp_path):
    with pytest.raises(SettingsError, match=r"logging\.json_file: .* cannot be written: Is a directory"):
        log.begin(file=Path(tmp_path))
