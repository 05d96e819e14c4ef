"""Finding a signal by any of its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from tidegate.domain.errors import SignalNotFound
from tidegate.domain.identity import SIGNAL_ID_BYTES
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal_summary import signal_of
from tidegate.domain.text import safe

__all__ = ["search"]

_PREFIX_MIN = 6
_SHOWN_MAX = 10


class _Index(Protocol):
    """What a journal must answer to be searched. `named` may give signals that do not go by the name."""

    def find(self, ids: Sequence[str]) -> Mapping[str, int]: ...

    def named(self, name: str) -> Iterator[SignalHistory]: ...

    def ids_from(self, prefix: str, most: int) -> Sequence[str]: ...

    def history(self, number: int) -> SignalHistory: ...


def search(index: _Index, name: str) -> Sequence[SignalHistory]:
    """See `tidegate.domain.ports.JournalReader.find_histories`."""
    name = safe(name)
    signal_id = name.lower()
    prefix = signal_id if _is_hex(signal_id) and _PREFIX_MIN <= len(signal_id) <= 2 * SIGNAL_ID_BYTES else None
    if prefix is not None and len(prefix) == 2 * SIGNAL_ID_BYTES and (known := index.find([prefix])):
        return [index.history(number) for number in known.values()]
    named = {history.number: history for history in index.named(name) if _goes_by(history, name)}
    if named:
        return [named[number] for number in sorted(named)]
    ids = index.ids_from(prefix, _SHOWN_MAX + 1) if prefix is not None else ()
    if not ids:
        raise SignalNotFound(f"no signal, key or order {name} is in the journal")
    if len(ids) > 1:
        listed = "\n  ".join([*ids[:_SHOWN_MAX], *(["..."] if len(ids) > _SHOWN_MAX else [])])
        count = f"{len(ids)}" if len(ids) <= _SHOWN_MAX else f"more than {_SHOWN_MAX}"
        raise SignalNotFound(f"{count} signals begin with {name}, name one of them:\n  {listed}")
    return [index.history(number) for number in index.find(ids).values()]


def _goes_by(history: SignalHistory, name: str) -> bool:
    for event in history.events:
        if name in (getattr(event.body, "client_order_id", None), getattr(event.body, "venue_order_id", None)):
            return True
    signal = signal_of(history)
    return signal is not None and signal.key == name


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")
