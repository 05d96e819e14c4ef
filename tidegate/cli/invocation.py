"""What every command is given: settings and a journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from tidegate.cli.completers import complete_files, complete_settings

if TYPE_CHECKING:
    from tidegate.domain.ports import JournalReader
    from tidegate.settings import Settings

__all__ = ["Invocation", "journal_option", "json_option", "program", "set_option", "settings_by_path"]

_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})

journal_option = click.option(
    "--journal",
    metavar="FILE|URL",
    shell_complete=complete_files,
    help="Journal to read; default: the settings'.",
)
set_option = click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=complete_settings,
    help="Override a setting for this call; repeatable.",
)
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
        from tidegate.settings import load_settings

        return load_settings(self.settings_path, overrides=overrides)

    def settings_file(self) -> Path | None:
        """The file that the settings are read from; None where there is none, and the defaults hold."""
        from tidegate.settings.loading import DEFAULT_PATH

        return self.settings_path or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)

    def reader(self, journal: str | None) -> JournalReader:
        """Open the journal at a path or URL for reading, or the one of the settings. The caller closes it.

        Raises:
            SettingsError: the settings are wrong, or it is no such URL.
            JournalRefused: there is none, or it cannot be read by this program.
        """
        from tidegate.journal import open_journal

        return open_journal(self.journal_url(journal))

    def journal_url(self, journal: str | None) -> str:
        """The URL of the journal at a path or URL, or of the one of the settings.

        Raises:
            SettingsError: the settings are wrong.
        """
        if journal is None:
            return self.settings().journal.url
        from tidegate.journal import url_of

        return url_of(journal)


def program() -> str:
    """How this program was called: `tidegate`, `python run.py`, `python -m tidegate`."""
    return click.get_current_context().find_root().info_name or "tidegate"


def settings_by_path(changes: Sequence[str]) -> dict[str, str]:
    """What `--set` was given, by dotted path.

    Raises:
        click.UsageError: one is no KEY=VALUE.
    """
    pairs = [change.partition("=") for change in changes]
    for key, separator, _ in pairs:
        if not separator:
            raise click.UsageError(f"--set takes KEY=VALUE, such as execution.interval_s=5, was {key}")
    return {key.strip(): value for key, _, value in pairs}
