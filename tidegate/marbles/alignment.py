"""Timelines printed one above the other, so that the same column is the same moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from tidegate.marbles.notation import COMPLETION, ERROR, MarbleMark, duration

__all__ = ["align", "print_diagram"]

_LONG = 20


def print_diagram(marks: Sequence[MarbleMark], ends_ns: int, frame_ns: int) -> str:
    """Write a timeline down, as `parse` reads it.

    A mark inside the frame of the one before is written behind it, as if it were a frame later.
    """
    return align([marks], ends_ns, frame_ns)[1].strip()


def align(timelines: Sequence[Sequence[MarbleMark]], ends_ns: int, frame_ns: int) -> list[str]:
    """Print timelines until `ends_ns`: a ruler of frame numbers, a line for each, and `^` where they differ.

    More than 20 empty frames become a time.
    """
    happens = [{at_ns: _cell(group) for at_ns, group in groupby(line, lambda mark: mark.at_ns)} for line in timelines]
    ends_ns = max([ends_ns, *(line[-1].at_ns + frame_ns for line in timelines if line)])
    over_ns = [line[-1].at_ns if line and line[-1].symbol in (COMPLETION, ERROR) else ends_ns for line in timelines]
    ruler, carets, lines = "", "", ["" for _ in timelines]
    now_ns = 0

    def put(cells: Sequence[str], caret: str = " ") -> None:
        nonlocal ruler, carets
        width = max(map(len, cells))
        column = len(carets)
        number = str(now_ns // frame_ns)
        if now_ns % (5 * frame_ns) == 0 and len(ruler.rstrip()) < max(column, 1):
            ruler = ruler.ljust(column) + number
        carets += caret.ljust(width)
        for index, cell in enumerate(cells):
            lines[index] += cell.ljust(width)

    def pass_until(until_ns: int) -> None:
        nonlocal now_ns
        frames, rest_ns = divmod(until_ns - now_ns, frame_ns)
        if frames > _LONG:
            rest_ns, frames = until_ns - now_ns, 0
        for _ in range(frames):
            put(["-" if now_ns < over else " " for over in over_ns])
            now_ns += frame_ns
        if rest_ns:
            put([f" {duration(rest_ns)} " if now_ns < over else " " for over in over_ns])
            now_ns += rest_ns

    for at_ns in sorted(set().union(*happens)):
        if at_ns > now_ns:
            pass_until(at_ns)
        missing = "-" if at_ns >= now_ns else " "
        now_ns = at_ns
        cells = [line.get(at_ns, missing if at_ns < over else " ") for line, over in zip(happens, over_ns, strict=True)]
        put(cells, " " if len(set(cells)) == 1 else "^")
        now_ns = at_ns + frame_ns
    if ends_ns > now_ns:
        pass_until(ends_ns)
    return [ruler.rstrip(), *(line.rstrip() for line in lines), carets.rstrip()]


def _cell(marks: Iterable[MarbleMark]) -> str:
    symbols = "".join(mark.symbol for mark in marks)
    return symbols if len(symbols) == 1 else f"({symbols})"
