"""From bytes to the one value that flows between operators."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable, abc

from tidegate.clock import Clock
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Verdict

__all__ = ["identify"]


def identify(clock: Clock) -> Callable[[Observable[Raw]], Observable[Verdict]]:
    """Read what came in, and stamp it with the time: one verdict for each item, refused when it cannot be read.

        -a--?--b-|          ? is not a signal
        -a--M--b-|          M is refused: malformed

    `at_ns` is what the wall clock shows, so that ages are right as soon as it is. The signal's id is that of its sender
    and key or of its content, `reply` goes along.

    Emits when:      upstream emits.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """

    def operator(source: Observable[Raw]) -> Observable[Verdict]:
        def subscribe(observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            emit, now_ns, wall_ns = observer.on_next, clock.now_ns, clock.wall_ns

            def read(raw: Raw) -> None:
                at_ns = wall_ns()
                signal, refusal = read_signal(raw, at_ns)
                emit(Verdict(signal, at_ns, None, refusal, raw.reply, now_ns()))

            return source.subscribe(read, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return operator
