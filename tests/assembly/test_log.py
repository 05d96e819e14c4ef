import json
from pathlib import Path

import pytest
from loguru import logger

from tidegate.assembly.log import log_events, log_line, set_up
from tidegate.domain import events as e
from tidegate.domain.difference import DifferenceKind, difference
from tidegate.domain.errors import SettingsError
from tidegate.domain.incident import IncidentKind, Severity
from tidegate.insight.event_lines import EventLine


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
    recorded(e.Incident.of(IncidentKind.FEED_FAILED, "strategy x", "ValueError: two\nlines")),
    recorded(e.Halted(reduce_only=False, why="lunch")),
    recorded(e.Resumed()),
]
FAULT = "strategy x: ValueError: two lines"


@pytest.mark.parametrize("severity", Severity)
def test_an_incident_is_logged_at_the_level_of_its_severity(log, severity):
    log_events(detailed=log.begin())(
        [recorded(e.Incident(kind=IncidentKind.FEED_FAILED, severity=severity, where="a", text="b"))]
    )
    assert [(record["level"]["name"], record["message"]) for record in log.records()] == [(severity.upper(), "a: b")]


def test_differences_are_logged_like_incidents(log):
    missing = difference("main", DifferenceKind.MISSING, "o1", "open", "nowhere")
    log_events(detailed=log.begin())([recorded(e.Differed.of((missing,)))])
    (record,) = log.records()
    assert record["level"]["name"] == "ERROR"
    assert record["message"].startswith("reconciliation with main: missing: o1: ours open, theirs nowhere; ")


def test_a_fault_is_a_warning_in_one_line_and_other_events_cost_none(log):
    log_events(detailed=log.begin())(EVENTS)
    assert [line.split(maxsplit=2)[1:] for line in log.shown] == [["WARNING", f"{FAULT}\n"]]
    assert [record["message"] for record in log.records()] == [FAULT]


def test_lines_are_in_the_file_and_on_the_terminal_where_somebody_should_look(log):
    log.begin()
    for line in (EventLine(0, "placed {x}"), EventLine(0, "halted: lunch", is_warning=True)):
        log_line(line)
    assert [line.split(maxsplit=1)[1] for line in log.shown] == ["WARNING halted: lunch\n"]
    assert [(record["level"]["name"], record["message"]) for record in log.records()] == [
        ("INFO", "placed {x}"),
        ("WARNING", "halted: lunch"),
    ]


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
    log_events(detailed=log.begin("DEBUG", {"TIDEGATE_LOG": off}))(EVENTS)
    assert log.shown == []
    assert not log.file.exists()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_file_is_rotated_and_old_ones_are_removed(log, kept):
    log.begin("DEBUG", rotation="10 KB", retention=kept)
    for number in range(60):
        log_line(EventLine(0, f"{number}"))
    names = ["log.jsonl", "log.1.jsonl", "log.2.jsonl"][: kept + 1]
    assert {file.name for file in log.file.parent.iterdir()} == set(names)
    files = [log.file.with_name(name) for name in names]
    assert all(0 < file.stat().st_size <= 10_000 for file in files)
    told = [int(json.loads(line)["record"]["message"]) for file in files[::-1] for line in file.open()]
    assert told == list(range(told[0], 60))


def test_the_log_is_for_its_owner_only(log):
    log.begin()
    assert (log.file.stat().st_mode & 0o777, log.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_full_disk_ends_no_program_and_is_told_once(log):
    log.begin(file=Path("/dev/full"))
    for _ in range(3):
        log_line(EventLine(0, "placed"))
    (told,) = log.shown
    assert told.startswith("the log /dev/full cannot be written: the disk is full: ")


def test_handlers_that_others_gave_to_loguru_stay_and_ours_are_there_once(log):
    heard = []
    theirs = logger.add(heard.append, format="{message}")
    log.begin()
    log.begin()
    log_line(EventLine(0, "halted", is_warning=True))
    assert (len(log.shown), heard) == (1, ["halted\n"])
    log.begin(environ={"TIDEGATE_LOG": "off"})
    log_line(EventLine(0, "halted again", is_warning=True))
    assert (len(log.shown), heard) == (1, ["halted\n", "halted again\n"])
    logger.remove(theirs)


def test_text_that_no_file_takes_is_written_out(log):
    log.begin()
    log_line(EventLine(0, "f\udcfcr"))
    assert log.records()[0]["message"].replace("\\udcfc", "\udcfc") == "f\udcfcr"


def test_a_file_that_cannot_be_written_is_named(log, tmp_path):
    with pytest.raises(SettingsError, match=r"logging\.json_file: .* cannot be written: Is a directory"):
        log.begin(file=Path(tmp_path))
