"""The same advice again is refused for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from operators.screen import Stage, screen
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Check, Refusal

__all__ = ["refuse_repeats"]


def refuse_repeats(
    *, window_s: float, max_keys: int = 100_000, seen: Callable[[], Iterable[tuple[Signal, int]]] = tuple
) -> Stage:
    """Refuse another signal of the same source, symbol and side within `window_s` of one that passed.

        -a-a-b--a-|
        -a-D-b--a-|         window_s=5

    At the end of the window a signal passes again, and a refusal does not extend it. The very same signal, by its id,
    passes within its window: that is a redelivery, which the journal recognises. A signal that was refused before opens
    no window; one that is refused later has opened one, so put this after the other checks. A window of 0 passes
    everything. `seen()` gives the signals that passed before the subscription, as in an earlier run: each with its
    moment in nanoseconds UTC, oldest first.

    Emits when:      upstream emits, one verdict per verdict.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          one entry for each open window, at most `max_keys`; the oldest is dropped.

    Raises:
        ValueError: `window_s` is negative, or `max_keys` is under 1.
    """
    if not window_s >= 0:
        raise ValueError(f"window_s must be at least 0, was {window_s}")
    if max_keys < 1:
        raise ValueError(f"max_keys must be at least 1, was {max_keys}")
    if window_s == 0:
        return lambda source: source
    window_ns = round(window_s * 1e9)

    def fresh_check() -> Check:
        windows: OrderedDict[tuple[str, str, str], tuple[int, str]] = OrderedDict()  # oldest first

        def check(signal: Signal, at_ns: int) -> Refusal | None:
            while windows and abs(at_ns - next(iter(windows.values()))[0]) >= window_ns:
                windows.popitem(last=False)
            key = (signal.source, signal.symbol, signal.side)
            window = windows.get(key)
            if window is not None and abs(at_ns - window[0]) >= window_ns:  # the wall clock was set meanwhile
                del windows[key]
                window = None
            if window is None:
                if len(windows) == max_keys:
                    windows.popitem(last=False)
                windows[key] = (at_ns, signal.id)
                return None
            opened_ns, signal_id = window
            if signal.id == signal_id:
                return None
            return Refusal(Reason.REPEAT, measured=(at_ns - opened_ns) / 1e9, limit=window_s)

        for signal, at_ns in seen():
            check(signal, at_ns)
        return check

    return screen(fresh_check)
