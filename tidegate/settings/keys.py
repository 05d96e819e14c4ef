"""A trader's keys, from the environment or `.env`: never from settings.json."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tidegate.domain.errors import SettingsError
from tidegate.settings.sources import read_environment

__all__ = ["keys_of"]

_NAMES = ("API_KEY", "SECRET", "PASSWORD")


def keys_of(trader: str, *, environ: Mapping[str, str] = os.environ, dotenv: Path = Path(".env")) -> Mapping[str, str]:
    """The `API_KEY`, `SECRET` and `PASSWORD` of a trader, those that are set, each also through a `_FILE`.

    Raises:
        SettingsError: one is set both ways, or its file cannot be read. The message names the variable, not the key.
    """
    variables = read_environment(environ, dotenv)
    keys: dict[str, str] = {}
    for name in _NAMES:
        variable = f"TIDEGATE_TRADER_{trader.upper().replace('-', '_')}_{name}"
        said, _ = variables.get(variable, ("", ""))
        file, _ = variables.get(f"{variable}_FILE", ("", ""))
        if said and file:
            raise SettingsError(f"{variable} and {variable}_FILE are both set: set one of them")
        if file:
            try:
                said = Path(file).read_text("utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{variable}_FILE: {file} cannot be read: {error.strerror}") from None
        if said:
            keys[name] = said
    return keys
