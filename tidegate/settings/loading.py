"""Reading settings, once, at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue, ValidationError

from tidegate.domain.errors import SettingsError
from tidegate.settings.model import Settings
from tidegate.settings.problems import explain
from tidegate.settings.secrets import take_secrets, variable_for
from tidegate.settings.sources import Gathered, read_environment, read_file

__all__ = ["DEFAULT_PATH", "load_settings"]

DEFAULT_PATH = Path("settings.json")
DOTENV_PATH = Path(".env")
_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


def load_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] = _NO_OVERRIDES,
    dotenv: Path = DOTENV_PATH,
) -> Settings:
    """Read the settings: `overrides` (by dotted path) win over `environ`, it over `dotenv`, that over the file.

    Without a path, settings.json is read where there is one. Lists and objects are replaced as a whole; an entry of
    one can be set by its index or key.

    Raises:
        SettingsError: the message names everything that is wrong at once, each with its place and what it must be.
    """
    file = path or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)
    gathered = Gathered(Settings, {}, {}) if file is None else Gathered(Settings, read_file(file), {(): str(file)})
    variables = read_environment(environ, dotenv)
    for name, (text, place) in variables.items():
        gathered.take_variable(name, text, place)
    for dotted, text in overrides.items():
        gathered.take_override(dotted, text)
    problems = [*gathered.problems, *_secrets(gathered)]
    if gathered.data.get("mode") == "live" and variables.get("TIDEGATE_ALLOW_LIVE", ("", ""))[0] != "1":
        place = gathered.place_of(["mode"])
        problems.append(f"mode ({place}): live trades with real money, and needs TIDEGATE_ALLOW_LIVE=1")
    try:
        settings = Settings.model_validate(gathered.data)
    except ValidationError as error:
        problems += explain(error, gathered)
    if problems:
        count = "one setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        raise SettingsError("\n  ".join([f"{count} wrong:", *problems]))
    return settings


def _secrets(gathered: Gathered) -> list[str]:
    found = take_secrets(gathered.data)
    return [
        f"{'.'.join(path)} ({gathered.place_of(path)}): a secret must not be in settings, "
        f"put it into .env or the environment as {variable_for(path[-1], _owner(gathered.data, path))}"
        for path in found
    ]


def _owner(data: dict[str, JsonValue], path: tuple[str, ...]) -> str | None:
    traders = data.get("traders")
    if path[0] != "traders" or not isinstance(traders, list):
        return None
    trader = traders[int(path[1])]
    name = trader.get("id", "paper") if isinstance(trader, dict) else None
    return name if isinstance(name, str) else None
