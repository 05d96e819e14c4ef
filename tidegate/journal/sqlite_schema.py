"""What a journal's file is made of."""

from __future__ import annotations

import sqlite3
from zlib import crc32

__all__ = ["APPLICATION_ID", "BLOCK_BITS", "SCHEMA_VERSION", "SEGMENT_BITS", "create", "name_hash"]

SCHEMA_VERSION = 4
"""Up to 3 an event was a row; `older_journals` converts those."""
APPLICATION_ID = 0x7468726C  # "thrl", so that `file` and we ourselves know a journal from another database

SEGMENT_BITS = 18
BLOCK_BITS = 5

TABLES = """
CREATE TABLE commits (
    position INTEGER PRIMARY KEY, version INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE identity_young (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE identity_older (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE identity_old (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIEW identity AS
    SELECT * FROM identity_young UNION ALL SELECT * FROM identity_older UNION ALL SELECT * FROM identity_old;
CREATE TABLE touched (
    block INTEGER NOT NULL, position INTEGER NOT NULL, numbers INTEGER NOT NULL, PRIMARY KEY (block, position)
) WITHOUT ROWID;
CREATE TABLE open_signal (number INTEGER PRIMARY KEY);
CREATE TABLE known_as (
    segment INTEGER NOT NULL, name INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (segment, name, number)
) WITHOUT ROWID;
CREATE TABLE known_as_young (
    segment INTEGER NOT NULL, name INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (segment, name, number)
) WITHOUT ROWID;
CREATE TABLE sender (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""
"""`commits` has the records, each under the position of its last event, with the hash of it and all before it. The
other tables lead to them.

Ids and names are hashes, so that each new one would dirty another page of a large index, and a page costs more than all
else of a signal. They are written into small tables therefore, and moved on in order, many to a page: see
`sqlite_settling`. An id is in one of the three tables.

`touched` says which later commits have events of a signal: a row has a bit for each of 32 neighbouring numbers, since
those are mostly written together. `known_as` has hashes of its orders' ids, ours and the venue's, and of keys from
which no id follows; whoever looks a name up must look at the signals it leads to. It is in segments, by position, each
small enough to be written at once. `sender` has the sources: with a key, each gives an id.
"""

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshot (part TEXT PRIMARY KEY, position INTEGER NOT NULL, image BLOB NOT NULL) WITHOUT ROWID;
{TABLES}
"""


def name_hash(name: str) -> int:
    """The hash of a name in `known_as`."""
    return crc32(name.encode(errors="replace"))


def create(connection: sqlite3.Connection, schema: str = _SCHEMA) -> None:
    """Make the tables of a new journal, or only those named. In a transaction, if the caller began one."""
    for statement in schema.split(";"):  # `executescript` would commit first
        connection.execute(statement)
