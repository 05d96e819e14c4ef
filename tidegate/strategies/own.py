"""Functions of the user's own, which settings name as `module:function`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from tidegate.domain.errors import SettingsError

__all__ = ["own_function"]


def own_function(what: str, name: str) -> Callable[..., object]:
    """Import the function that `module:function` names; `what` it is goes before the name in errors.

    Raises:
        SettingsError: the module cannot be imported, or has no such function; the message says what to write.
    """
    module_name, _, function_name = name.partition(":")
    try:
        module = import_module(module_name)
    except Exception as wrong:  # the user's module may raise anything while it is imported
        raise SettingsError(
            f"{what} {name}: module {module_name!r} cannot be imported: {type(wrong).__name__}: {wrong}"
        ) from wrong
    function: Callable[..., object] | None = getattr(module, function_name, None)
    if not callable(function):
        raise SettingsError(f"{what} {name}: module {module_name!r} has no function {function_name!r}")
    return function
