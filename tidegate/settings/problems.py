"""What is wrong with settings, in words: the setting, its place, what it must be, what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.settings.paths import did_you_mean, setting_paths
from tidegate.settings.secrets import mask
from tidegate.settings.sources import Gathered

__all__ = ["explain"]

_WORDS = {
    "dict_type": "must be an object",
    "missing": "is missing",
    "model_type": "must be an object",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list",
}


def explain(error: ValidationError, gathered: Gathered) -> Iterator[str]:
    """One line for each problem. Only plain values are repeated, never an object's or an unknown key's."""
    for detail in error.errors(include_url=False):
        path = [str(key) for key in detail["loc"]]
        if detail["type"] == "extra_forbidden":
            text = f"there is no such setting{_near(path, gathered.model)}"
        else:
            text = _in_words(detail)
        yield f"{'.'.join(path)} ({gathered.place_of(path)}): {text}"


def _in_words(detail: ErrorDetails) -> str:
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]]
    text = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if not isinstance(detail["input"], str | int | float):
        return text
    must_be, colon, why = text.partition(": ")
    return f"{must_be}, was {repr(mask(detail['input']))[:60]}{colon}{why}"


def _near(path: Sequence[str], model: type[BaseModel]) -> str:
    index = next((key for key in path if key.isdecimal()), "0")
    known = [".".join(index if key == "0" else key for key in known) for known in setting_paths(model)]
    return did_you_mean(".".join(path), known)
