"""How long a candle lasts, in the words everybody uses: `10s`, `5m`, `1h`."""

from __future__ import annotations

import re

__all__ = ["parse_timeframe", "timeframe_for", "timeframe_text"]

_FORM = re.compile(r"([1-9][0-9]{0,3})([smhdw])")
_MOST = 9_999
_UNIT_NS = {
    unit: seconds * 1_000_000_000 for unit, seconds in zip("smhdw", (1, 60, 3_600, 86_400, 604_800), strict=True)
}


def parse_timeframe(text: str) -> int:
    """Turn `10s`, `5m`, `1h`, `1d` or `1w` into nanoseconds.

    Raises:
        ValueError: `text` is not a whole number from 1 to 9999 followed by one of s, m, h, d, w.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(
            f"timeframe must be a whole number and one of s, m, h, d, w, such as 10s, 5m or 1h, was {text!r}"
        )
    number, unit = form.groups()
    return int(number) * _UNIT_NS[unit]


def timeframe_text(timeframe_ns: int) -> str:
    """The shortest way to write a timeframe of whole seconds: `5m` for 300 seconds."""
    unit = max((unit for unit, unit_ns in _UNIT_NS.items() if not timeframe_ns % unit_ns), key=_UNIT_NS.__getitem__)
    return f"{timeframe_ns // _UNIT_NS[unit]}{unit}"


def timeframe_for(duration_ns: int) -> str:
    """The shortest timeframe that can be written and is not shorter than a duration."""
    units = (unit_ns for unit_ns in _UNIT_NS.values() if duration_ns <= _MOST * unit_ns)
    unit_ns = next(units, _UNIT_NS["w"])
    return timeframe_text(max(1, -(-duration_ns // unit_ns)) * unit_ns)
