"""Tables that fit their terminal: the least important columns go first, and no cell is ever cut."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from msgspec import Struct

__all__ = ["Column", "fitted"]

_GAP = 2
_LEAST = 20


class Column(Struct, frozen=True):
    """A column of a table on a terminal: what it shows of which field, under which head.

    Where the width does not do for all, those of the highest `rank` are left out first; those of rank 0 never are.
    """

    name: str
    rank: int = 0
    head: str = ""
    show: Callable[[str], str] | None = None
    right: bool = False
    folds: bool = False

    @property
    def title(self) -> str:
        """Its heading."""
        return self.head or self.name


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> tuple[Sequence[str], Sequence[Column]]:
    """The lines of a table, its head first, at most `width` letters wide, and the columns for which there was no room.

    A last column that `folds` continues on further lines; where the columns of rank 0 do not fit, they are wider.
    """
    shown = [column.show or str for column in columns]
    cells = [[show(cell) for show, cell in zip(shown, row, strict=True)] for row in rows]
    widths = [max([len(column.title), *(len(row[place]) for row in cells)]) for place, column in enumerate(columns)]
    kept = list(range(len(columns)))
    while kept and sum(_least(columns[n], widths[n]) + _GAP for n in kept) - _GAP > width:
        last = max(kept, key=lambda n: (columns[n].rank, n))
        if not columns[last].rank:
            break
        kept.remove(last)
    left = width - sum(widths[n] + _GAP for n in kept[:-1])
    if kept and columns[kept[-1]].folds:
        widths[kept[-1]] = max(min(widths[kept[-1]], left), _LEAST)
    table = [[column.title for column in columns], *cells]
    sizes, right = [widths[n] for n in kept], [columns[n].right for n in kept]
    lines = [line for row in table for line in _folded([row[n] for n in kept], sizes, right)]
    return lines, [column for n, column in enumerate(columns) if n not in kept]


def _least(column: Column, width: int) -> int:
    return min(width, _LEAST) if column.folds else width


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_the_right else cell.ljust(width)
        for cell, width, to_the_right in zip(cells, widths, right, strict=True)
    )
    return (" " * _GAP).join(padded).rstrip()


def _folded(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    if not cells or len(cells[-1]) <= widths[-1]:
        return [_line(cells, widths, right)]
    first, *rest = textwrap.wrap(cells[-1], widths[-1], break_on_hyphens=False)
    indent = " " * (sum(widths[:-1]) + _GAP * (len(widths) - 1))
    return [_line([*cells[:-1], first], widths, right), *(indent + line for line in rest)]
