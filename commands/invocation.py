"""What every command is told: which settings, which journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from adapters.sqlite_journal import SqliteReader
    from settings import Settings

__all__ = ["Invocation", "journal_option", "json_option"]

_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})

journal_option = click.option("--journal", metavar="FILE|URL", help="The journal to read, instead of the settings'.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dataclass(frozen=True, slots=True)
class Invocation:
    """How the program was called. Without a path, settings.json is read where there is one."""

    settings_path: Path | None = None

    def settings(self, overrides: Mapping[str, str] = _NO_OVERRIDES) -> Settings:
        """Read the settings; `overrides`, by dotted path, win over them.

        Raises:
            SettingsError: something in them is wrong.
        """
        from settings import load_settings

        return load_settings(self.settings_path, overrides=overrides)

    def reader(self, journal: str | None) -> SqliteReader:
        """Open the journal at a path or URL for reading, or the one of the settings. Whoever asks closes it.

        Raises:
            SettingsError: the settings are wrong, or it is no such URL.
            JournalRefused: there is none, or it cannot be read by this program.
        """
        from adapters.sqlite_journal import SqliteReader

        return SqliteReader(self.journal_url(journal))

    def journal_url(self, journal: str | None) -> str:
        """The URL of the journal at a path or URL, or of the one of the settings.

        Raises:
            SettingsError: the settings are wrong.
        """
        if journal is None:
            return self.settings().journal.url
        return journal if "://" in journal else f"sqlite:///{journal}"
