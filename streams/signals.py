"""Signals of our own: strategies looking at closed candles, on a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.chunks import Chunked, OnChunk, OnCompleted, OnError, subscribe_chunks
from tidegate.clock import Clock, next_on_grid
from tidegate.domain.market import Candle
from tidegate.domain.signal import Raw, Side
from tidegate.strategies import Idea, Strategy

__all__ = ["Generation", "StrategySpec", "generate"]

_encode = msgspec.json.Encoder().encode
_NEVER_NS = 1 << 63  # no candle is of then


class StrategySpec(Struct, frozen=True):
    """A strategy under the name and parameters that its signals carry, and how to make one for a symbol."""

    name: str
    params: Mapping[str, object]
    fresh: Callable[[], Strategy]


class Generation(Struct, frozen=True):
    """When and by whom signals are generated. A symbol needs `min_candles` closed candles first."""

    strategy_specs: Sequence[StrategySpec]
    interval_s: float
    min_candles: int


Fault: TypeAlias = Callable[[str, Exception], None]


class _Said(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a signal of ours says, in the order in which it is written."""

    symbol: str
    side: Side
    strength: float
    timestamp: int
    source: str
    key: str
    confidence: float | None = None


class _Speaker:
    """One strategy of one symbol, and how its signals begin."""

    __slots__ = ("key", "name", "source", "strategy")

    def __init__(self, spec: StrategySpec, symbol: str) -> None:
        params = ",".join(f"{name}={value}" for name, value in sorted(spec.params.items()))
        self.name, self.strategy = spec.name, spec.fresh()
        self.source, self.key = f"strategy:{spec.name}", f"{spec.name}({params}) {symbol}"

    def signal(self, candle: Candle, idea: Idea, at_ns: int) -> Raw:
        """An idea of a candle as a signal."""
        key = f"{self.key} {candle.timeframe_ns // 1_000_000_000}s {candle.opened_at_ns // 1_000_000}"
        said = _Said(candle.symbol, idea.side, idea.strength, at_ns // 1_000_000, self.source, key, idea.confidence)
        return Raw(_encode(said), generated=True)


class _SymbolRunner:
    """The strategies of one symbol, and the candles they have not seen."""

    __slots__ = ("closed", "newest_ns", "seen", "speakers")

    def __init__(self, strategy_specs: Sequence[StrategySpec], symbol: str) -> None:
        self.speakers = [_Speaker(spec, symbol) for spec in strategy_specs]
        self.closed: list[Candle] = []
        self.newest_ns = self.seen = 0

    def look(self, at_ns: int, min_candles: int, raws: list[Raw], fault: Fault) -> None:
        """Show the new candles to the strategies; add their ideas of the newest, if it is one to act on at `at_ns`."""
        candles, self.closed = self.closed, []
        self.seen += len(candles)
        newest = candles[-1]
        speak = self.seen >= min_candles and at_ns - self.newest_ns <= newest.timeframe_ns
        for speaker in self.speakers:
            strategy = speaker.strategy
            idea: Idea | None = None
            wrong: Exception | None = None
            for candle in candles:
                try:
                    idea = strategy(candle)
                except Exception as error:
                    idea, wrong = None, error
            if idea is not None and speak:
                try:
                    raws.append(speaker.signal(newest, idea, at_ns))
                except Exception as error:  # it is no idea
                    wrong = error
            if wrong is not None:
                fault(f"strategy {speaker.name} on {newest.symbol}", wrong)


def generate(
    generation: Generation,
    *,
    clock: Clock,
    history: Iterable[Candle] = (),
    fault: Fault,
) -> Callable[[Observable[Candle]], Chunked[Raw]]:
    """Ask the strategies about every symbol with a new closed candle, on a tick.

        -c---c-c--|       candles; a tick every five frames
        ----s----(st)|    two strategies have an idea at the second

    A strategy sees every closed candle once, in order, `history` first, and speaks at most once a candle: only of the
    newest, while that is at most one timeframe old. The signal's key is strategy, parameters, symbol, timeframe and
    candle. A strategy that raises is reported to `fault`, once a tick, and does not speak that time. A tick with
    nothing to look at does not take place.

    Emits when:      a strategy has an idea, on a tick.
    Completes when:  upstream completed, and its last candles were looked at.
    Errors when:     upstream errors.
    Memory:          candles of one interval; the strategies' own.
    """

    strategy_specs, min_candles = generation.strategy_specs, generation.min_candles
    every_ns = int(generation.interval_s * 1e9)

    def stage(source: Observable[Candle]) -> Chunked[Raw]:
        def subscribe(on_chunk: OnChunk[Raw], on_error: OnError, on_completed: OnCompleted) -> abc.DisposableBase:
            runners: dict[str, _SymbolRunner] = {}
            news: list[_SymbolRunner] = []
            anchor_ns = clock.now_ns()
            completed = False

            def keep(candles: Iterable[Candle]) -> None:
                for candle in candles:
                    symbol = candle.symbol
                    if (runner := runners.get(symbol)) is None:
                        runner = runners[symbol] = _SymbolRunner(strategy_specs, symbol)
                    closed_at_ns = candle.opened_at_ns + candle.timeframe_ns
                    if closed_at_ns > runner.newest_ns:
                        runner.newest_ns = closed_at_ns
                        if not runner.closed:
                            news.append(runner)
                        runner.closed.append(candle)

            def look(at_ns: int) -> Sequence[Raw]:
                raws: list[Raw] = []
                for runner in news:
                    runner.look(at_ns, min_candles, raws, fault)
                news.clear()
                return raws

            def receive(candles: Sequence[Candle]) -> None:
                keep(candles)
                if news:
                    alarm.set(next_on_grid(anchor_ns, every_ns, clock.now_ns()))

            def cycle() -> None:
                raws = look(clock.wall_ns())
                if raws:
                    on_chunk(raws)
                if completed:
                    on_completed()

            def complete() -> None:
                nonlocal completed
                completed = True
                if not news:
                    on_completed()

            alarm = clock.alarm(cycle)
            keep(history)
            look(_NEVER_NS)
            return CompositeDisposable(subscribe_chunks(source, receive, on_error, complete), Disposable(alarm.clear))

        return Chunked(subscribe)

    return stage
