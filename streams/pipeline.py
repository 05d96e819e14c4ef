"""The whole pipeline on one page: how a signal becomes an order, or a recorded reason why it did not.

sources ──► admit ─► identify ─► rules ─► record ─► enqueue ─┐ urgent
                                                             ▼
interval ⊕ retries ⊕ freed ⊕ urgent ⊕ asked ──► cycles ─► dequeue ─► decide ─► intent ─► send ─► outcome
                                                                                                    │
                        resolve (lost answers) ⊕ reconcile (accounts) ⊕ probe (open circuits) ◄─────┘
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Never

from msgspec import Struct
from reactivex import Observable, abc, merge, never
from reactivex import operators as ops

from operators import identify
from operators.group_commit import GroupCommit
from operators.record import record
from streams.activity import Activity
from streams.availability import Availability
from streams.checks.situation import Known
from streams.decision import Decision, OrderRules, decide
from streams.execution import Cause, ExecutionCycle, Schedule, Turn, at_once, cycles, dequeue, requeue
from streams.folds import Folds
from streams.in_flight import InFlight
from streams.intake import IntakeLoad, entry_item
from streams.market import Markets
from streams.orders import OrderUpdates
from streams.own_executions import Executions
from streams.pending import PendingQueue, PendingSignal, enqueue
from streams.placement import Placement
from streams.probing import probe
from streams.published import Published
from streams.reconciliation_schedule import ReconciliationSchedule, reconcile
from streams.resolution import Resolution, resolve
from streams.state import State
from streams.traders import Trader
from tidegate.clock import Clock
from tidegate.domain.ports import Item
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Verdict

__all__ = ["Parts", "PipelineRules", "pipeline"]

Stage = Callable[[Observable[Verdict]], Observable[Verdict]]


class PipelineRules(Struct, frozen=True):
    """What a signal must pass, and when those that passed are executed: by `executions` of the default cycles.

    The journal is compared with the venues every `reconcile_every_s`; None where venues have no store of their own.
    With `mid_at_receipt` the middle of its market is recorded with each accepted signal.
    """

    admit: Callable[[Observable[Raw]], Observable[Raw]]
    entry: Stage
    execution: OrderRules
    schedule: Schedule
    executions: Executions
    ttl_ns: int
    reconcile_every_s: float | None
    mid_at_receipt: bool
    urgent: Callable[[PendingSignal], bool]


class Parts(Struct, frozen=True):
    """What the streams of one running pipeline share, and no two pipelines may: what is known, what waits, what is on
    its way, the accounts, and who records it all."""

    clock: Clock
    commits: GroupCommit
    state: State
    folds: Folds
    markets: Markets
    traders: Sequence[Trader]
    pending: PendingQueue
    in_flight: InFlight
    placement: Placement
    updates: OrderUpdates
    resolution: Resolution
    reconciliations: ReconciliationSchedule
    availability: Availability
    intake_load: IntakeLoad
    activity: Activity
    published: Published


def pipeline(
    signals: Observable[Raw],
    rules: PipelineRules,
    fresh: Callable[[], Parts],
    *,
    asked: Observable[ExecutionCycle] | None = None,
) -> Observable[Sequence[Decision]]:
    """From signals to recorded outcomes. `asked` brings executions on demand.

    Building it does nothing. Each subscription starts a pipeline, over parts of its own from `fresh`: one that gives
    the same parts twice must not be subscribed twice. Unsubscribing ends the way in; orders that are on their way are
    seen through all the same.

    Emits when:      waiting signals were decided on: those whose turn it was.
    Completes when:  never.
    Errors when:     a stream breaks that must not: the pipeline has to be stopped.
    Memory:          signals that are not committed, that wait, or that are in flight.
    """

    def subscribe(
        observer: abc.ObserverBase[Sequence[Decision]], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        parts = fresh()
        believe(parts, observer.on_error)
        return flow(signals, rules, parts, never() if asked is None else asked).subscribe(observer)

    return Observable(subscribe)


def believe(parts: Parts, broken: Callable[[Exception], None]) -> None:
    """Fold what is committed and listen to the venues, also after the way in has ended."""
    parts.commits.committed.subscribe(parts.folds.fold, broken)
    parts.commits.committed.subscribe(parts.updates.follow, broken)
    for trader in parts.traders:
        parts.placement.open(trader.venue)
        trader.venue.listen(parts.updates.on_update)


def flow(
    signals: Observable[Raw], rules: PipelineRules, parts: Parts, asked: Observable[ExecutionCycle]
) -> Observable[Sequence[Decision]]:
    """The streams of one pipeline over its parts; see `pipeline`."""
    clock, pending, placement, published = parts.clock, parts.pending, parts.placement, parts.published
    venues = {trader.id: trader.venue for trader in parts.traders}

    def first_event(verdict: Verdict) -> Item:
        mid = parts.markets.mid(verdict.signal.symbol) if rules.mid_at_receipt else None
        return entry_item(verdict, rules.ttl_ns, mid)

    decided = decide(rules.execution, Known(parts.state, parts.markets, parts.traders, parts.availability))

    def begin(cycle: ExecutionCycle) -> None:
        parts.activity.cycle(cycle)
        parts.intake_load.record(clock.wall_ns())
        published.executions.publish(cycle)

    def execute(turn: Turn) -> Sequence[Decision]:
        decisions = placement.take(turn, decided)
        parts.activity.decided(len(decisions))
        return decisions

    received = signals.pipe(rules.admit, identify(clock))
    judged = received.pipe(
        rules.entry,
        record(parts.commits, item_of=first_event, turned_away=parts.intake_load.turned_away),
        ops.do_action(published.recorded),
        enqueue(pending, clock=clock, urgent=rules.urgent),
        at_once(clock),
    )
    retried = placement.retry_at.pipe(requeue(clock))
    freed = pending.blocked.over.pipe(ops.map(lambda _: ExecutionCycle(clock.now_ns(), Cause.FREED)))
    due = cycles(rules.schedule, clock=clock, asked=merge(asked, judged, retried, freed), pending=pending)
    placed = due.pipe(
        rules.executions,
        ops.do_action(begin),
        dequeue(pending, parts.in_flight, clock=clock),
        ops.map(execute),
    )
    resolved = placement.unknown.pipe(resolve(parts.resolution))
    reconciled: Observable[Never] = never()
    if rules.reconcile_every_s is not None:
        reconciled = reconcile(parts.reconciliations, parts.availability)
    probed = parts.availability.opened.pipe(probe(parts.availability, venues, clock=clock))
    return merge(placed, resolved, reconciled, probed.pipe(ops.ignore_elements()))
