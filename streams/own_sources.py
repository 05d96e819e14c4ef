"""Signals from sources of the user's own: mappings, JSON or `Raw`, which cannot harm the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import TypeAlias

import msgspec
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from streams.taken_over import taken_over
from tidegate.clock import Clock
from tidegate.domain.signal import Raw

__all__ = ["SignalInput", "as_raw", "own_source"]

SignalInput: TypeAlias = Raw | Mapping[str, object] | bytes | str
"""A signal as a program has it: a mapping of its fields, JSON, or `Raw`."""


def _plain(value: object) -> float | str:
    """What JSON has no word for: numbers as numbers, such as numpy's, and anything else as its text."""
    return float(value) if isinstance(value, Real) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode


def as_raw(signal: SignalInput) -> Raw:
    """The bytes of a signal. In a mapping, datetimes, Decimals and the numbers of numpy are fine.

    Raises:
        TypeError, ValueError, RecursionError: it cannot be written as JSON.
    """
    if isinstance(signal, Raw):
        return signal
    if isinstance(signal, bytes):
        return Raw(signal, may_say_now=True)
    return Raw(signal.encode() if isinstance(signal, str) else _encode(dict(signal)), may_say_now=True)


def own_source(
    source: Observable[SignalInput], *, name: str, clock: Clock, alarm: Callable[[str, Exception], None]
) -> Observable[Raw]:
    """Let signals in from a source of one's own.

        -a-x-b-#       x is no signal, and cannot be written as JSON
        -a-x-b-|       it is recorded as malformed; the error goes to `alarm`

    Emits when:      the source emits.
    Completes when:  the source completes, or errors; its error goes to `alarm`, under `name`.
    Errors when:     the pipeline raises.
    Memory:          what comes from other threads and was not taken over yet.
    """

    def subscribe(observer: abc.ObserverBase[Raw], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        def take(signal: SignalInput) -> None:
            try:
                raw = as_raw(signal)
            except (TypeError, ValueError, RecursionError):
                raw = Raw(repr(signal).encode(errors="backslashreplace"))
            try:
                observer.on_next(raw)
            except Exception as error:  # not the source's, but the pipeline's
                observer.on_error(error)

        def end(error: Exception) -> None:
            alarm(name, error)
            observer.on_completed()

        try:
            return source.pipe(taken_over(clock)).subscribe(take, end, observer.on_completed)
        except Exception as error:
            end(error)
            return Disposable()

    return Observable(subscribe)
