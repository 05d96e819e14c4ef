"""The whole story on one page: how a signal becomes an order, a refusal, or a line that says why neither.

doors ──► admit ─► identify ─► rules ─► record ─► hold ─┐ urgent
                                                        ▼
interval ⊕ requeue ⊕ freed ⊕ urgent ⊕ trigger ──► ticks ─► release ─► decide ─► intent ─► send ─► outcome
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from reactivex import Observable, Subject, abc, merge
from reactivex import operators as ops

from operators import identify
from operators.record import GroupCommit, record
from streams.activity import Activity
from streams.availability import Availability
from streams.checks.situation import Known
from streams.decision import Decision, OrderRules, decide
from streams.execution import Candidate, Cause, ExecutionCycle, Schedule, at_once, cycles, dequeue
from streams.folds import Folds
from streams.in_flight import InFlight
from streams.intake import IntakeLoad, entry_item
from streams.market import Markets
from streams.orders import OrderUpdates
from streams.pending import PendingQueue, PendingSignal, enqueue
from streams.placement import Placement
from streams.state import State
from streams.traders import Trader
from tidegate.clock import Clock
from tidegate.domain.ports import Item
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Verdict

__all__ = ["Parts", "PipelineRules", "pipeline", "requeue"]

Stage = Callable[[Observable[Verdict]], Observable[Verdict]]


class PipelineRules(Struct, frozen=True):
    """What a signal must pass, and when those that passed are executed.

    The journal is compared with the venues every `reconcile_every_s`; None where venues have no store of their own.
    With `mid_at_receipt` the middle of its market is recorded with each accepted signal.
    """

    admit: Callable[[Observable[Raw]], Observable[Raw]]
    entry: Stage
    execution: OrderRules
    schedule: Schedule
    ttl_ns: int
    reconcile_every_s: float | None
    mid_at_receipt: bool
    urgent: Callable[[PendingSignal], bool]


class Parts(Struct, frozen=True):
    """What the streams share: what is known, what waits, what is on its way, and who records it."""

    clock: Clock
    commits: GroupCommit
    state: State
    folds: Folds
    markets: Markets
    pending: PendingQueue
    in_flight: InFlight
    placement: Placement
    updates: OrderUpdates
    availability: Availability
    intake_load: IntakeLoad
    activity: Activity


def pipeline(
    signals: Observable[Raw],
    traders: Sequence[Trader],
    rules: PipelineRules,
    parts: Parts,
    asked: Subject[ExecutionCycle],
) -> Observable[Sequence[Decision]]:
    """From signals to recorded outcomes. Subscribing starts it; `asked` takes executions on demand.

    Unsubscribing ends the way in. Orders that are on their way are seen through all the same.

    Emits when:      something was decided of waiting signals: of those whose turn it was.
    Completes when:  never.
    Errors when:     a stream breaks that must not: the pipeline has to be stopped.
    Memory:          signals that are not committed, that wait, or that are in flight.
    """
    clock, commits, pending, placement = parts.clock, parts.commits, parts.pending, parts.placement

    def first_event(verdict: Verdict) -> Item:
        mid = parts.markets.mid(verdict.signal.symbol) if rules.mid_at_receipt else None
        return entry_item(verdict, rules.ttl_ns, mid)

    decided = decide(rules.execution, Known(parts.state, parts.markets, traders, parts.availability))

    def execute(turn: Sequence[Candidate]) -> Sequence[Decision]:
        decisions = []
        for candidate in turn:  # each sees what those before it have reserved
            decision = decided(candidate)
            placement.take(decision)
            decisions.append(decision)
        parts.activity.decided(len(turn))
        return decisions

    def executed(cycle: ExecutionCycle) -> None:
        parts.activity.cycle(cycle)
        parts.intake_load.record(clock.wall_ns())

    received = signals.pipe(rules.admit, identify(clock))
    judged = received.pipe(
        rules.entry,
        record(commits, item_of=first_event, turned_away=parts.intake_load.turned_away),
        enqueue(pending, clock=clock, ttl_ns=rules.ttl_ns, urgent=rules.urgent),
        at_once(clock),
    )
    retried = placement.retry_at.pipe(requeue(clock))
    freed = pending.blocked.over.pipe(ops.map(lambda _: ExecutionCycle(clock.now_ns(), Cause.FREED)))
    due = cycles(rules.schedule, clock=clock, asked=merge(asked, judged, retried, freed), pending=pending)
    decisions = due.pipe(
        ops.do_action(executed),
        dequeue(pending, parts.in_flight, clock=clock),
        ops.map(execute),
    )
    for trader in traders:
        placement.open(trader.venue)
        trader.venue.listen(parts.updates.hear)
    return decisions


def requeue(clock: Clock) -> Callable[[Observable[PendingSignal]], Observable[ExecutionCycle]]:
    """Ask for an execution of a signal once its backoff is over.

        -a--------|       a may be tried again four frames later
        -----a----|

    Emits when:      the backoff of a signal is over.
    Completes when:  never.
    Errors when:     upstream errors.
    Memory:          one timer for each signal in backoff.
    """

    def stage(source: Observable[PendingSignal]) -> Observable[ExecutionCycle]:
        def subscribe(
            observer: abc.ObserverBase[ExecutionCycle], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            def wait(entry: PendingSignal) -> None:
                due_ns = entry.due_ns
                clock.call_at(due_ns, observer.on_next, ExecutionCycle(due_ns, Cause.REQUEUE, (entry.number,)))

            return source.subscribe(wait, observer.on_error)

        return Observable(subscribe)

    return stage
