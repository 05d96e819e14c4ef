"""What a shell offers for the value of an option: symbols, settings, files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from tidegate.domain.errors import SettingsError

__all__ = ["complete_files", "complete_settings", "complete_symbols"]


def complete_symbols(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The symbols of the settings that begin with what was typed, in capitals; none where the settings are wrong."""
    from tidegate.settings import load_settings

    try:
        symbols = load_settings(_settings_path(ctx)).symbols
    except SettingsError:
        return []
    return _items(symbols, incomplete.upper())


def complete_settings(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The dotted paths of settings, each with the `=` that follows."""
    from tidegate.settings import Settings
    from tidegate.settings.paths import setting_paths

    return _items((f"{'.'.join(path)}=" for path in setting_paths(Settings)), incomplete)


def complete_files(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, as the shell knows them."""
    return [CompletionItem(incomplete, type="file")]


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _settings_path(ctx: click.Context) -> Path | None:
    path = ctx.find_root().params.get("settings_path")
    return Path(path) if path else None
