"""Recording: each verdict is committed to the journal under its signal's identity, and its sender gets a receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, abc

from operators.chunks import subscribe_chunks
from operators.group_commit import CommitResult, GroupCommit
from tidegate.domain.events import Body, Redelivered
from tidegate.domain.identity import conflicting_id
from tidegate.domain.ports import Committed, Conflict, Item, ItemRefused
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Receipt
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["Entered", "record"]


class Entered(Struct, frozen=True, gc=False):
    """A verdict that is in the journal, under its signal's `number`. `known` says it had been there before; of a new
    one, `first` is what was recorded."""

    verdict: Verdict
    number: int
    known: bool = False
    first: Body | None = None


def record(
    commits: GroupCommit, *, item_of: Callable[[Verdict], Item], turned_away: Callable[[Verdict, Reason], None]
) -> Callable[[Observable[Verdict]], Observable[Sequence[Entered]]]:
    """Record each verdict, send its receipt, and emit it together with those of the same commit.

        -a-b-a'-c|        a' is a again, c is a with other content
        -a-b-a--C|        C is refused: conflict

    `item_of` says what is recorded of a verdict. A known signal with the same content is recorded as redelivered; with
    other content it is recorded as another signal, refused. A verdict that cannot be committed goes to `turned_away`,
    as malformed if it never can be.

    Emits when:      verdicts are committed: those of one commit, in the order of arrival.
    Completes when:  upstream completed and everything is committed.
    Errors when:     upstream errors.
    Memory:          verdicts under way, bounded by `admit`.
    """

    def stage(source: Observable[Verdict]) -> Observable[Sequence[Entered]]:
        def subscribe(
            observer: abc.ObserverBase[Sequence[Entered]], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            under_way = 0
            completed = False

            def on_chunk(verdicts: Sequence[Verdict]) -> None:
                nonlocal under_way
                under_way += len(verdicts)
                commits.submit_all([item_of(verdict) for verdict in verdicts], entered, verdicts)

            def entered(verdicts: Sequence[Verdict], answers: Sequence[CommitResult]) -> None:
                gone: list[Entered] = []
                for verdict, answer in zip(verdicts, answers, strict=True):
                    if type(answer) is Committed:
                        first = answer.events[0]
                        gone.append(Entered(verdict, first.number, False, first.body))
                        if verdict.reply is not None:
                            commits.notify(verdict.reply, Receipt(verdict.signal.id, _reason(verdict)))
                    elif type(answer) is Conflict:
                        settle(verdict, answer)
                    else:
                        turn_away(verdict, answer)
                leave(gone)

            def settle(verdict: Verdict, conflict: Conflict) -> None:
                signal = verdict.signal
                if conflict.same_content:
                    again = Item(verdict.at_ns, (Redelivered(),), conflict.number, signal.id)
                    commits.submit(again, redelivered, (verdict, conflict.number))
                    return
                refusal = Refusal(Reason.CONFLICT, measured=signal.content.hex(), limit=f"as first sent: {signal.id}")
                signal = replace(signal, id=conflicting_id(signal.id, signal.content))
                refused = Verdict(signal, verdict.at_ns, verdict.score, refusal, verdict.reply)
                commits.submit(item_of(refused), entered, refused)

            def redelivered(known: Sequence[tuple[Verdict, int]], answers: Sequence[CommitResult]) -> None:
                gone: list[Entered] = []
                for (verdict, number), answer in zip(known, answers, strict=True):
                    if type(answer) is Committed:
                        gone.append(Entered(verdict, number, known=True))
                        if verdict.reply is not None:
                            commits.notify(verdict.reply, Receipt(verdict.signal.id, redelivered=True))
                    else:
                        turn_away(verdict, answer)
                leave(gone)

            def turn_away(verdict: Verdict, answer: CommitResult) -> None:
                nonlocal under_way
                under_way -= 1
                reason = Reason.MALFORMED if type(answer) is ItemRefused else Reason.JOURNAL_UNAVAILABLE
                turned_away(verdict, reason)
                if verdict.reply is not None:
                    commits.notify(verdict.reply, Receipt(None, reason))

            def leave(gone: Sequence[Entered]) -> None:
                nonlocal under_way
                under_way -= len(gone)
                if gone:
                    observer.on_next(gone)
                if completed and not under_way:
                    observer.on_completed()

            def on_completed() -> None:
                nonlocal completed
                completed = True
                if not under_way:
                    observer.on_completed()

            return subscribe_chunks(source, on_chunk, observer.on_error, on_completed)

        return Observable(subscribe)

    return stage


def _reason(verdict: Verdict) -> Reason | None:
    return verdict.refusal.reason if verdict.refusal is not None else None
