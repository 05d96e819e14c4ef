"""Finding a signal by any of the names it goes by."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tidegate.domain.identity import SIGNAL_ID_BYTES
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal_summary import signal_of
from tidegate.domain.text import safe
from tidegate.journal.sqlite_journal import SqliteReader

__all__ = ["find_histories"]

_PREFIX_MIN = 6
_SHOWN_MAX = 10


def find_histories(reader: SqliteReader, asked: str) -> Sequence[SignalHistory]:
    """The signals of an id, or the beginning of one, of a key, or of an order's id: ours or the venue's.

    The beginning has six letters or more.
    Memory: what is found.

    Raises:
        click.ClickException: nothing goes by it, or several ids begin so.
    """
    asked = safe(asked)
    signal_id = asked.lower()
    prefix = signal_id if _is_hex(signal_id) and _PREFIX_MIN <= len(signal_id) <= 2 * SIGNAL_ID_BYTES else None
    if prefix is not None and len(prefix) == 2 * SIGNAL_ID_BYTES and (known := reader.find([prefix])):
        return [reader.history(number) for number in known.values()]
    named = {history.number: history for history in reader.named(asked) if _goes_by(history, asked)}
    if named:
        return [named[number] for number in sorted(named)]
    begun = reader.begun(prefix, _SHOWN_MAX + 1) if prefix is not None else ()
    if not begun:
        raise click.ClickException(f"no signal, key or order {asked} is in the journal")
    if len(begun) > 1:
        ids = "\n  ".join([*begun[:_SHOWN_MAX], *(["..."] if len(begun) > _SHOWN_MAX else [])])
        count = f"{len(begun)}" if len(begun) <= _SHOWN_MAX else f"more than {_SHOWN_MAX}"
        raise click.ClickException(f"{count} signals begin with {asked}, name one of them:\n  {ids}")
    return [reader.history(number) for number in reader.find(begun).values()]


def _goes_by(history: SignalHistory, asked: str) -> bool:
    for event in history.events:
        if asked in (getattr(event.body, "client_order_id", None), getattr(event.body, "venue_order_id", None)):
            return True
    signal = signal_of(history)
    return signal is not None and signal.key == asked


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")
