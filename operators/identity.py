"""From bytes to the one value that flows between operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reactivex import Observable, abc

from operators.timing import timed
from tidegate.clock import Clock
from tidegate.domain.reading import raw_of, read_signal
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Verdict

__all__ = ["identify"]


@timed
def identify(clock: Clock) -> Callable[[Observable[Raw | Mapping[str, object]]], Observable[Verdict]]:
    """Read what came in, and stamp it with the time: one verdict for each item, refused when it cannot be read.

        -a--?--b-|          ? is not a signal
        -a--M--b-|          M is refused: malformed

    `at_ns` is what the wall clock shows, so that ages are right as soon as it is. The signal's id is that of its sender
    and key or of its content, `reply` goes along. Instead of a `Raw`, an item may be a mapping of the fields, as in a
    notebook: `{"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k1"}`.

    Emits when:      upstream emits.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def operator(source: Observable[Raw | Mapping[str, object]]) -> Observable[Verdict]:
        def subscribe(observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            emit, now_ns, wall_ns = observer.on_next, clock.now_ns, clock.wall_ns

            def read(item: Raw | Mapping[str, object]) -> None:
                at_ns = wall_ns()
                raw = item if isinstance(item, Raw) else raw_of(item)
                signal, refusal = read_signal(raw, at_ns)
                emit(Verdict(signal, at_ns, None, refusal, raw.reply, now_ns()))

            return source.subscribe(read, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return operator
