"""Finding a signal by any of the names it goes by."""

from __future__ import annotations

from collections.abc import Sequence

import click

from adapters.sqlite_journal import SqliteReader
from domain.identity import SIGNAL_ID_BYTES
from domain.line import signal_of
from domain.ports import OpenSignal

__all__ = ["find_lives"]

_PREFIX_MIN = 6
_SHOWN_MAX = 10


def find_lives(reader: SqliteReader, asked: str) -> Sequence[OpenSignal]:
    """The signals of an id, or the beginning of one, of a key, or of an order's id: ours or the venue's.

    The beginning has six letters or more. A whole id is looked up; for anything else the journal is read once.
    Memory: what is found.

    Raises:
        click.ClickException: nothing goes by it, or several ids begin so.
    """
    signal_id = asked.lower()
    if _is_hex(signal_id) and len(signal_id) == 2 * SIGNAL_ID_BYTES:
        known = reader.find([signal_id])
        if known:
            return [reader.life(number) for number in known.values()]
    named: list[OpenSignal] = []
    begun: list[OpenSignal] = []
    may_be_prefix = _is_hex(signal_id) and len(signal_id) >= _PREFIX_MIN
    for life in reader.lives():
        if _goes_by(life, asked):
            named.append(life)
        elif may_be_prefix and life.signal_id.startswith(signal_id):
            begun.append(life)
    if not named and not begun:
        raise click.ClickException(f"no signal, key or order {asked} is in the journal")
    if not named and len(begun) > 1:
        ids = "\n  ".join(life.signal_id for life in begun[:_SHOWN_MAX])
        raise click.ClickException(f"{len(begun)} signals begin with {asked}, name one of them:\n  {ids}")
    return named or begun


def _goes_by(life: OpenSignal, asked: str) -> bool:
    for event in life.events:
        if asked in (getattr(event.body, "client_order_id", None), getattr(event.body, "venue_order_id", None)):
            return True
    signal = signal_of(life)
    return signal is not None and signal.key == asked


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")
