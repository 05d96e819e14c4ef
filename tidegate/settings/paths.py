"""Where a setting is: the way to it through the sections, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticUndefined, to_jsonable_python

__all__ = ["PathStep", "PathTarget", "did_you_mean", "find_setting", "setting_paths"]


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of the way: the key, and its default."""

    key: str
    default: JsonValue


@dataclass(frozen=True, slots=True)
class PathTarget:
    """A setting: the way to it, and its type."""

    steps: tuple[PathStep, ...]
    kind: object

    @property
    def path(self) -> tuple[str, ...]:
        """Its keys, outermost first."""
        return tuple(step.key for step in self.steps)


def find_setting(model: type[BaseModel], segments: Sequence[str]) -> PathTarget | None:
    """Follow `segments` through the model; fields are found in any case, other keys are taken as they are."""
    kind: object = model
    steps: list[PathStep] = []
    for segment in segments:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            key = segment.lower()
            if key not in kind.model_fields:
                return None
            field = kind.model_fields[key]
            default = None if field.default is PydanticUndefined else to_jsonable_python(field.default)
            steps.append(PathStep(key, default))
            kind = _plain(field.annotation)
        elif get_origin(kind) is tuple and segment.isdecimal():
            steps.append(PathStep(segment, None))
            kind = _plain(get_args(kind)[0])
        elif get_origin(kind) is dict:
            steps.append(PathStep(segment, None))
            kind = _plain(get_args(kind)[1])
        else:
            return None
    return PathTarget(tuple(steps), kind)


def setting_paths(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting there is, sections included; of a list, the first entry."""
    for name, field in model.model_fields.items():
        here = (*path, name)
        yield here
        kind = _plain(field.annotation)
        if get_origin(kind) is tuple:
            here, kind = (*here, "0"), _plain(get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_paths(kind, here)


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """`, did you mean ...?` with the word nearest to the one that was written, or nothing."""
    return "".join(f", did you mean {near}?" for near in get_close_matches(word, words, n=1))


def _plain(kind: object) -> object:
    """The type without its constraints, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    arms = [arm for arm in get_args(kind) if arm is not NoneType]
    if get_origin(kind) in (Union, UnionType) and len(arms) == 1:
        return _plain(arms[0])
    return kind
