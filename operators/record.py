"""Recording: everything that happens is committed to the journal here, in groups, before it counts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, Subject, abc

from operators.transitions import Transitions
from tidegate.clock import Clock
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.events import Body, Recorded, Redelivered
from tidegate.domain.identity import conflicting_id
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.ports import CommitResults, Committed, Conflict, Item, ItemRefused, Journal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Receipt, Reply
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["CommitResult", "Entered", "GroupCommit", "record"]

_T = TypeVar("_T")

CommitResult: TypeAlias = Committed | Conflict | ItemRefused | JournalUnavailable

_RETRY_FIRST_S, _RETRY_LAST_S = 0.1, 5.0
_IMAGE_BYTES_PER_EVENT = 64
_MANY = 64


class _Pending(Struct, Generic[_T], frozen=True, gc=False):
    item: Item
    on_done: Callable[[Sequence[_T], Sequence[CommitResult]], None] | None
    context: _T
    must: bool


_Done: TypeAlias = tuple[Sequence[_Pending[object]], CommitResults]

_callback_of = attrgetter("on_done")


class GroupCommit:
    """Commits in groups: everything that arrives while a commit is under way goes into the next one. If much waits, the
    next one begins before the callbacks of the last.

    `committed` carries the events of each commit, as a sequence, before the callbacks. It errors if one of its
    subscribers or a callback raises: then nothing is committed any more. An item is refused if its events cannot be
    encoded, or cannot follow those before it, by `outcome_of` its signal and by what is queued: `refused` carries it
    with the reason, and the others of its group are committed. After a failed commit, items that `must` be recorded are
    retried until they are, the oldest first; the callbacks of the others get the error. An image of the state is
    written every `image_every` events, or less often if it is large: it adds 64 bytes to an event. Memory: what is
    submitted and not committed; `admit` bounds it by `depth`.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock,
        group_max: int,
        images: Callable[[], Mapping[str, bytes]],
        outcome_of: Callable[[int], Outcome | None],
        image_every: int = 4096,
    ) -> None:
        self.committed: Subject[Sequence[Recorded]] = Subject()
        self.refused: Subject[tuple[Item, str]] = Subject()
        self.failing: JournalUnavailable | None = None
        self._journal, self._clock, self._group_max = journal, clock, group_max
        self._images, self._image_every = images, image_every
        self._image_due_at = journal.head() + image_every
        self._transitions = Transitions(outcome_of)
        self._pending: deque[_Pending[object]] = deque()
        self._under_way = 0
        self._delay_s = _RETRY_FIRST_S
        self._running = False
        self._task: asyncio.Task[None] | None = None  # the loop itself keeps no hold of it
        self._idle: list[Callable[[], None]] = []

    def depth(self) -> int:
        """How many items are submitted and not committed."""
        return len(self._pending) + self._under_way

    def outcome(self, number: int) -> Outcome | None:
        """What a signal will be once everything submitted is committed; None if it is done, and stays so."""
        return self._transitions.outcome(number)

    def submit(
        self,
        item: Item,
        on_done: Callable[[Sequence[_T], Sequence[CommitResult]], None] | None = None,
        context: _T | None = None,
        *,
        must: bool = False,
    ) -> None:
        """Commit an item, then call `on_done(contexts, results)`. Only from the loop's own thread.

        Neighbours in one commit with the same `on_done` share one call.
        """
        self._pending.append(_Pending(item, on_done, context, must))  # type: ignore[arg-type]
        self._transitions.queue(item)
        if not self._running:
            self._running = True
            self._clock.call_soon(self._start)

    def when_idle(self, then: Callable[[], None]) -> None:
        """Call `then` once nothing is left to commit."""
        if self._running:
            self._idle.append(then)
        else:
            then()

    def take_image(self) -> None:
        """Write an image of the state with the next commit, which saves the next start some work."""
        self._image_due_at = 0

    def notify(self, reply: Reply, receipt: Receipt) -> None:
        """Give a sender its receipt. What its reply raises goes to the loop's exception handler."""
        try:
            reply(receipt)
        except Exception as error:
            self._clock.loop.call_exception_handler({"message": "exception in a reply", "exception": error})

    def _start(self) -> None:
        self._task = self._clock.loop.create_task(self._run(), name="group commit")

    async def _run(self) -> None:
        following: asyncio.Task[_Done | None] | None = None
        try:
            while self._pending or following is not None:
                done = await (following or self._commit_group())
                following = None
                if done is None:
                    continue
                if len(self._pending) >= _MANY and self._journal.head() < self._image_due_at:
                    following = self._clock.loop.create_task(self._commit_group(), name="group commit")
                    await asyncio.sleep(0)  # so that it is under way while the last one is folded
                self._believe(*done)
                await asyncio.sleep(0)
        except Exception as error:  # a bug, or an impossible fold: nothing may count any more
            self.committed.on_error(error)
            return
        except asyncio.CancelledError:  # from outside: what is under way may be recorded or not, a restart shows which
            self.committed.on_error(JournalUnavailable("recording was cancelled"))
            raise
        self._running = False
        idle, self._idle = self._idle, []
        for then in idle:
            then()

    async def _commit_group(self) -> _Done | None:
        group = self._next_group()
        self._under_way += len(group)
        why_not = [self._transitions.why_not(pending.item) for pending in group]
        items = [pending.item for pending, why in zip(group, why_not, strict=True) if why is None]
        try:
            committed = iter(await self._journal.commit(items, self._snapshots()) if items else ())
        except JournalUnavailable as error:
            self.failing = error
            self._under_way -= len(group)
            self._pending.extendleft(pending for pending in reversed(group) if pending.must)
            given_up = [pending for pending in group if not pending.must]
            for pending in given_up:
                self._transitions.drop(pending.item)
            self._notify(given_up, [error] * len(given_up))
            if self._pending:
                await asyncio.sleep(self._delay_s)
                self._delay_s = min(self._delay_s * 2, _RETRY_LAST_S)
            return None
        return group, [next(committed) if why is None else ItemRefused(why) for why in why_not]

    def _believe(self, group: Sequence[_Pending[object]], answers: CommitResults) -> None:
        self.failing, self._delay_s = None, _RETRY_FIRST_S
        self._under_way -= len(group)
        for pending in group:
            self._transitions.drop(pending.item)
        self.committed.on_next([event for a in answers if type(a) is Committed for event in a.events])
        for pending, answer in zip(group, answers, strict=True):
            if type(answer) is ItemRefused:
                self.refused.on_next((pending.item, answer.why))
        self._notify(group, answers)

    def _next_group(self) -> Sequence[_Pending[object]]:
        pending = self._pending
        if len(pending) > self._group_max:
            return [pending.popleft() for _ in range(self._group_max)]
        self._pending = deque()
        return pending

    def _snapshots(self) -> Mapping[str, bytes]:
        head = self._journal.head()
        if head < self._image_due_at:
            return {}
        images = self._images()
        size = sum(map(len, images.values()))
        self._image_due_at = head + max(self._image_every, size // _IMAGE_BYTES_PER_EVENT)
        return images

    @staticmethod
    def _notify(group: Sequence[_Pending[object]], answers: Sequence[CommitResult]) -> None:
        done = 0
        for on_done, run in groupby(group, _callback_of):
            contexts = [pending.context for pending in run]
            if on_done is not None:
                on_done(contexts, answers[done : done + len(contexts)])
            done += len(contexts)


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

            def on_next(verdict: Verdict) -> None:
                nonlocal under_way
                under_way += 1
                commits.submit(item_of(verdict), entered, verdict)

            def entered(verdicts: Sequence[Verdict], answers: Sequence[CommitResult]) -> None:
                gone: list[Entered] = []
                for verdict, answer in zip(verdicts, answers, strict=True):
                    if type(answer) is Committed:
                        first = answer.events[0]
                        gone.append(Entered(verdict, first.number, first=first.body))
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

            return source.subscribe(on_next, observer.on_error, on_completed)

        return Observable(subscribe)

    return stage


def _reason(verdict: Verdict) -> Reason | None:
    return verdict.refusal.reason if verdict.refusal is not None else None
