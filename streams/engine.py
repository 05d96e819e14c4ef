"""One running pipeline: started, asked, halted, drained, stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from traceback import extract_tb

from reactivex import Observable, Subject
from reactivex.disposable import CompositeDisposable

from operators.chunks import subscribe_chunks
from streams.execution import Cause, ExecutionCycle
from streams.inbox import Inbox
from streams.pending import PendingSignal
from streams.pipeline import Parts, PipelineRules, pipeline
from streams.reconciliation_schedule import ReconciliationSchedule
from streams.resolution import Resolution
from streams.traders import Trader
from tidegate.domain import events as e
from tidegate.domain.difference import Difference
from tidegate.domain.incident import IncidentKind
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Mark, base_of
from tidegate.domain.ports import Item, Journal, SignalHistory
from tidegate.domain.signal import Raw, Receipt
from tidegate.domain.text import encodable, safe, words_of

__all__ = ["Engine"]

_DRAIN_S = 10.0
_LAST_WORD_NS = 1_000_000_000


class Engine:
    """The pipeline of `streams.pipeline` with its journal, from start to stop. Everything is called on its loop.

    `failed` is set when a stream broke that must not: then nothing more is sent, and the program has to say so.
    """

    def __init__(
        self,
        parts: Parts,
        rules: PipelineRules,
        journal: Journal,
        *,
        close_journal: Callable[[], None],
        close_venues: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.parts, self.rules, self.journal = parts, rules, journal
        self.inbox = Inbox(parts.clock)
        self.failed = parts.clock.loop.create_future()
        self.open_inputs = 0
        self.started_ns = parts.clock.now_ns()
        self._close_journal, self._close_venues = close_journal, close_venues
        self._subscriptions = CompositeDisposable()
        self._asked: Subject[ExecutionCycle] = Subject()
        self._waiting_for_idle: list[Callable[[Exception | None], None]] = []
        self._submitting: set[Callable[[Exception], None]] = set()
        self._started = False

    @property
    def traders(self) -> Sequence[Trader]:
        """The accounts that may take orders."""
        return self.parts.traders

    @property
    def resolution(self) -> Resolution:
        """The orders whose answer was lost, and what a person decides about them."""
        return self.parts.resolution

    @property
    def reconciliations(self) -> ReconciliationSchedule | None:
        """The comparison of the journal with the venues; None where they have no store of their own."""
        return None if self.rules.reconcile_every_s is None else self.parts.reconciliations

    async def start(self, inputs: Sequence[Observable[Raw]], background: Sequence[Observable[Raw]] = ()) -> None:
        """Resume what an earlier run left, then let signals in: from the inbox, and from the streams given.

        The pipeline is not idle before the `inputs` are at their end; it does not wait for the `background`.
        """
        parts = self.parts
        self._started = True
        self.started_ns = parts.clock.now_ns()
        running = pipeline(self.inbox.signals, self.rules, lambda: parts, asked=self._asked)
        self._subscriptions.add(running.subscribe(on_error=self._fail))
        parts.commits.committed.subscribe(self._watch, self._fail)
        parts.commits.refused.subscribe(self._not_recorded, self._fail)
        self.observe("activity", parts.activity.watch)
        self._report_dropped_folds()
        parts.commits.committed.subscribe(parts.published.events.publish_all, self._fail)
        self._halt_for_what_cannot_be()
        histories = {history.number: history for history in self.journal.open()}
        for number in parts.state.statuses.keys() - histories.keys():  # an event that cannot be closed it
            histories[number] = self.journal.history(number)
        for _, history in sorted(histories.items()):  # before anything new is recorded
            self._resume(history)
        await self.committed()
        for stream in background:
            self._subscriptions.add(subscribe_chunks(stream, self.inbox.give, self._fail, _nothing))
        self.open_inputs = len(inputs)
        for stream in inputs:
            self._subscriptions.add(subscribe_chunks(stream, self.inbox.give, self._fail, self._input_ended))

    async def submit(self, payload: bytes, *, may_say_now: bool = False) -> Receipt:
        """Hand one signal in, and wait until it is committed or turned away.

        Raises:
            Exception: what broke the pipeline meanwhile.
        """
        receipts: list[Receipt] = []
        answered = self.parts.clock.loop.create_future()

        def reply(receipt: Receipt) -> None:
            receipts.append(receipt)
            if not answered.done():
                answered.set_result(None)

        def broken(error: Exception) -> None:
            if not answered.done():
                answered.set_exception(error)

        self._submitting.add(broken)
        try:
            self.inbox.give((Raw(payload, may_say_now=may_say_now, reply=reply),))
            await answered
        finally:
            self._submitting.discard(broken)
        return receipts[0]

    def observe(self, name: str, watch: Callable[[Sequence[e.Recorded]], None]) -> None:
        """Let `watch` see the events of every commit. What it raises is recorded as an incident, and stops nothing."""

        def guarded(events: Sequence[e.Recorded]) -> None:
            try:
                watch(events)
            except Exception as error:
                if not any(isinstance(event.body, e.Incident) for event in events):
                    self.fault(IncidentKind.SUBSCRIBER_RAISED, name, error)

        self.parts.commits.committed.subscribe(guarded, self._fail)

    def trigger(self, *numbers: int) -> None:
        """Execute everything that waits, now; or the signals with these numbers only."""
        self._asked.on_next(ExecutionCycle(self.parts.clock.now_ns(), Cause.TRIGGER, numbers))

    def record(self, body: e.Body) -> None:
        """Record an event of the pipeline as a whole: a halt, a resumption, an incident."""
        self.parts.commits.submit(Item(self.parts.clock.wall_ns(), (body,)), must=True)

    def fault(self, kind: IncidentKind, where: str, error: Exception) -> None:
        """Record an incident: something other than a signal went wrong; the streams continue."""
        said = f"{type(error).__name__}: {words_of(error)}{encodable(_place_of(error))}"
        self.record(e.Incident.of(kind, safe(where), said))

    def subscriber_dropped(self, name: str, what: str) -> None:
        """Record that a subscriber of a published stream was dropped, and for what."""
        self.record(e.Incident.of(IncidentKind.SUBSCRIBER_DROPPED, f"subscriber {safe(name)}", encodable(what)))

    @property
    def idle(self) -> bool:
        """Whether the inputs are at their end and nothing waits, is being placed, or is unknown."""
        ledger = self.parts.state.ledger
        busy = ledger.open_among() or self.parts.commits.depth() or self.parts.in_flight.count
        return not self.open_inputs and not busy

    def when_idle(self) -> Awaitable[None]:
        """Done once the pipeline is idle; with the error when it failed."""
        if self.failed.done():
            return self.failed
        idle = self.parts.clock.loop.create_future()

        def notify(error: Exception | None) -> None:
            if not idle.done():
                idle.set_result(None) if error is None else idle.set_exception(error)

        self._waiting_for_idle.append(notify)
        self._look_idle()
        return idle

    async def committed(self) -> None:
        """Wait until everything submitted so far is committed, independent of later submissions; never returns
        once the pipeline broke."""
        commits, clock = self.parts.commits, self.parts.clock
        if not commits.depth() and not commits.committed.is_stopped:
            return
        done = clock.loop.create_future()

        def notify(*_: object) -> None:
            if not done.done():  # the waiting task may have been cancelled
                done.set_result(None)

        commits.submit(Item(clock.wall_ns(), ()), notify, must=True)
        await done

    async def drained(self) -> None:
        """Wait until nothing is in flight and everything is committed."""
        parts = self.parts
        await self.committed()
        while parts.in_flight.count or parts.commits.depth():
            await parts.clock.sleep(0.001)
            await self.committed()

    async def stop(self) -> dict[str, int]:
        """Let nothing more in, see what is in flight through for up to 10 s, close the journal; returns what is left.

        What is still in flight then is taken up at the next start.
        """
        parts = self.parts
        self.inbox.close()
        self._subscriptions.dispose()
        deadline_ns = parts.clock.now_ns() + int(_DRAIN_S * 1e9)
        await self._while_before(deadline_ns, lambda: parts.in_flight.count or parts.commits.depth())
        left = {o.value: n for o, n in parts.state.ledger.outcomes.items() if n and o in _LEFT}
        parts.intake_load.record(parts.clock.wall_ns())
        parts.commits.take_image()
        self.record(e.Stopped(left=left, marks=self._marks()))
        await self._while_before(deadline_ns + _LAST_WORD_NS, parts.commits.depth)
        self._close_journal()
        for close in self._close_venues:
            await close()
        parts.published.end()
        return left

    def _marks(self) -> dict[str, Mark]:
        has = {c for a in self.parts.state.book.accounts.values() for c, b in a.balances.items() if b.total}
        return {symbol: mark for symbol, mark in self.parts.markets.marks().items() if base_of(symbol) in has}

    async def _while_before(self, deadline_ns: int, busy: Callable[[], int]) -> None:
        parts = self.parts
        while busy() and not parts.commits.committed.is_stopped and parts.clock.now_ns() < deadline_ns:
            await parts.clock.sleep(0.01)

    async def differences(self, *, apply: bool) -> tuple[Sequence[Difference], Sequence[str]]:
        """Compare the journal with the venues now: what differs, and who could not be asked. A pipeline that was not
        started settles nothing."""
        if not self._started:
            for history in self.journal.open():
                if self.parts.state.outcome(history.number) is Outcome.PLACED:
                    self.parts.updates.remember(history)
        settles = self._started and self.reconciliations is not None
        return await self.parts.reconciliations.ask(apply=apply and settles)

    def _resume(self, history: SignalHistory) -> None:
        parts, outcome = self.parts, self.parts.state.outcome(history.number)
        if outcome is Outcome.WAITING:
            entry = PendingSignal.of(history, parts.clock)
            if parts.pending.add(entry) and entry.due_ns:
                parts.placement.retry(entry)
        elif outcome in (Outcome.PLACING, Outcome.UNKNOWN, Outcome.PARKED):
            parts.resolution.resume(history, outcome)
        elif outcome is Outcome.PLACED:
            parts.updates.remember(history)

    def _watch(self, _: Sequence[e.Recorded]) -> None:
        state = self.parts.state
        self._report_dropped_folds()
        self._halt_for_what_cannot_be()
        if not state.ledger.balanced and state.halted is None:
            self.record(e.Halted(reduce_only=True, why="the ledger does not balance"))
        if self._waiting_for_idle:
            self.parts.clock.call_soon(self._look_idle)

    def _report_dropped_folds(self) -> None:
        for name, error in self.parts.folds.take_failed():
            self.fault(IncidentKind.FOLD_DROPPED, f"fold {name}", error)

    def _halt_for_what_cannot_be(self) -> None:
        """Halt entries for events that cannot follow the ones before them, unless they were reported before."""
        illegal = self.parts.state.illegal
        if illegal:
            named = "; ".join(f"signal {signal_id}: {why}" for signal_id, why in illegal.items())
            illegal.clear()
            halted = self.parts.state.halted
            closing_may_go = halted is None or halted.reduce_only
            self.record(e.Halted(reduce_only=closing_may_go, why=f"the journal has events that cannot be: {named}"))

    def _not_recorded(self, refused: tuple[Item, str]) -> None:
        """Tell of an item that the journal did not take; where it was an event of a known signal, halt entries."""
        item, why = refused
        kinds = ", ".join(e.kind_of(body) for body in item.bodies)
        whose = f" of signal {item.signal_id}" if item.signal_id else ""
        self.record(e.Incident.of(IncidentKind.JOURNAL_REFUSED, "journal", f"{kinds}{whose} was not recorded: {why}"))
        for body in item.bodies:
            if isinstance(body, e.Halted):  # its text may be what was refused
                self.record(e.Halted(reduce_only=body.reduce_only, why=ascii(body.why)))
        if item.number and self.parts.state.halted is None:
            self.record(e.Halted(reduce_only=True, why=f"{kinds}{whose} was not recorded: {why}"))

    def _look_idle(self) -> None:
        if self.idle:
            self._tell_idle(None)

    def _tell_idle(self, error: Exception | None) -> None:
        for notify in self._waiting_for_idle:
            notify(error)
        self._waiting_for_idle.clear()

    def _input_ended(self) -> None:
        self.open_inputs -= 1
        if not self.open_inputs:
            self.parts.commits.when_idle(self.trigger)
            self.parts.commits.when_idle(self._look_idle)

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
        self.inbox.close()
        self._subscriptions.dispose()
        self.parts.published.end(error)
        for broken in self._submitting:
            broken(error)
        self._tell_idle(error)


def _nothing() -> None:
    """A background's end changes nothing."""


def _place_of(error: Exception) -> str:
    frames = extract_tb(error.__traceback__, limit=-1)
    return f" ({Path(frames[0].filename).name}, line {frames[0].lineno})" if frames else ""


_LEFT = (Outcome.WAITING, Outcome.PLACING, Outcome.UNKNOWN, Outcome.PARKED)
