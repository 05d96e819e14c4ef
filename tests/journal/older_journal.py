"""A journal as an older program wrote it: every event a row."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tidegate.domain.events import encode_body, kind_of
from tidegate.journal import open_journal

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA application_id = 0x7468726C;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE signal (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, content BLOB NOT NULL, raw BLOB NOT NULL, done INTEGER NOT NULL
);
CREATE INDEX signal_open ON signal (number) WHERE done = 0;
CREATE TABLE event (
    position INTEGER PRIMARY KEY, number INTEGER NOT NULL, at_ns INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX event_of ON event (number) WHERE number > 0;
CREATE TABLE snapshot (part TEXT PRIMARY KEY, position INTEGER NOT NULL, image BLOB NOT NULL) WITHOUT ROWID;
"""
NAMES = """
CREATE TABLE known_as (
    segment INTEGER NOT NULL, name INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (segment, name, number)
) WITHOUT ROWID;
CREATE TABLE sender (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""
OLDER_NAMES = """
UPDATE event SET kind = 'fill' WHERE kind = 'filled';
UPDATE event SET kind = 'order' WHERE kind = 'order_changed';
UPDATE event SET kind = 'counted' WHERE kind = 'balances_synced';
UPDATE event SET kind = 'fault', body = json_object('where', json_extract(body, '$.where'), 'error',
    json_extract(body, '$.text')) WHERE kind = 'incident';
"""


def make_older(path: Path, version: int) -> None:
    """Replace a journal of today with one of schema version 1, 2 or 3 that says the same."""
    older = path.with_suffix(".older")
    with closing(open_journal(f"sqlite:///{path}")) as reader, closing(sqlite3.connect(older)) as connection:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO meta VALUES ('mode', ?)", (reader.mode(),))
        still_open = {history.number for history in reader.open()}
        for it in reader.histories():
            row = it.number, bytes.fromhex(it.signal_id), it.content, it.raw, it.number not in still_open
            connection.execute("INSERT INTO signal VALUES (?, ?, ?, ?, ?)", row)
        for it in reader.read():
            row = it.position, it.number, it.at_ns, kind_of(it.body), encode_body(it.body).decode()
            connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", row)
        for part, it in reader.snapshots().items():
            connection.execute("INSERT INTO snapshot VALUES (?, ?, ?)", (part, it.position, it.image))
        connection.commit()
        connection.executescript((OLDER_NAMES if version < 3 else "") + (NAMES if version > 1 else ""))
        connection.execute(f"PRAGMA user_version = {version}")
    older.replace(path)
