"""What an observable did, and when: to assert on, to count, to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

from reactivex import Observable

from tidegate.clock import Clock
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Verdict
from tidegate.marbles.alignment import print_diagram
from tidegate.marbles.drawing import STEPS_S, DrawnItem, draw
from tidegate.marbles.notation import COMPLETION, ERROR, MarbleMark
from tidegate.marbles.samples import outcome_letter

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-not-found,import-untyped,unused-ignore]

__all__ = ["Notification", "NotificationKind", "Recording", "record"]

_T = TypeVar("_T")

_FRAMES = 100


class NotificationKind(StrEnum):
    """What an observable can do."""

    NEXT = "next"
    COMPLETED = "completed"
    ERROR = "error"


class Notification(NamedTuple, Generic[_T]):
    """One thing it did, at a moment in nanoseconds UTC. `value` is the item, the exception, or None."""

    at_ns: int
    kind: NotificationKind
    value: _T


def _letter(value: object) -> str:
    """One character for a value: the outcome of a verdict, the first letter of everything else."""
    return outcome_letter(value) if isinstance(value, Verdict) else (str(value) or "?")[0]


class Recording(list[Notification[_T]]):
    """What an observable did since `start_ns`, in order: a list of (at_ns, kind, value).

    In a notebook it draws itself as a marble diagram. `show` gives the one character that stands for a value.
    Memory: everything it has seen.
    """

    def __init__(
        self, start_ns: int, entries: Iterable[Notification[_T]] = (), *, show: Callable[[_T], str] = _letter
    ) -> None:
        super().__init__(entries)
        self.start_ns = start_ns
        self.show = show

    @property
    def values(self) -> list[_T]:
        """The items, without their times."""
        return [entry.value for entry in self if entry.kind is NotificationKind.NEXT]

    @property
    def accepted(self: Recording[Verdict]) -> Recording[Verdict]:
        """Only the verdicts that were not refused."""
        return self._only(lambda verdict: verdict.refusal is None)

    @property
    def refused(self: Recording[Verdict]) -> Recording[Verdict]:
        """Only the verdicts that were refused."""
        return self._only(lambda verdict: verdict.refusal is not None)

    @property
    def by_reason(self: Recording[Verdict]) -> Counter[Reason]:
        """How many verdicts were refused for which reason."""
        return Counter(verdict.refusal.reason for verdict in self.values if verdict.refusal is not None)

    @property
    def grid_s(self) -> float:
        """The frame of a readable diagram, in seconds: 1 where everything happened at whole seconds, else the shortest
        step in which people read time that fits it all into 100 frames."""
        times_ns = [entry.at_ns - self.start_ns for entry in self]
        if all(time_ns % 1_000_000_000 == 0 for time_ns in times_ns):
            return 1.0
        return next((step for step in STEPS_S if max(times_ns) <= _FRAMES * step * 1e9), STEPS_S[-1])

    def diagram(self, frame_s: float | None = None, show: Callable[[_T], str] | None = None) -> str:
        """Write it down as a marble diagram, with `show` giving one character for a value.

        Without `frame_s`, a frame is `grid_s` long, and what happened within a frame is written at its beginning.
        """
        frame_ns = round((frame_s or self.grid_s) * 1e9)
        marks = self.marks(show or self.show)
        if frame_s is None:
            marks = [MarbleMark(mark.at_ns // frame_ns * frame_ns, mark.symbol) for mark in marks]
        return print_diagram(marks, 0, frame_ns)

    def marks(self, show: Callable[[_T], str]) -> list[MarbleMark]:
        """What happened, each as one character, at times since the start."""
        signs = {NotificationKind.COMPLETED: COMPLETION, NotificationKind.ERROR: ERROR}
        return [MarbleMark(at_ns - self.start_ns, signs.get(kind) or show(value)) for at_ns, kind, value in self]

    def columns(self) -> dict[str, list[object]]:
        """The items as a table: one list for each column, `at_ns` first; verdicts are taken apart."""
        items = [entry for entry in self if entry.kind is NotificationKind.NEXT]
        verdicts = [entry.value for entry in items if isinstance(entry.value, Verdict)]
        table: dict[str, list[object]] = {"at_ns": [entry.at_ns for entry in items]}
        if len(verdicts) < len(items):
            return {**table, "value": [entry.value for entry in items]}
        for field in ("id", "key", "source", "symbol", "side", "strength", "confidence", "timestamp_ns"):
            table[field] = [getattr(verdict.signal, field) for verdict in verdicts]
        table["score"] = [verdict.score and verdict.score.value for verdict in verdicts]
        for field in ("reason", "measured", "limit"):
            table[field] = [verdict.refusal and getattr(verdict.refusal, field) for verdict in verdicts]
        return table

    def frame(self) -> DataFrame:
        """The items as a pandas DataFrame, with times as timestamps in UTC: `at`, and `timestamp` of a verdict.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as missing:
            raise ModuleNotFoundError("frame() needs pandas: pip install pandas") from missing
        table = {}
        for name, column in self.columns().items():
            is_time = name.endswith("_ns")
            table[name.removesuffix("_ns")] = pandas.to_datetime(column, unit="ns", utc=True) if is_time else column
        return pandas.DataFrame(table)

    def _repr_svg_(self) -> str:
        marks = self.marks(self.show)
        items = [
            DrawnItem(at_ns, symbol, _kind_of(entry.value, symbol))
            for (at_ns, symbol), entry in zip(marks, self, strict=True)
            if entry.kind is NotificationKind.NEXT
        ]
        return draw(items, marks[-1] if len(items) < len(marks) else None, start_ns=self.start_ns)

    def _only(self, wanted: Callable[[_T], bool]) -> Recording[_T]:
        kept = (entry for entry in self if entry.kind is not NotificationKind.NEXT or wanted(entry.value))
        return Recording(self.start_ns, kept, show=self.show)


def record(observable: Observable[_T], clock: Clock, *, show: Callable[[_T], str] = _letter) -> Recording[_T]:
    """Subscribe now and record everything the observable does."""
    recording = Recording[_T](clock.now_ns(), show=show)

    def note(kind: NotificationKind, value: object = None) -> None:
        recording.append(Notification(clock.now_ns(), kind, cast("_T", value)))

    observable.subscribe(
        lambda value: note(NotificationKind.NEXT, value),
        lambda error: note(NotificationKind.ERROR, error),
        lambda: note(NotificationKind.COMPLETED),
    )
    return recording


def _kind_of(value: object, letter: str) -> str:
    if isinstance(value, Verdict):
        return "accepted" if value.refusal is None else value.refusal.reason.value
    return letter
