"""A timeline drawn as SVG: marbles while they are distinguishable, counts per interval otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from tidegate.domain.reasons import Reason
from tidegate.marbles.notation import COMPLETION, MarbleMark

__all__ = ["STEPS_S", "DrawnItem", "draw"]

_WIDTH, _MARGIN = 880, 28
_RADIUS, _PITCH, _LEVELS = 13, 28, 5
_SLOTS, _BAR_HEIGHT = 96, 140
_TICKS, _START_WIDTH = 9, 190
STEPS_S = (*(base * 10.0**power for power in range(-9, 1) for base in (1, 2, 5)), 10, 15, 30, 60, 120, 300, 600, 900,
            1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 31536000)  # fmt: skip
"""Steps in which people read time, in seconds."""

_GOOD = "accepted"
_GREEN, _RED, _INK, _PALE, _PAPER = "#2a9d6f", "#d1495b", "#33393f", "#c9ced3", "#ffffff"
_COLOURS = ("#7a7a3a", "#b84a9c", "#8f6b4a", "#4f8a8b", _RED, "#5b6770", "#e08e2b", "#6a5acd", "#2d7dd2")


class DrawnItem(NamedTuple):
    """One marble: when, in nanoseconds since the start, its letter, and the kind whose colour it has."""

    at_ns: int
    letter: str
    kind: str


class _Axis(NamedTuple):
    """Time from left to right, `y` from the top."""

    span_ns: int
    y: float

    def x(self, at_ns: float) -> float:
        left = _MARGIN + _RADIUS
        return left + (_WIDTH - 2 * left) * at_ns / self.span_ns


def draw(items: Sequence[DrawnItem], end: MarbleMark | None, *, start_ns: int) -> str:
    """Draw items, in the order of their times, and the completion or error that ends them, as an SVG document.

    Time runs from 0, which is `start_ns` in nanoseconds UTC, to the last item or the end.
    """
    span_ns = max([mark.at_ns for mark in (*items[-1:], end) if mark is not None], default=0) or 1_000_000_000
    counts = Counter(item.kind for item in items)
    colours = _colours(counts)
    levels = _levels(items, _Axis(span_ns, 0))
    if levels is None:
        axis = _Axis(span_ns, _MARGIN + _BAR_HEIGHT)
        body = _bars(items, axis, colours)
    else:
        axis = _Axis(span_ns, _MARGIN + _PITCH * max(levels, default=0))
        body = _marbles(items, levels, axis, colours)
    end_x = _end_x(items, end, axis, 0 if levels is None else _RADIUS + 12)
    has_key = levels is None or any(item.kind != item.letter for item in items)
    height = axis.y + (76 if has_key else 48)
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" ',
            f'height="{height}" role="img" font-family="system-ui,Helvetica,Arial,sans-serif" font-size="12" ',
            f'fill="{_INK}"><title>{escape(_title(counts, end, start_ns))}</title>',
            f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="{_PAPER}"/>',
            *_line(axis, end, end_x),
            *body,
            *_end(axis, end, end_x),
            *(_key(counts, colours, height - 14) if has_key else ()),
            f'<text x="{_WIDTH - _MARGIN}" y="{height - 14}" text-anchor="end">from {_moment(start_ns)}</text>'
            if has_key
            else "",
            "</svg>",
        ]
    )


def _colours(counts: Counter[str]) -> dict[str, str]:
    """A colour for each kind, in the order in which they are stacked and named; a reason's is always the same."""
    reasons = [reason.value for reason in Reason]
    others = sorted(counts.keys() - {_GOOD, *reasons})
    places = [*enumerate(reasons), *enumerate(others, 4)]  # from red on
    return {_GOOD: _GREEN} | {kind: _COLOURS[place % len(_COLOURS)] for place, kind in places if kind in counts}


def _levels(items: Sequence[DrawnItem], axis: _Axis) -> list[int] | None:
    """How high each marble lies so that none covers another, or None when there are too many."""
    free_from = [0.0] * _LEVELS
    levels = []
    for item in items:
        x = axis.x(item.at_ns)
        level = next((level for level, free in enumerate(free_from) if x >= free), None)
        if level is None:
            return None
        free_from[level] = x + _PITCH
        levels.append(level)
    return levels


def _marbles(items: Sequence[DrawnItem], levels: Sequence[int], axis: _Axis, colours: dict[str, str]) -> Iterator[str]:
    for item, level in zip(items, levels, strict=True):
        x, y, letter = axis.x(item.at_ns), axis.y - level * _PITCH, escape(item.letter)
        yield f"<g><title>{letter}, {escape(item.kind)}, at {_seconds(item.at_ns / 1e9)}</title>"
        yield f'<circle cx="{x:.1f}" cy="{y}" r="{_RADIUS}" fill="{colours[item.kind]}"/>'
        yield f'<text x="{x:.1f}" y="{y + 4.5}" text-anchor="middle" fill="{_PAPER}">{letter}</text></g>'


def _bars(items: Sequence[DrawnItem], axis: _Axis, colours: dict[str, str]) -> Iterator[str]:
    slot_ns = axis.span_ns / _SLOTS
    counts = Counter((min(int(item.at_ns / slot_ns), _SLOTS - 1), item.kind) for item in items)
    in_slot: Counter[int] = Counter()
    for (slot, _), count in counts.items():
        in_slot[slot] += count
    most = max(in_slot.values())
    yield f'<path d="M{_MARGIN} {axis.y - _BAR_HEIGHT}H{_WIDTH - _MARGIN}" stroke="{_PALE}" stroke-dasharray="2 4"/>'
    yield f'<text x="{_MARGIN}" y="{axis.y - _BAR_HEIGHT - 4}">at most {most:,} in {_seconds(slot_ns / 1e9)}</text>'
    width = axis.x(slot_ns) - axis.x(0) - 1
    for slot in sorted(in_slot):
        x, y = axis.x(slot * slot_ns), axis.y
        for kind, colour in colours.items():
            if count := counts[slot, kind]:
                height = _BAR_HEIGHT * count / most
                y -= height
                yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
                yield f"<title>{count:,} {escape(kind)} from {_seconds(slot * slot_ns / 1e9)}</title></rect>"


def _end_x(items: Sequence[DrawnItem], end: MarbleMark | None, axis: _Axis, distance: float) -> float:
    """Where the line ends: at its end, clear of a marble that is there too."""
    if end is None:
        return _WIDTH - _MARGIN + 12
    return max([axis.x(end.at_ns), *(axis.x(item.at_ns) + distance for item in items[-1:])])


def _line(axis: _Axis, end: MarbleMark | None, right: float) -> Iterator[str]:
    y, arrow = axis.y, "m-7 -4l7 4l-7 4" if end is None else ""
    yield f'<path d="M{_MARGIN} {y}H{right:.1f}{arrow}" stroke="{_INK}" stroke-width="1.5" fill="none"/>'
    span_s = axis.span_ns / 1e9
    step_s = next((step for step in STEPS_S if span_s / step <= _TICKS), span_s / _TICKS)
    for number in range(int(span_s / step_s + 1e-9) + 1):
        x = axis.x(number * step_s * 1e9)
        yield f'<path d="M{x:.1f} {y + 18}v5" stroke="{_INK}"/>'
        yield f'<text x="{x:.1f}" y="{y + 36}" text-anchor="middle">{_seconds(number * step_s)}</text>'


def _end(axis: _Axis, end: MarbleMark | None, x: float) -> Iterator[str]:
    if end is not None:
        y = axis.y
        is_completion = end.symbol == COMPLETION
        path = f"M{x:.1f} {y - 17}v34" if is_completion else f"M{x - 9:.1f} {y - 9}l18 18m0 -18l-18 18"
        yield f'<path d="{path}" stroke="{_INK if is_completion else _RED}" stroke-width="3" fill="none">'
        yield f"<title>{'completed' if is_completion else 'error'} at {_seconds(end.at_ns / 1e9)}</title></path>"


def _key(counts: Counter[str], colours: dict[str, str], y: float) -> Iterator[str]:
    x = float(_MARGIN)
    for kind, colour in colours.items():
        text = f"{kind} {counts[kind]:,}"
        if counts[kind] and x + 7 * len(text) < _WIDTH - _MARGIN - _START_WIDTH:
            yield f'<circle cx="{x + 5}" cy="{y - 4}" r="5" fill="{colour}"/>'
            yield f'<text x="{x + 15}" y="{y}">{escape(text)}</text>'
            x += 34 + 7 * len(text)


def _title(counts: Counter[str], end: MarbleMark | None, start_ns: int) -> str:
    what: Iterable[str] = (f"{count:,} {kind}" for kind, count in counts.most_common(8))
    ended = "" if end is None else "; completed" if end.symbol == COMPLETION else "; ended by an error"
    return f"{', '.join(what) or 'nothing'} from {_moment(start_ns)}{ended}"


def _moment(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _seconds(seconds: float) -> str:
    """A time since the start: `2.5 s`, `1:30` minutes, `2:00:00` hours, `3 d 4:00` days."""
    if seconds < 60 or seconds % 1:
        return f"{seconds:.6g} s"
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
