"""Where settings come from: a file, `.env`, the environment, the command line. Later ones win."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, get_origin

from dotenv import dotenv_values
from pydantic import BaseModel, JsonValue

from tidegate.domain.errors import SettingsError
from tidegate.settings.paths import PathStep, PathTarget, did_you_mean, find_setting, setting_paths
from tidegate.settings.values import Parameter

__all__ = ["Gathered", "read_environment", "read_file"]

_PREFIX, _OLD_PREFIX = "TIDEGATE_", "THROUGHLINE_"
_KEYS = ["TIDEGATE_TRADER_<ID>_API_KEY", "TIDEGATE_TRADER_<ID>_SECRET", "TIDEGATE_TRADER_<ID>_PASSWORD"]
_NOT_SETTINGS = ["TIDEGATE_ALLOW_LIVE", "TIDEGATE_LOG", "TIDEGATE_SKIP_PERMISSION_CHECK"]
_OURS_BUT_NO_SETTING = re.compile(
    "|".join([*_NOT_SETTINGS, *(f"{key}(_FILE)?" for key in _KEYS)]).replace("<ID>", "[A-Z0-9_]+")
)


def read_environment(environ: Mapping[str, str], dotenv: Path) -> dict[str, tuple[str, str]]:
    """Our variables, also by their old prefix, each with its value and place; the environment wins over `dotenv`."""
    from_file = dotenv_values(dotenv, interpolate=False) if dotenv.is_file() else {}
    found = {name: (value or "", f"{name} in {dotenv}") for name, value in from_file.items()}
    found |= {name: (value, name) for name, value in environ.items()}
    return {name: found[name] for name in sorted(found) if name.startswith((_PREFIX, _OLD_PREFIX))}


def read_file(path: Path) -> dict[str, JsonValue]:
    """The object in a JSON file, without its `$schema`.

    Raises:
        SettingsError: it cannot be read, is not JSON (the message names line and column), or names a key twice.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_refuse, object_pairs_hook=_each_key_once)
    except json.JSONDecodeError as wrong:
        raise SettingsError(f"{path}, line {wrong.lineno}, column {wrong.colno}: {wrong.msg}") from None
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else wrong
        raise SettingsError(f"{path} cannot be read: {why}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold an object: {{ ... }}")
    content.pop("$schema", None)
    return content


@dataclass(slots=True)
class Gathered:
    """What the sources said so far: the data, the place each part came from, and what was wrong with it."""

    model: type[BaseModel]
    data: dict[str, JsonValue]
    places: dict[tuple[str, ...], str]
    problems: list[str] = field(default_factory=list)

    def take_variable(self, name: str, text: str, place: str) -> None:
        """Take one of our environment variables; those that are no settings are read elsewhere."""
        if name.startswith(_OLD_PREFIX):
            self._refuse_old(name, place)
            return
        if _OURS_BUT_NO_SETTING.fullmatch(name):
            return
        target = find_setting(self.model, name.removeprefix(_PREFIX).split("__"))
        if target is None:
            known = [_PREFIX + "__".join(path).upper() for path in setting_paths(self.model)]
            near = did_you_mean(name, [*known, *_KEYS, *_NOT_SETTINGS])
            self.problems.append(f"{place}: there is no such setting{near}")
        else:
            self._take(target, text, place)

    def take_override(self, dotted: str, text: str) -> None:
        """Take a setting named by its dotted path, as `--set` has it."""
        target = find_setting(self.model, dotted.split("."))
        if target is None:
            near = did_you_mean(dotted, [".".join(path) for path in setting_paths(self.model)])
            self.problems.append(f"{dotted} (--set): there is no such setting{near}")
        else:
            self._take(target, text, "--set")

    def place_of(self, path: Sequence[str]) -> str:
        """Where the value at `path` came from."""
        ways = [tuple(path[:length]) for length in range(len(path), -1, -1)]
        return next((self.places[way] for way in ways if way in self.places), "default")

    def _refuse_old(self, name: str, place: str) -> None:
        """Refuse a variable of an older version, which would otherwise be without effect; others' are left alone."""
        path = name.removeprefix(_OLD_PREFIX)
        renamed = _PREFIX + path
        if _OURS_BUT_NO_SETTING.fullmatch(renamed) or find_setting(self.model, path.split("__")):
            self.problems.append(f"{place}: rename it to {renamed}: the prefix has changed")

    def _take(self, target: PathTarget, text: str, place: str) -> None:
        name = ".".join(target.path)
        try:
            value = _understand(text, target.kind)
        except ValueError:
            self.problems.append(f"{name} ({place}): must be JSON")
            return
        if _put(self.data, target.steps, value):
            self.places[target.path] = place
        else:
            self.problems.append(f"{name} ({place}): there is no such entry to change")


def _understand(text: str, kind: object) -> JsonValue:
    """Text as its setting means it: objects, lists and null are JSON, a list may also be separated by commas."""
    if text == "null" or text.startswith(("[", "{")):
        return _json(text)
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (JsonValue, Parameter):
        try:
            return _json(text)
        except ValueError:
            return text
    return text


def _put(node: JsonValue, steps: Sequence[PathStep], value: JsonValue) -> bool:
    """Set `value` at the end of the steps; what is missing on the way there starts from its default."""
    step, *rest = steps
    if isinstance(node, list) and int(step.key) < len(node):
        if rest:
            return _put(node[int(step.key)], rest, value)
        node[int(step.key)] = value
        return True
    if isinstance(node, dict):
        if rest:
            return _put(node.setdefault(step.key, {} if step.default is None else step.default), rest, value)
        node[step.key] = value
        return True
    return False


def _json(text: str) -> JsonValue:
    value: JsonValue = json.loads(text, parse_constant=_refuse, object_pairs_hook=_each_key_once)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _each_key_once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)} is given twice")
    return content
