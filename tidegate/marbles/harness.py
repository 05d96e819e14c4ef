"""Testing with marbles: what goes in and what comes out, drawn one below the other, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from reactivex import Observable, Subject, abc
from reactivex.disposable import CompositeDisposable, Disposable

from tidegate.clock import Clock, VirtualLoop, no_real_time
from tidegate.marbles.alignment import align
from tidegate.marbles.notation import COMPLETION, ERROR, Diagram, MarbleMark, NotationError, is_letter, parse
from tidegate.marbles.recording import NotificationKind, Recording, record
from tidegate.marbles.samples import Sample
from tidegate.marbles.source import MarbleSource

__all__ = ["MarbleError", "Marbles"]

_T = TypeVar("_T")
_A = TypeVar("_A")

_NEW_YEAR_2025_NS = 1_735_689_600_000_000_000
_CLOCK = "m.clock, the clock of these Marbles"
_NO_LETTER, _OTHER_ERROR = "*", "!"


class MarbleError(Exception):
    """The error that `#` stands for, unless another was given."""


class Marbles(Generic[_T]):
    """Sources that act as their diagrams say, and expectations in the same notation.

        m = Marbles(a=signal("a"), w=signal("w", strength=0.2))
        m.expect(m.hot("-a-w-|").pipe(identify(m.clock), refuse_weak(min_strength=0.5)),
                       "-a-W-|", show=outcome_letter)

    Each keyword gives a letter its value; a letter without a value stands for itself. `error` is what `#` stands for.
    A frame lasts `frame_s`, frame 0 is at `start_ns` UTC. Time is virtual: `clock` and `loop` serve operators that
    wait and coroutines alike. See `tidegate.marbles.notation` for how diagrams are written.
    """

    def __init__(
        self,
        *,
        frame_s: float = 1.0,
        start_ns: int = _NEW_YEAR_2025_NS,
        error: Exception | None = None,
        **values: _T,
    ) -> None:
        for name in values:
            if not is_letter(name):
                raise ValueError(f"a value must be named by one letter, was {name!r}")
        self.loop = VirtualLoop()
        self.clock = Clock.simulated(self.loop, start_ns)
        self.error = error or MarbleError("#")
        self._frame_ns = round(frame_s * 1e9)
        self._values = values
        self._shown: Counter[str] = Counter()

    def hot(self, diagram: str) -> MarbleSource[_T]:
        """A source that emits with or without subscribers; its first frame is now.

        Nothing happens before the loop runs, so a subscription made now misses nothing. What is before a `^` is lost.
        """
        subject = Subject[_T]()
        self._play(parse(diagram, self._frame_ns), subject)
        return MarbleSource(lambda observer: subject.subscribe(observer), self.clock, self._frame_ns)

    def cold(self, diagram: str) -> MarbleSource[_T]:
        """A source that starts over for each subscription."""
        parsed = self._parse_without_origin(diagram)
        return MarbleSource(lambda observer: self._play(parsed, observer), self.clock, self._frame_ns)

    def record(self, observable: Observable[_A]) -> Recording[_A]:
        """Subscribe now and record everything until the loop has run: `run()`.

        Raises:
            TypeError: an operator of reactivex that waits was given no `scheduler=`, and would wait in real time.
        """
        with no_real_time(_CLOCK):
            return record(observable, self.clock, show=self._letter)

    def run(self, for_s: float | None = None) -> None:
        """Let time pass until nothing is scheduled (a grid never ends), or for `for_s` seconds.

        Raises:
            AssertionError: an exception was not handled.
            TypeError: an operator of reactivex that waits was given no `scheduler=`.
        """
        with no_real_time(_CLOCK):
            if for_s is None:
                self.loop.run_forever()
            else:
                self.loop.advance(for_s)
        self._assert_nothing_unhandled()

    def expect(
        self, observable: Observable[_A] | Recording[_A], diagram: str, *, show: Callable[[_A], str] | None = None
    ) -> None:
        """Subscribe now, let the time of the diagram pass, and assert that this happened, and nothing else.

        A recording is compared from its own start: so one test can expect things of several observables. `show` gives
        the letter of a value; without it a value has the letter it was given to. `#` expects an error of the type of
        `error`.

        Raises:
            AssertionError: something else happened, or an exception was not handled.
            TypeError: an operator of reactivex that waits was given no `scheduler=`.
        """
        __tracebackhide__ = True
        wanted = self._parse_without_origin(diagram)
        recording = observable if isinstance(observable, Recording) else self.record(observable)
        end_ns = recording.start_ns + wanted.ends_ns
        left_ns = end_ns - 1 - self.clock.now_ns()
        if left_ns >= 0:
            with no_real_time(_CLOCK):
                self.loop.advance_to_ns(self.loop.time_ns() + left_ns)
        self._assert_nothing_unhandled()
        seen = Recording(recording.start_ns, (entry for entry in recording if entry.at_ns < end_ns))
        expected = (
            list(wanted.marks) if show else [MarbleMark(at, self._letter_again(letter)) for at, letter in wanted.marks]
        )
        got = self._marks(seen, show or self._letter)
        if got != expected:
            raise AssertionError(self._difference(expected, got, seen, wanted.ends_ns)) from _error(seen)

    def _play(self, diagram: Diagram, observer: abc.ObserverBase[_T]) -> abc.DisposableBase:
        now_ns = self.loop.time_ns()
        return CompositeDisposable(
            *(
                Disposable(self.loop.call_at_ns(now_ns + at_ns, self._emit, observer, symbol).cancel)
                for at_ns, symbol in diagram.marks
                if at_ns >= 0
            )
        )

    def _emit(self, observer: abc.ObserverBase[_T], symbol: str) -> None:
        if symbol == COMPLETION:
            observer.on_completed()
        elif symbol == ERROR:
            observer.on_error(self.error)
        else:
            observer.on_next(self._value(symbol))

    def _value(self, letter: str) -> _T:
        value = self._values.get(letter)
        if isinstance(value, Sample):
            self._shown[letter] += 1
            return cast("_T", value.another(self._shown[letter]))
        return self._values[letter] if letter in self._values else cast("_T", letter)

    def _letter(self, value: object) -> str:
        named = next((letter for letter, given in self._values.items() if given == value), None)
        if named is not None:
            return named
        return value if isinstance(value, str) and is_letter(value) else _NO_LETTER

    def _letter_again(self, symbol: str) -> str:
        """Of several letters with the same value, the one that stands for it."""
        return symbol if symbol in (COMPLETION, ERROR) else self._letter(self._value(symbol))

    def _parse_without_origin(self, diagram: str) -> Diagram:
        parsed = parse(diagram, self._frame_ns)
        if parsed.begins_ns < 0:
            raise NotationError(f"only a hot diagram can have a ^, was {diagram!r}")
        return parsed

    def _marks(self, seen: Recording[_A], show: Callable[[_A], str]) -> list[MarbleMark]:
        marks = seen.marks(show)
        error = _error(seen)
        if error is not None and not isinstance(error, type(self.error)):
            marks[-1] = MarbleMark(marks[-1].at_ns, _OTHER_ERROR)
        return marks

    def _difference(self, expected: list[MarbleMark], got: list[MarbleMark], seen: Recording[_A], ends_ns: int) -> str:
        ruler, above, below, carets = align([expected, got], ends_ns, self._frame_ns)
        lines = ["", f"frame     {ruler}", f"expected  {above}", f"got       {below}", f"          {carets}"]
        for mark, entry in zip(got, seen, strict=True):
            if mark not in expected and len(lines) < 10:
                what = "" if entry.value is None else f": {entry.value!r:.300}"
                lines.append(f"{mark.symbol} in frame {mark.at_ns / self._frame_ns:g}{what}")
        return "\n".join(lines)

    def _assert_nothing_unhandled(self) -> None:
        if self.loop.unhandled:
            cause = self.loop.unhandled[0].get("exception")
            reports = "\n".join(f"{report['message']}: {report.get('exception')!r}" for report in self.loop.unhandled)
            raise AssertionError(f"not handled:\n{reports}") from (cause if isinstance(cause, BaseException) else None)


def _error(seen: Recording[_A]) -> Exception | None:
    last = seen[-1] if seen else None
    return (
        last.value
        if last is not None and last.kind is NotificationKind.ERROR and isinstance(last.value, Exception)
        else None
    )
