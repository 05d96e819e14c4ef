"""Verdicts that expire."""

from __future__ import annotations

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from operators.deadlines import Deadlines
from operators.screen import Stage
from operators.timing import timed
from tidegate.clock import Clock
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["expire"]


@timed
def expire(*, ttl_s: float, clock: Clock, ended: Observable[str]) -> Stage:
    """Pass every verdict, and an accepted one once more, refused, when its time to live is over before it ended.

        -a--b------|        ttl_s=5
        ---a--------        ended
        -a--b----B-|        b has expired

    The time to live is the signal's own, else `ttl_s`, and counts from its receipt, by the steady clock. `ended` emits
    the ids of signals that have ended. The refusal is `awaiting_tick`: measured are the seconds waited, limit is
    the time to live.

    Emits when:      upstream emits, and at the deadline of each accepted signal that has not ended.
    Completes when:  upstream has completed and nothing waits.
    Errors when:     upstream errors, or `ended` does.
    Memory:          one entry for each accepted signal that has neither ended nor expired.

    Raises:
        ValueError: `ttl_s` is not above 0.
    """
    if not ttl_s > 0:
        raise ValueError(f"ttl_s must be above 0, was {ttl_s}")

    def operator(source: Observable[Verdict]) -> Observable[Verdict]:
        def subscribe(observer: abc.ObserverBase[Verdict], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            waiting: dict[str, tuple[Verdict, int]] = {}
            deadlines: Deadlines[str] = Deadlines()
            completed = False

            def receive(verdict: Verdict) -> None:
                signal = verdict.signal
                if verdict.refusal is None and signal.id not in waiting:
                    received_ns = verdict.received_ns or clock.now_ns()
                    waiting[signal.id] = verdict, received_ns
                    deadline_ns = received_ns + round((signal.ttl_s or ttl_s) * 1e9)
                    deadlines.add(signal.id, deadline_ns)
                    alarm.set(deadline_ns)
                observer.on_next(verdict)

            def ring() -> None:
                now_ns = clock.now_ns()
                for signal_id in deadlines.due(now_ns):
                    verdict, received_ns = waiting.pop(signal_id)
                    signal, waited_s = verdict.signal, (now_ns - received_ns) / 1e9
                    refusal = Refusal(Reason.AWAITING_TICK, measured=waited_s, limit=signal.ttl_s or ttl_s)
                    observer.on_next(Verdict(signal, clock.wall_ns(), verdict.score, refusal))
                if (next_ns := deadlines.next_ns) is not None:
                    alarm.set(next_ns)
                complete_if_over()

            def end(signal_id: str) -> None:
                deadlines.discard(signal_id)
                if waiting.pop(signal_id, None) is not None:
                    complete_if_over()

            def complete() -> None:
                nonlocal completed
                completed = True
                complete_if_over()

            def complete_if_over() -> None:
                if completed and not waiting:
                    observer.on_completed()

            alarm = clock.alarm(ring)
            return CompositeDisposable(
                ended.subscribe(end, observer.on_error),
                source.subscribe(receive, observer.on_error, complete),
                Disposable(alarm.clear),
            )

        return Observable(subscribe)

    return operator
