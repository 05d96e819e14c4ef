"""A recorded market day in virtual time, for composing operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from reactivex import Observable, merge
from reactivex import operators as ops

from streams.inbox import as_stamped, at_moments
from streams.market import candles_of
from streams.signals import Generation, StrategySpec, generate
from tidegate.clock import Clock, VirtualLoop, no_real_time
from tidegate.domain.errors import SettingsError
from tidegate.domain.events import Adopted
from tidegate.domain.market import Candle
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.journal import open_journal, url_of
from tidegate.marbles import Recording, record
from tidegate.market.recordings import merge_candles, read_candles
from tidegate.market.timing import as_recorded
from tidegate.strategies import BUILT_IN, load

__all__ = ["Replay"]

_T = TypeVar("_T")

_DAY_NS = 86_400_000_000_000
_FIRST_DAY = date(1970, 1, 1).toordinal()
_ALL_BUILT_IN: Mapping[str, Mapping[str, object]] = {name: {} for name in BUILT_IN}


class Replay:
    """Recorded candles, and what strategies make of them, to run operators over as often as you like.

        day = Replay("ETH-BTC-5m.csv", day="2018-01-11")
        rules = compose(identify(day.clock), refuse_weak(min_strength=0.6), refuse_repeats(window_s=900))
        seen = day.run(day.signals.pipe(rules))

    `candles` come when they closed, `signals` when a strategy had an idea of them; both start over with each
    subscription. A day lasts from midnight to midnight UTC and has the candles that close in it; those before warm the
    strategies up. Without `day`, all candles are replayed, and none warms up. `symbol` and `timeframe` are needed where
    a file's name does not say them. `strategies` gives parameters by name, which may be `module:function` as well.
    `signals` is a file of JSON lines to come at their timestamps besides: those of the replayed time, and unreadable
    ones, which come first.

    `journal`, a journal's path or URL, gives the signals that a pipeline received, each at the moment of its receipt,
    without or with candles. Then no strategy runs unless `strategies` names some: the journal has what they emitted.

    `clock` is the time of all that: every run puts it back to the start, over a loop of its own. So operators composed
    once can be run again, and what an earlier run left unfinished never happens.

    Memory: the candles of the files, and the signals of the one of signals.

    Raises:
        SettingsError: a file or a strategy cannot be used, or has nothing of that day; the message names the fix.
        ValueError: `generation_interval_s` is not above 0.
    """

    def __init__(
        self,
        *candles: str | Path,
        journal: str | Path | None = None,
        day: str | None = None,
        symbol: str | None = None,
        timeframe: str | None = None,
        strategies: Mapping[str, Mapping[str, object]] | None = None,
        signals: str | Path | None = None,
        generation_interval_s: float = 10,
        min_candles: int = 5,
    ) -> None:
        if not generation_interval_s > 0:
            raise ValueError(f"generation_interval_s must be above 0, was {generation_interval_s}")
        if not candles and journal is None:
            raise SettingsError('Replay needs something recorded: Replay("ETH-BTC-5m.csv") or Replay(journal="...")')
        if strategies is None:
            strategies = _ALL_BUILT_IN if journal is None else {}
        recorded = merge_candles([read_candles(Path(file), symbol, timeframe) for file in candles])
        received = [] if journal is None else _received(str(journal))
        moments = [(candle.opened_at_ns, candle.closed_at_ns) for candle in recorded]
        moments += [(at_ns - 1, at_ns + 1) for at_ns, _ in received]
        start_ns, end_ns = _span(moments, day)
        before = [candle for candle in recorded if candle.closed_at_ns <= start_ns]
        within = [candle for candle in recorded if start_ns < candle.closed_at_ns <= end_ns]
        strategy_specs = [StrategySpec(name, params, load(name, params)) for name, params in strategies.items()]

        self._clock = clock = _RepeatedClock(start_ns)
        self.clock: Clock = clock
        self.candles: Observable[Candle] = as_recorded(within, clock=clock, spread_bps=Decimal(0)).pipe(candles_of())
        self.signals: Observable[Raw] = self.candles.pipe(
            generate(
                Generation(strategy_specs, generation_interval_s, min_candles),
                clock=clock,
                history=before,
                fault=lambda where, error: clock.loop.call_exception_handler({"message": where, "exception": error}),
            )
        )
        if received:
            of_that_time = [(at_ns, raw) for at_ns, raw in received if start_ns <= at_ns < end_ns]
            self.signals = merge(self.signals, at_moments(lambda: of_that_time, clock=clock))
        if signals is not None:
            self.signals = merge(self.signals, as_stamped(_lines(Path(signals), start_ns, end_ns), clock=clock))

    def run(self, observable: Observable[_T], *, for_s: float | None = None) -> Recording[_T]:
        """Go back to the start, subscribe, and let time pass until the observable ends, or for `for_s` seconds.

        Without `for_s`, an observable that never ends ends the run only when nothing is scheduled any more: ticks are
        for ever. The same observable gives the same recording every time. Works in a notebook too, inside its loop.

        Raises:
            Exception: the first that a strategy or a callback raised. What the observable ends with is recorded.
            TypeError: an operator of reactivex that waits was given no `scheduler=`, and would wait in real time.
        """
        loop = self._clock.begin_again()
        with no_real_time("day.clock, the clock of this Replay"):
            recording = record(observable.pipe(ops.finally_action(loop.stop)), self.clock)
            if for_s is None:
                loop.run_forever()
            else:
                loop.advance(for_s)
        for report in loop.unhandled:
            error = report.get("exception")
            if isinstance(error, BaseException):
                error.add_note(str(report["message"]))
                raise error
        return recording


class _RepeatedClock(Clock):
    """Simulated time that can begin again, under the same name."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self.begin_again()

    def begin_again(self) -> VirtualLoop:
        """Be at the start once more, over a loop on which nothing is scheduled."""
        loop = VirtualLoop()
        super().__init__(loop, epoch_ns=self._start_ns)
        return loop


def _received(journal: str) -> Sequence[tuple[int, Raw]]:
    """The signals of a journal, each with the moment of its receipt."""
    with closing(open_journal(url_of(journal))) as reader:
        return [
            (first.at_ns, Raw(history.raw, generated=getattr(first.body, "generated", False), may_say_now=True))
            for history in reader.histories()
            for first in history.events[:1]
            if not isinstance(first.body, Adopted)
        ]


def _span(moments: Sequence[tuple[int, int]], day: str | None) -> tuple[int, int]:
    """When the replayed time begins and ends, in nanoseconds UTC; `moments` has when each thing recorded did."""
    if not moments:
        raise SettingsError("nothing was recorded: the journal has no signals")
    if day is None:
        return min(begins_ns for begins_ns, _ in moments), max(ends_ns for _, ends_ns in moments)
    try:
        wanted = date.fromisoformat(day).toordinal() - _FIRST_DAY
    except ValueError as wrong:
        raise SettingsError(f"day must be a date such as 2018-01-11, was {day!r}") from wrong
    days = sorted({(ends_ns - 1) // _DAY_NS for _, ends_ns in moments})
    if wanted not in days:
        raise SettingsError(f"nothing was recorded on {day}; there is {_in_words(days)}")
    return wanted * _DAY_NS, (wanted + 1) * _DAY_NS


def _in_words(days: Sequence[int]) -> str:
    """Days since 1970 as dates, those in a row as `first to last`."""
    texts = []
    for _, together in groupby(enumerate(days), lambda numbered: numbered[1] - numbered[0]):
        first, *rest = [date.fromordinal(_FIRST_DAY + day).isoformat() for _, day in together]
        texts.append(f"{first} to {rest[-1]}" if rest else first)
    return ", ".join(texts)


def _lines(path: Path, start_ns: int, end_ns: int) -> list[bytes]:
    """The signals of a file that can be read and are of that time, and those that cannot be read."""

    def belongs(line: bytes) -> bool:
        signal, refusal = read_signal(Raw(line, may_say_now=True), start_ns)
        return refusal is not None or start_ns <= signal.timestamp_ns < end_ns

    try:
        lines = path.read_bytes().splitlines()
    except OSError as wrong:
        raise SettingsError(f"{path} cannot be read: {wrong.strerror}") from wrong
    return [line for line in lines if line.strip() and belongs(line)]
