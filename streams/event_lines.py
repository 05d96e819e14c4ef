"""A line for each thing that happens, for logs and for whoever reads along; bounded, so that it costs little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct
from reactivex import Subject

from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.event_text import has_line, pipeline_text, signal_text
from tidegate.domain.ports import SignalHistory
from tidegate.domain.signal_summary import line_of

__all__ = ["EventLine", "EventLines"]

_LOOK_S = 1.0
_SECOND_NS = 1_000_000_000


class EventLine(Struct, frozen=True, gc=False):
    """One line, and whether somebody should look after it."""

    at_ns: int
    text: str
    is_warning: bool = False


class EventLines:
    """What the journal's committed events tell, and whether the journal itself can be written.

    Outcomes, orders and fills have a line each, up to `most_per_s` a second; the others of that second are counted and
    summed up in one more. `history` reads a signal with its events. Whether the journal fails is checked once a second.
    Memory: one number for each kind of event.
    """

    def __init__(
        self,
        history: Callable[[int], SignalHistory],
        *,
        clock: Clock,
        failing: Callable[[], JournalUnavailable | None],
        most_per_s: int = 50,
    ) -> None:
        self.lines: Subject[EventLine] = Subject()
        self._history, self._clock, self._failing, self._most = history, clock, failing, most_per_s
        self._second, self._told = 0, 0
        self._left_out: Counter[str] = Counter()
        self._failed = False
        self._looking = clock.grid(_LOOK_S, first_after_s=_LOOK_S).subscribe(lambda _: self._look())

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit."""
        for event in events:
            if not event.number:
                if (text := pipeline_text(event.body)) is not None:
                    self._tell(text, is_warning=not isinstance(event.body, e.Resumed))
            elif has_line(event.body):
                if self._has_room():
                    self._tell(signal_text(event.body, line_of(self._history(event.number))))
                else:
                    self._left_out[e.kind_of(event.body)] += 1

    def stop(self) -> None:
        """Tell what was left out, and look no more."""
        self._looking.dispose()
        self._sum_up()

    def _has_room(self) -> bool:
        second = self._clock.now_ns() // _SECOND_NS
        if second != self._second:
            self._sum_up()
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= self._most

    def _look(self) -> None:
        if self._clock.now_ns() // _SECOND_NS != self._second:
            self._sum_up()
        error = self._failing()
        if error is not None and not self._failed:
            self._tell(f"the journal cannot be written: {error}", is_warning=True)
        elif error is None and self._failed:
            self._tell("the journal is written again", is_warning=True)
        self._failed = error is not None

    def _sum_up(self) -> None:
        if self._left_out:
            kinds = ", ".join(f"{kind} {count}" for kind, count in self._left_out.most_common())
            self._tell(f"and {self._left_out.total()} more within a second: {kinds}; `signals` lists them")
            self._left_out.clear()

    def _tell(self, text: str, *, is_warning: bool = False) -> None:
        self.lines.on_next(EventLine(self._clock.wall_ns(), text, is_warning))
