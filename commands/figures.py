"""Numbers as they stand on a screen: short, aligned, without exponents."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["age", "count", "duration", "money", "plain"]


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def plain(number: Decimal) -> str:
    """`64,123.5`: no more decimals than it has."""
    return f"{number.normalize():,f}"


def money(amount: Decimal, of: Decimal) -> str:
    """`+12.34`: a gain or a loss on a position that cost `of`; eight decimals where that is below 1."""
    return f"{amount:+,.2f}" if of >= 1 else f"{amount:+,.8f}"


def age(duration_ns: int) -> str:
    """`0.42 ms`, `12 ms`, `1.2 s`, `35 s`, `2:05`: a duration in three digits."""
    ms = max(duration_ns, 0) / 1e6
    if ms < 9.95:
        return f"{ms:.2g} ms" if ms else "0 ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 9_950:
        return f"{ms / 1000:.1f} s"
    return duration(duration_ns) if ms >= 59_500 else f"{ms / 1000:.0f} s"


def duration(duration_ns: int) -> str:
    """`12 s`, `3:12`, `1:03:12`, `5 d`: whole seconds, the rest counted as one more; from two days on, whole days."""
    minutes, s = divmod(-(-max(duration_ns, 0) // 1_000_000_000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    if hours:
        return f"{hours}:{minutes:02}:{s:02}"
    return f"{minutes}:{s:02}" if minutes else f"{s} s"
