"""Opening a journal by its URL. Which storage a URL names is decided here."""

from __future__ import annotations

from typing import Protocol

from tidegate.domain.ports import Journal, JournalReader
from tidegate.journal.sqlite_file import path_of
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader

__all__ = ["WritableJournal", "open_journal", "path_of", "url_of", "write_journal"]


class WritableJournal(JournalReader, Journal, Protocol):
    """A journal opened for writing."""

    @property
    def is_durable(self) -> bool:
        """Whether what was answered as committed survives a power cut."""
        ...

    def copy(self) -> bytes:
        """The whole journal, as the file of one to which nothing was written since."""
        ...

    def abandon(self) -> None:
        """Close it as a dying process does: what is not committed is gone. Harmless when it is closed."""
        ...


def open_journal(url: str) -> JournalReader:
    """Open the journal at `url`, such as `sqlite:///data/journal.db`, for reading. The caller closes it.

    A pipeline may write it meanwhile; everything read is what was committed at that moment.

    Raises:
        SettingsError: it is not the URL of a journal; the message says what one looks like.
        JournalRefused: there is none, or this program cannot read it.
    """
    return SqliteReader(url)


def write_journal(
    url: str,
    *,
    mode: str,
    synchronous: str = "full",
    batches_together: int = 1,
    world: str | None = None,
) -> WritableJournal:
    """Open the journal at `url` for writing, and create it where there is none. One writer at a time.

    `mode` (paper, live, replay) and `world`, the market whose prices decide its orders, are kept in the journal;
    opening it with others is refused. `synchronous` is full or normal. With `batches_together` above 1 only every so
    many batches reach the file, the last ones on `close`: for replays, which start over when they die.

    Raises:
        SettingsError: it is not the URL of a journal; the message says what one looks like.
        JournalRefused: another process writes it, or it must not be written: another mode or world, a newer or damaged
            file.
    """
    return SqliteJournal(url, mode=mode, synchronous=synchronous, batches_together=batches_together, world=world)


def url_of(path: str) -> str:
    """The URL of the journal at a path; a URL is returned as it is."""
    return path if "://" in path else f"sqlite:///{path}"
