"""Secrets: what is one, and how it is kept out of settings and screens."""

from __future__ import annotations

import re

from pydantic import JsonValue

__all__ = ["mask", "take_secrets", "variable_for"]

_VARIABLES = {
    "apikey": "API_KEY",
    "apisecret": "SECRET",
    "mnemonic": "SECRET",
    "passphrase": "PASSWORD",
    "password": "PASSWORD",
    "privatekey": "SECRET",
    "secret": "SECRET",
    "secretkey": "SECRET",
    "token": "SECRET",
    "twofa": "SECRET",
}
"""Keys that hold secrets, without case and separators, and the variable each belongs in."""


def _variable_of(key: str) -> str | None:
    return _VARIABLES.get(re.sub(r"[^a-z0-9]", "", key.lower()))


def take_secrets(value: JsonValue, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Remove every secret from `value`, at any depth, and say where they stood."""
    found: list[tuple[str, ...]] = []
    if isinstance(value, dict):
        found = [(*path, key) for key in value if _variable_of(key)]
        for *_, key in found:
            del value[key]
        for key, inner in value.items():
            found += take_secrets(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += take_secrets(inner, (*path, str(index)))
    return found


def variable_for(key: str, trader: str | None) -> str:
    """The environment variable in which a trader's secret belongs."""
    owner = "<ID>" if trader is None else trader.upper().replace("-", "_")
    return f"TIDEGATE_TRADER_{owner}_{_variable_of(key)}"


def mask(value: JsonValue) -> JsonValue:
    """The same value with its secrets starred out, those within addresses too."""
    if isinstance(value, dict):
        return {key: "***" if _variable_of(key) else mask(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask(inner) for inner in value]
    if isinstance(value, str):
        return re.sub(r"(?<=://)[^/@]+(?=@)", "***", value)
    return value
