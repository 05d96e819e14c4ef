"""Journals of schema versions 1 to 3 become journals of today: all of it, or nothing."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.journal_of_a_million import written
from tests.journal.older_journal import make_older
from tidegate.domain.digest import digest_of
from tidegate.domain.events import Resumed
from tidegate.domain.ports import Conflict, Item, NewSignal
from tidegate.journal import open_journal, url_of, verify, write_journal
from tidegate.journal.sqlite_schema import SCHEMA_VERSION

ROOT = Path(__file__).parents[2]


def everything_in(path: Path) -> tuple[object, ...]:
    """All that a reader gives."""
    with closing(open_journal(url_of(str(path)))) as journal:
        return (
            journal.mode(),
            journal.head(),
            journal.snapshots(),
            list(journal.read()),
            list(journal.histories()),
            [history.number for history in journal.open()],
            digest_of(journal.read()),
        )


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version


@pytest.mark.parametrize("version", [2, 3])
def test_a_converted_journal_says_what_it_said(tmp_path, version):
    path = written(tmp_path, closed=700, waiting=30)
    before = everything_in(path)
    make_older(path, version)
    assert everything_in(path) == before
    assert version_of(path) == version
    write_journal(url_of(str(path)), mode="paper").close()
    assert version_of(path) == SCHEMA_VERSION
    assert everything_in(path) == before
    assert verify(url_of(str(path))).wrong == ()


def test_the_same_signal_is_known_after_the_conversion_and_positions_go_on(tmp_path):
    path = written(tmp_path, closed=3, waiting=1)
    with closing(open_journal(url_of(str(path)))) as journal:
        history, head = next(journal.histories()), journal.head()
    make_older(path, 3)
    with closing(write_journal(url_of(str(path)), mode="paper")) as journal:
        again = Item(1, (Resumed(),), new=NewSignal(history.signal_id, history.content, history.raw))
        conflict, new = asyncio.run(journal.commit([again, Item(1, (Resumed(),))], {}))
        assert conflict == Conflict(history.number, same_content=True)
        assert new.events[0].position == head + 1


def test_a_gap_in_the_positions_stays(tmp_path):
    path = written(tmp_path, closed=10, waiting=0)
    make_older(path, 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM event WHERE position = 1")
        connection.execute(
            "UPDATE event SET position = position + 5 WHERE position = (SELECT max(position) FROM event)"
        )
        positions = [position for (position,) in connection.execute("SELECT position FROM event ORDER BY position")]
    write_journal(url_of(str(path)), mode="paper").close()
    with closing(open_journal(url_of(str(path)))) as journal:
        assert [event.position for event in journal.read()] == positions
    assert verify(url_of(str(path))).wrong == ()


@pytest.mark.slow
def test_a_conversion_killed_at_any_moment_loses_nothing(tmp_path):
    path = written(tmp_path, closed=20_000, waiting=100)
    before = everything_in(path)
    make_older(path, 3)
    program = f"from tidegate.journal import write_journal; write_journal({url_of(str(path))!r}, mode='paper').close()"
    command = [sys.executable, "-c", program]
    killed = 0
    for delay_s in (0.3, 0.5, 0.7, 0.9, 1.1, 1.4):
        process = subprocess.Popen(command, cwd=ROOT)
        log = Path(f"{path}-wal")
        ends_at = time.monotonic() + 60
        while process.poll() is None and not (log.exists() and log.stat().st_size > 100_000):
            assert time.monotonic() < ends_at
            time.sleep(0.005)
        time.sleep(delay_s - 0.3)  # somewhere between its first page and its last
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
        if version_of(path) == SCHEMA_VERSION:
            break
    assert killed
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert version_of(path) == SCHEMA_VERSION
    assert everything_in(path) == before
    assert verify(url_of(str(path))).wrong == ()
