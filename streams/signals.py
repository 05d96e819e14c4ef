"""Signals of our own: strategies looking at closed candles, on a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from tidegate.clock import Clock, next_on_grid
from tidegate.domain.market import Candle
from tidegate.domain.signal import Raw
from tidegate.strategies import Idea, Strategy

__all__ = ["Generation", "StrategySpec", "generate"]

_encode = msgspec.json.Encoder().encode


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


class _SymbolRunner:
    """The strategies of one symbol, and the candles they have not seen."""

    __slots__ = ("closed", "newest_ns", "seen", "strategies")

    def __init__(self, strategy_specs: Sequence[StrategySpec]) -> None:
        self.strategies = [spec.fresh() for spec in strategy_specs]
        self.closed: list[Candle] = []
        self.newest_ns = self.seen = 0

    def take(self, candle: Candle) -> bool:
        """Keep a candle to be looked at; False for one that is not newer than those before."""
        if candle.closed_at_ns <= self.newest_ns:
            return False
        self.newest_ns = candle.closed_at_ns
        self.closed.append(candle)
        return True


def generate(
    generation: Generation,
    *,
    clock: Clock,
    history: Iterable[Candle] = (),
    fault: Callable[[str, Exception], None],
) -> Callable[[Observable[Candle]], Observable[Raw]]:
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

    def stage(source: Observable[Candle]) -> Observable[Raw]:
        def subscribe(observer: abc.ObserverBase[Raw], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            runners: dict[str, _SymbolRunner] = {}
            news: dict[str, _SymbolRunner] = {}
            every_ns = int(generation.interval_s * 1e9)
            anchor_ns = clock.now_ns()
            completed = False

            def desk_of(symbol: str) -> _SymbolRunner:
                runner = runners.get(symbol)
                if runner is None:
                    runner = runners[symbol] = _SymbolRunner(generation.strategy_specs)
                return runner

            def on_next(candle: Candle) -> None:
                runner = desk_of(candle.symbol)
                if runner.take(candle):
                    news[candle.symbol] = runner
                    alarm.set(next_on_grid(anchor_ns, every_ns, clock.now_ns()))

            def cycle() -> None:
                at_ns = clock.wall_ns()
                looked_at = list(news.values())
                news.clear()
                for runner in looked_at:
                    for raw in _look(runner, generation, at_ns, fault):
                        observer.on_next(raw)
                if completed:
                    observer.on_completed()

            def on_completed() -> None:
                nonlocal completed
                completed = True
                if not news:
                    observer.on_completed()

            alarm = clock.alarm(cycle)
            for candle in history:
                desk_of(candle.symbol).take(candle)
            for runner in runners.values():
                for _raw in _look(runner, generation, None, fault):
                    pass
            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, on_completed), Disposable(alarm.clear)
            )

        return Observable(subscribe)

    return stage


def _look(
    runner: _SymbolRunner, generation: Generation, at_ns: int | None, fault: Callable[[str, Exception], None]
) -> Iterable[Raw]:
    """Show a symbol's new candles to its strategies; their ideas of the newest, if it is one to act on at `at_ns`."""
    candles, runner.closed = runner.closed, []
    runner.seen += len(candles)
    newest = candles[-1]
    speak = (
        at_ns is not None
        and runner.seen >= generation.min_candles
        and at_ns - newest.closed_at_ns <= newest.timeframe_ns
    )
    for spec, strategy in zip(generation.strategy_specs, runner.strategies, strict=True):
        wrong: Exception | None = None
        for candle in candles:
            try:
                idea = strategy(candle)
                if idea is not None and candle is newest and speak and at_ns is not None:
                    yield _signal(spec, candle, idea, at_ns)
            except Exception as error:
                wrong = error
        if wrong is not None:
            fault(f"strategy {spec.name} on {newest.symbol}", wrong)


def _signal(spec: StrategySpec, candle: Candle, idea: Idea, at_ns: int) -> Raw:
    params = ",".join(f"{name}={value}" for name, value in sorted(spec.params.items()))
    said = {
        "symbol": candle.symbol,
        "side": idea.side,
        "strength": idea.strength,
        "timestamp": at_ns // 1_000_000,
        "source": f"strategy:{spec.name}",
        "key": f"{spec.name}({params}) {candle.symbol} {candle.timeframe_ns // 1_000_000_000}s "
        f"{candle.opened_at_ns // 1_000_000}",
    }
    if idea.confidence is not None:
        said["confidence"] = idea.confidence
    return Raw(_encode(said), generated=True)
