"""Strategies by name: the built-in ones, and the user's own as `module:function`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import cast

from tidegate.domain.errors import SettingsError
from tidegate.strategies.breakout import trade_breakout
from tidegate.strategies.ema_cross import trade_ema_cross
from tidegate.strategies.idea import Strategy
from tidegate.strategies.own import own_function
from tidegate.strategies.rsi_reversion import trade_rsi_reversion

__all__ = ["BUILT_IN", "load"]

BUILT_IN: Mapping[str, Callable[..., Strategy]] = MappingProxyType(
    {"breakout": trade_breakout, "ema_cross": trade_ema_cross, "rsi_reversion": trade_rsi_reversion}
)


def load(name: str, params: Mapping[str, object]) -> Callable[[], Strategy]:
    """Find a strategy and give a factory of fresh instances of it, each for one symbol.

    `name` is a built-in one, or `module:function`, where `function(**params)` gives a `Strategy`. One instance is made
    here, and thrown away, to see that `params` fit.

    Raises:
        SettingsError: there is no such strategy, module or function, or `params` do not fit.
    """
    make = cast("Callable[..., Strategy]", own_function("strategy", name)) if ":" in name else _built_in(name)
    fixed = dict(params)

    def fresh() -> Strategy:
        return make(**fixed)

    try:
        inspect.signature(make).bind(**fixed)
    except TypeError as wrong:
        takes = ", ".join(inspect.signature(make).parameters) or "none"
        raise SettingsError(f"strategy {name}: {wrong}; its parameters are: {takes}") from wrong
    try:
        strategy = fresh()
    except Exception as wrong:
        raise SettingsError(f"strategy {name} with {fixed}: {_in_words(wrong)}") from wrong
    if not callable(strategy):
        raise SettingsError(f"strategy {name} must give a function of a candle, gave {strategy!r}")
    return fresh


def _built_in(name: str) -> Callable[..., Strategy]:
    if name in BUILT_IN:
        return BUILT_IN[name]
    close = get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {close[0]}?" if close else f"built in are {', '.join(BUILT_IN)}; your own is module:function"
    raise SettingsError(f"strategy {name} is unknown; {hint}")


def _in_words(wrong: Exception) -> str:
    return str(wrong) if type(wrong) is ValueError else f"{type(wrong).__name__}: {wrong}"
