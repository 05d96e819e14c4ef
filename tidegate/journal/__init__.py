"""The journal, opened by its URL. That it is kept in SQLite is known in this room only."""

from tidegate.journal.opening import WritableJournal, open_journal, path_of, url_of, write_journal
from tidegate.journal.sqlite_checkup import Checkup, examine, writer_of
from tidegate.journal.sqlite_verification import Verification, verify

__all__ = [
    "Checkup",
    "Verification",
    "WritableJournal",
    "examine",
    "open_journal",
    "path_of",
    "url_of",
    "verify",
    "write_journal",
    "writer_of",
]
