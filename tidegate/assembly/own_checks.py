"""Checks of the user's own, as `validation.checks` names them."""

from __future__ import annotations

from typing import cast

from operators import screen
from operators.screen import Stage
from tidegate.domain.errors import SettingsError
from tidegate.domain.verdict import Check
from tidegate.strategies import own_function

__all__ = ["own_check"]


def own_check(name: str) -> Stage:
    """The stage that puts signals to the check that `module:function` names; refusals call it by that name.

    Raises:
        SettingsError: the module cannot be imported, has no such function, or that is no check.
    """
    function = own_function("validation.checks", name)
    try:
        return screen(cast("Check", function), name=name)
    except TypeError as wrong:
        raise SettingsError(f"validation.checks {name}: {wrong}") from wrong
