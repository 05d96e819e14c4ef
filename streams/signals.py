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

__all__ = ["Analyst", "Generation", "generate"]

_encode = msgspec.json.Encoder().encode


class Analyst(Struct, frozen=True):
    """A strategy under the name and parameters that its signals carry, and how to make one for a symbol."""

    name: str
    params: Mapping[str, object]
    fresh: Callable[[], Strategy]


class Generation(Struct, frozen=True):
    """When and by whom signals are generated. A symbol needs `min_candles` closed candles first."""

    analysts: Sequence[Analyst]
    interval_s: float
    min_candles: int


class _Desk:
    """The strategies of one symbol, and the candles they have not seen."""

    __slots__ = ("closed", "newest_ns", "seen", "strategies")

    def __init__(self, analysts: Sequence[Analyst]) -> None:
        self.strategies = [analyst.fresh() for analyst in analysts]
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
            desks: dict[str, _Desk] = {}
            news: dict[str, _Desk] = {}
            every_ns = int(generation.interval_s * 1e9)
            anchor_ns = clock.now_ns()
            completed = False

            def desk_of(symbol: str) -> _Desk:
                desk = desks.get(symbol)
                if desk is None:
                    desk = desks[symbol] = _Desk(generation.analysts)
                return desk

            def on_next(candle: Candle) -> None:
                desk = desk_of(candle.symbol)
                if desk.take(candle):
                    news[candle.symbol] = desk
                    alarm.set(next_on_grid(anchor_ns, every_ns, clock.now_ns()))

            def tick() -> None:
                at_ns = clock.wall_ns()
                looked_at = list(news.values())
                news.clear()
                for desk in looked_at:
                    for raw in _look(desk, generation, at_ns, fault):
                        observer.on_next(raw)
                if completed:
                    observer.on_completed()

            def on_completed() -> None:
                nonlocal completed
                completed = True
                if not news:
                    observer.on_completed()

            alarm = clock.alarm(tick)
            for candle in history:
                desk_of(candle.symbol).take(candle)
            for desk in desks.values():
                for _raw in _look(desk, generation, None, fault):
                    pass
            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, on_completed), Disposable(alarm.clear)
            )

        return Observable(subscribe)

    return stage


def _look(
    desk: _Desk, generation: Generation, at_ns: int | None, fault: Callable[[str, Exception], None]
) -> Iterable[Raw]:
    """Show a symbol's new candles to its strategies; their ideas of the newest, if it is one to act on at `at_ns`."""
    candles, desk.closed = desk.closed, []
    desk.seen += len(candles)
    newest = candles[-1]
    speak = (
        at_ns is not None and desk.seen >= generation.min_candles and at_ns - newest.closed_at_ns <= newest.timeframe_ns
    )
    for analyst, strategy in zip(generation.analysts, desk.strategies, strict=True):
        wrong: Exception | None = None
        for candle in candles:
            try:
                idea = strategy(candle)
                if idea is not None and candle is newest and speak and at_ns is not None:
                    yield _signal(analyst, candle, idea, at_ns)
            except Exception as error:
                wrong = error
        if wrong is not None:
            fault(f"strategy {analyst.name} on {newest.symbol}", wrong)


def _signal(analyst: Analyst, candle: Candle, idea: Idea, at_ns: int) -> Raw:
    params = ",".join(f"{name}={value}" for name, value in sorted(analyst.params.items()))
    said = {
        "symbol": candle.symbol,
        "side": idea.side,
        "strength": idea.strength,
        "timestamp": at_ns // 1_000_000,
        "source": f"strategy:{analyst.name}",
        "key": f"{analyst.name}({params}) {candle.symbol} {candle.timeframe_ns // 1_000_000_000}s "
        f"{candle.opened_at_ns // 1_000_000}",
    }
    if idea.confidence is not None:
        said["confidence"] = idea.confidence
    return Raw(_encode(said), generated=True)
