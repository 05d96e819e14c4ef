"""Hours of the week, UTC: when entries may be made."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["HOURS_PATTERN", "Hours", "read_hours", "week_time"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_MINUTE_NS = 60_000_000_000
_EPOCH_DAY = 3  # 1 January 1970 was a Thursday

_ONE = "|".join(_DAYS)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
HOURS_PATTERN = rf"(?:(?:{_ONE})(?:-(?:{_ONE}))? )?{_CLOCK}-(?:{_CLOCK}|24:00)"
"""`08:00-20:00`, `Mon-Fri 08:00-20:00`, `Sat 22:00-02:00`."""


class Hours(Struct, frozen=True):
    """A window of time on some days of the week, `text` as it was written; `days` are those on which it begins, Monday
    0, `begins` and `ends` minutes of the day, UTC. One that ends before it begins ends the day after."""

    text: str
    days: frozenset[int]
    begins: int
    ends: int

    def cover(self, at_ns: int) -> bool:
        """Whether a moment, in nanoseconds UTC, lies in the window: its first minute does, its end does not."""
        minute = _minute_of_week(at_ns)
        lasts = (self.ends - self.begins) % _DAY or _DAY
        return any((minute - day * _DAY - self.begins) % _WEEK < lasts for day in self.days)


def week_time(at_ns: int) -> str:
    """A moment in nanoseconds UTC as `Thu 00:00 UTC`."""
    day, minute = divmod(_minute_of_week(at_ns), _DAY)
    return f"{_DAYS[day]} {minute // 60:02d}:{minute % 60:02d} UTC"


def _minute_of_week(at_ns: int) -> int:
    return (at_ns // _MINUTE_NS + _EPOCH_DAY * _DAY) % _WEEK


def read_hours(text: str) -> Hours:
    """The window that a text of `HOURS_PATTERN` names.

    Raises:
        ValueError: it begins and ends at the same time.
    """
    *named, span = text.split(" ")
    begins, ends = (int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-"))
    if begins == ends:
        raise ValueError("must not end when it begins: 00:00-24:00 is the whole day")
    first, _, last = (named[0] if named else "Mon-Sun").partition("-")
    start = _DAYS.index(first)
    count = (_DAYS.index(last or first) - start) % 7 + 1
    return Hours(text, frozenset((start + day) % 7 for day in range(count)), begins, ends)
