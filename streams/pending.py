"""The waiting room: accepted signals, until they are executed, superseded or expired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, Subject, abc

from operators import Deadlines
from operators.group_commit import GroupCommit
from operators.record import Entered
from streams.blocked import BlockedSignals
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.halt import halting
from tidegate.domain.order import OrderRequest
from tidegate.domain.ports import Item, SignalHistory
from tidegate.domain.reading import read_signal
from tidegate.domain.reason_table import COSTS_NO_ATTEMPT
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Side, Signal
from tidegate.domain.verdict import Refusal

__all__ = ["PendingQueue", "PendingSignal", "enqueue"]

_AWAITING = Refusal(Reason.AWAITING_TICK)


class PendingSignal(Struct, gc=False, eq=False):
    """One waiting signal: when it expires, how often it was attempted, what stood in its way last, who rejected it.

    `received_at_ns` and `expires_at_ns` are of the wall clock, as the journal has them; `deadline_ns`, at which it
    expires while the program runs, and `due_ns`, before which it is not tried again, are steady.
    `attempts` counts intents, and so numbers the orders; `spent` counts those of them that cost an attempt. `first` is
    the order of its first attempt. `mid` is the middle of the market when it was received, where that is recorded.
    """

    number: int
    signal: Signal
    received_at_ns: int
    expires_at_ns: int
    deadline_ns: int
    score: float
    attempts: int = 0
    spent: int = 0
    due_ns: int = 0
    obstacle: Refusal = _AWAITING
    rejected_by: frozenset[str] = frozenset()
    first: OrderRequest | None = None
    mid: Decimal | None = None

    def attempted(self, request: OrderRequest) -> None:
        """Count an attempt whose intent is recorded."""
        self.attempts += 1
        self.first = self.first or request

    @property
    def received_ns(self) -> int:
        """When it was received, by the steady clock, as far as its time to live goes."""
        return self.deadline_ns - (self.expires_at_ns - self.received_at_ns)

    @classmethod
    def of(cls, history: SignalHistory, clock: Clock) -> PendingSignal:
        """The entry of a signal as the journal knows it. What it had left is left, and never more than it ever had."""
        first = history.events[0]
        if not isinstance(first.body, e.Accepted):
            raise TypeError(f"{history.signal_id} was never accepted")
        raw = Raw(history.raw, generated=first.body.generated, may_say_now=True)
        signal, _ = read_signal(raw, first.at_ns)
        if signal.id != history.signal_id:  # recorded when other notations of a number were other signals
            signal = replace(signal, id=history.signal_id)
        expires_at_ns = first.body.expires_at_ns
        deadline_ns = _left(expires_at_ns, first.at_ns, clock)
        entry = cls(
            history.number, signal, first.at_ns, expires_at_ns, deadline_ns, first.body.score, mid=first.body.mid
        )
        bodies = [event.body for event in history.events]
        entry.spent = sum(isinstance(body, e.Deferred) and body.reason not in COSTS_NO_ATTEMPT for body in bodies)
        for body in bodies:
            if isinstance(body, e.Intent):
                entry.attempted(body)
        for intent, outcome in pairwise(bodies):
            if isinstance(intent, e.Intent) and isinstance(outcome, e.Deferred) and outcome.final:
                entry.rejected_by |= {intent.trader}
        last = bodies[-1]
        if isinstance(last, e.Deferred):
            entry.due_ns = _left(last.retry_at_ns, history.events[-1].at_ns, clock)
            entry.obstacle = Refusal(last.reason, measured=last.detail)
        return entry


class PendingQueue:
    """Every signal that waits, by number, which of them are blocked, and the moment the next of them expires.

    What expires is recorded here, with its last obstacle, or the halt where it met none; so is what a newer generated
    entry signal of the same source and symbol supersedes. `occupied` emits when the first signal enters the
    empty queue. Memory: the signals that wait.
    """

    def __init__(
        self,
        clock: Clock,
        commits: GroupCommit,
        blocked: BlockedSignals,
        *,
        supersede: bool,
        halted: Callable[[], e.Halted | None] = lambda: None,
    ) -> None:
        self.entries: dict[int, PendingSignal] = {}
        self.blocked = blocked
        self._occupied: Subject[None] = Subject()
        self._clock, self._commits, self._supersede = clock, commits, supersede
        self._halted = halted
        self._deadlines: Deadlines[int] = Deadlines()
        self._alarm = clock.alarm(self._expire)
        self._newest: dict[tuple[str, str], PendingSignal] = {}

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def occupied(self) -> Observable[None]:
        """The first signal enters the empty queue."""
        return self._occupied

    def add(self, entry: PendingSignal) -> bool:
        """Let a signal wait; False when it is superseded at once, by a newer one that came before it."""
        waits = bool(self.enter((entry,)))
        self.end_in_time((entry,))
        return waits

    def enter(self, entries: Sequence[PendingSignal]) -> Sequence[PendingSignal]:
        """Let signals wait; gives them without those that are superseded at once, by a newer one that came before them.

        Those that still wait after this turn of the loop need `end_in_time`.
        """
        was_empty = not self.entries
        self.entries.update([(entry.number, entry) for entry in entries])
        if was_empty and entries:
            self._occupied.on_next(None)
        if not self._supersede:
            return entries
        return [e for e in entries if not (e.signal.generated and e.signal.side is Side.BUY) or self._newer(e)]

    def end_in_time(self, entries: Iterable[PendingSignal]) -> None:
        """Have those of the signals that still wait expire at their deadlines."""
        for entry in entries:
            if entry.number in self.entries:
                self._deadlines.add(entry.number, entry.deadline_ns)
                self._alarm.set(entry.deadline_ns)

    def remove(self, number: int) -> PendingSignal | None:
        """Take a signal out; None if it is no longer waiting."""
        entry = self.entries.pop(number, None)
        if entry is not None:
            self._deadlines.discard(number)
            self.blocked.discard(number)
            if self._newest and self._newest.get(what := _what(entry.signal)) is entry:
                del self._newest[what]
        return entry

    def obstacle(self, entry: PendingSignal) -> Refusal:
        """What blocks a waiting signal, as far as is known; the halt if nothing else is."""
        why = self.blocked.why(entry.number) or entry.obstacle
        return why if why is not _AWAITING else halting(entry.signal, self._halted()) or why

    def end(self, entry: PendingSignal, body: e.Body) -> None:
        """Take a signal out for good, with `body` as its last event."""
        self.remove(entry.number)
        self._commits.submit(Item(self._clock.wall_ns(), (body,), entry.number, entry.signal.id, done=True), must=True)

    def _newer(self, entry: PendingSignal) -> bool:
        what = _what(entry.signal)
        other = self._newest.get(what)
        newest = other is None or _age(entry) > _age(other)
        old, new = (other, entry) if newest else (entry, other)
        if old is not None and new is not None:
            self.end(old, e.Superseded(by=new.signal.id))
        if newest:
            self._newest[what] = entry
        return newest

    def _expire(self) -> None:
        for number in self._deadlines.due(self._clock.now_ns()):
            if entry := self.entries.get(number):
                why = self.obstacle(entry)
                self.end(entry, e.Expired(reason=why.reason, measured=why.measured, limit=why.limit, rule=why.rule))
        if (next_ns := self._deadlines.next_ns) is not None:
            self._alarm.set(next_ns)


def _left(at_ns: int, since_at_ns: int, clock: Clock) -> int:
    """When a stored moment comes, by the steady clock: after what is left of the time between the two, and never after
    more than that, even if the wall clock was set since."""
    return min(clock.due_ns(at_ns), clock.now_ns() + at_ns - since_at_ns)


def _what(signal: Signal) -> tuple[str, str]:
    return signal.source, signal.symbol


def _age(entry: PendingSignal) -> tuple[int, int]:
    return entry.signal.timestamp_ns, entry.number


def enqueue(
    pending: PendingQueue, *, clock: Clock, urgent: Callable[[PendingSignal], bool]
) -> Callable[[Observable[Sequence[Entered]]], Observable[Sequence[PendingSignal]]]:
    """Let accepted signals into the waiting room.

        -a-R-b-|          R is refused, b is urgent
        -----b-|

    Emits when:      signals have entered that should be executed at once: those of one commit.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          the waiting room.
    """

    def stage(source: Observable[Sequence[Entered]]) -> Observable[Sequence[PendingSignal]]:
        def subscribe(
            observer: abc.ObserverBase[Sequence[PendingSignal]], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            def on_next(together: Sequence[Entered]) -> None:
                now_ns = clock.now_ns()
                entries: list[PendingSignal] = []
                for entered in together:
                    verdict, first = entered.verdict, entered.first
                    if type(first) is not e.Accepted or verdict.score is None:
                        continue
                    at_ns, expires_ns = verdict.at_ns, first.expires_at_ns
                    entry = PendingSignal(
                        entered.number,
                        verdict.signal,
                        at_ns,
                        expires_ns,
                        (verdict.received_ns or now_ns) + expires_ns - at_ns,
                        verdict.score.value,
                    )
                    entry.mid = first.mid
                    entries.append(entry)
                at_once = [entry for entry in pending.enter(entries) if urgent(entry)]
                if at_once:
                    observer.on_next(at_once)
                pending.end_in_time(entries)

            return source.subscribe(on_next, observer.on_error, observer.on_completed)

        return Observable(subscribe)

    return stage
