"""The journal, opened by its URL. That it is kept in SQLite is known in this room only."""

from tidegate.journal.opening import WritableJournal, open_journal, path_of, url_of, write_journal
from tidegate.journal.sqlite_checkup import Checkup, examine, writer_of

__all__ = ["Checkup", "WritableJournal", "examine", "open_journal", "path_of", "url_of", "write_journal", "writer_of"]
