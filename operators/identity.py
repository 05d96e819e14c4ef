"""From bytes to the one value that flows between operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reactivex import Observable

from operators.chunks import map_chunks
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

    now_ns, wall_ns = clock.now_ns, clock.wall_ns

    def read(items: Sequence[Raw | Mapping[str, object]]) -> Sequence[Verdict]:
        at_ns, received_ns = wall_ns(), now_ns()
        verdicts = []
        for item in items:
            raw = item if type(item) is Raw else raw_of(item)
            signal, refusal = read_signal(raw, at_ns)
            verdicts.append(Verdict(signal, at_ns, None, refusal, raw.reply, received_ns))
        return verdicts

    return map_chunks(lambda: read)
