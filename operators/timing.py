"""Operators that need the clock: without it, an error that says which one to pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from tidegate.clock import Clock

__all__ = ["timed"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_HINT = "the clock of a Replay (day.clock), of Marbles (m.clock) or of the running pipeline"


def timed(operator: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have an operator that takes `clock=` say which clock to pass, where it is called without one or with another
    scheduler.

    Raises:
        TypeError: at the call, when `clock` is missing or is no `tidegate.clock.Clock`.
    """

    signature = inspect.signature(operator)

    @wraps(operator)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        given = signature.bind_partial(*args, **kwargs).arguments
        if not isinstance(given.get("clock"), Clock):
            wrong = f"must be a tidegate.clock.Clock, was {given['clock']!r}" if "clock" in given else "is missing"
            raise TypeError(f"{operator.__name__}(): clock {wrong}; pass {_HINT}")
        return operator(*args, **kwargs)

    return checked
