"""Placing orders: the intent is committed, the order sent, the outcome committed. Nothing else sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable, Subject

from operators import backoff_s, bridge
from operators.chunks import ChunkSubject, subscribe_chunks
from operators.group_commit import CommitResult, GroupCommit
from streams.availability import Availability
from streams.decision import Decide, Decision, Postpone, Refuse, Send
from streams.execution import Turn
from streams.in_flight import InFlight
from streams.pending import PendingQueue, PendingSignal
from streams.state import State
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.order import Acknowledged, Answer, Fill, NotPlaced, OrderRequest, OrderStatus, Unanswered
from tidegate.domain.ports import Committed, Item, ItemRefused, Venue
from tidegate.domain.reason_table import COSTS_NO_ATTEMPT
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = ["Placement", "Retries"]


class Retries(Struct, frozen=True):
    """How many attempts that cost one an order has in all, and how long between them. `jitter` gives 0 to 1."""

    attempts_max: int
    delay_s: float
    max_delay_s: float
    jitter: Callable[[], float]


class Placement:
    """Takes decisions, and sees each order through to a recorded outcome.

    Capital is reserved before the intent is queued, and given back if it cannot be committed: then nothing is sent.
    Directly before the call of the venue, halt and time to live are looked at again. An order that was rejected since
    its market's rules changed is tried again by the new ones. The outcome is recorded however long that takes. Between
    the two commits nothing is cancelled, and nothing is done twice.
    """

    def __init__(
        self,
        state: State,
        pending: PendingQueue,
        in_flight: InFlight,
        *,
        clock: Clock,
        commits: GroupCommit,
        retries: Retries,
        availability: Availability,
        elsewhere: Callable[[PendingSignal, str], bool],
        valued: Callable[[str, Sequence[Fill]], tuple[Fill, ...]],
    ) -> None:
        self._state, self._pending, self._in_flight = state, pending, in_flight
        self._clock, self._commits, self._retries = clock, commits, retries
        self._availability, self._elsewhere, self._valued = availability, elsewhere, valued
        self._retry_at: Subject[PendingSignal] = Subject()
        self._unknown: Subject[Send] = Subject()
        self._intended: dict[str, ChunkSubject[Send]] = {}

    @property
    def retry_at(self) -> Observable[PendingSignal]:
        """Signals that wait for another attempt, each when its backoff begins."""
        return self._retry_at

    @property
    def unknown(self) -> Observable[Send]:
        """Orders whose answer was lost, once that is recorded."""
        return self._unknown

    def retry(self, entry: PendingSignal) -> None:
        """Try a waiting signal again once its backoff, which an earlier run began, is over."""
        self._retry_at.on_next(entry)

    def open(self, venue: Venue) -> None:
        """Let orders go to a venue, and record what it answers, or that it failed to. Nobody can end that."""

        async def send(orders: Sequence[Send]) -> Sequence[tuple[Send, Answer]]:
            going, stopped = self._stopped(orders)
            if not going:
                return stopped
            try:
                answers = await venue.create_orders([order.request for order in going])
                return [*stopped, *zip(going, answers, strict=True)]
            except Exception as error:  # placement of these is unconfirmed
                return [*stopped, *unanswered(going, error)]

        def unanswered(orders: Sequence[Send], error: BaseException) -> Sequence[tuple[Send, Answer]]:
            return [(order, Unanswered(detail=f"{type(error).__name__}: {error}")) for order in orders]

        intended = self._intended[venue.trader] = ChunkSubject()
        answered = intended.pipe(
            bridge(
                send,
                clock=self._clock,
                max_concurrent=max(1, self._in_flight.limit // venue.batch_max),
                max_batch=venue.batch_max,
                max_queue=self._in_flight.limit,
                on_full=self._turn_back,
                failed=unanswered,
                name=f"orders of {venue.trader}",
            )
        )
        subscribe_chunks(answered, partial(self._answered, venue), _nothing, _nothing)

    def take(self, turn: Turn, decide: Decide) -> Sequence[Decision]:
        """Decide about the signals whose turn it is, each knowing what those before it have reserved, and act on it."""
        decisions: list[Decision] = []
        now_ns, at_ns, intents, sends = turn.now_ns, turn.at_ns, list[Item](), list[Send]()
        reserve, remove = self._state.book.reserve, self._pending.remove
        for entry in turn.entries:
            decision = decide(entry, now_ns, at_ns)
            decisions.append(decision)
            if type(decision) is Send:
                request = decision.request
                remove(entry.number)
                reserve(request)
                self._availability.gave_order(request.trader)
                intents.append(Item(at_ns, (request,), entry.number, entry.signal.id))
                sends.append(decision)
                continue
            self._intend(intents, sends)  # what is recorded keeps the order of the decisions
            intents, sends = [], []
            if type(decision) is Refuse:
                why = decision.refusal
                refused = e.Refused(reason=why.reason, measured=why.measured, limit=why.limit, rule=why.rule)
                self._pending.end(entry, refused)
            elif type(decision) is Postpone:
                entry.obstacle = decision.obstacle
                if decision.blocker is not None:
                    self._pending.blocked.add(entry.number, entry.score, decision.blocker)
        self._intend(intents, sends)
        return decisions

    def _intend(self, intents: Sequence[Item], sends: Sequence[Send]) -> None:
        if sends:
            self._in_flight.take(len(sends))
            self._commits.submit_all(intents, self._committed, sends)

    def resume(self, order: Send, answer: Answer) -> None:
        """Record what came of an order that an earlier run sent, or meant to send."""
        self._in_flight.take()
        self.apply(((order, answer),))

    def apply(self, answered: Sequence[tuple[Send, Answer]]) -> None:
        """Record what came of orders."""
        at_ns, valued = self._clock.wall_ns(), self._valued
        items: list[Item] = []
        outcomes: list[tuple[Send, e.Body]] = []
        for order, answer in answered:
            entry, request = order.entry, order.request
            outcome: e.Body
            if isinstance(answer, Acknowledged):
                fills = valued(request.symbol, answer.fills)
                outcome = e.Placed(
                    request.client_order_id, answer.venue_order_id, answer.status, fills, answer.evidence
                )
                done = answer.status is not OrderStatus.OPEN
            else:
                outcome = self._without_order(entry, request, answer)
                done = type(outcome) is e.Failed
            items.append(Item(at_ns, (outcome,), entry.number, entry.signal.id, None, done))
            outcomes.append((order, outcome))
        self._commits.submit_all(items, self._settled, outcomes, must=True)

    def _answered(self, venue: Venue, answered: Sequence[tuple[Send, Answer]]) -> None:
        trader, now_ns = venue.trader, self._clock.now_ns()
        results: list[tuple[Send, Answer]] = []
        well = False  # as long as it is, saying so again tells nothing new
        for order, answer in answered:
            self._availability.order_answered(trader)
            if type(answer) is Acknowledged:
                if not well:
                    self._availability.report_success(trader, now_ns)
                well = True
                results.append((order, answer))
            else:
                by_rules = _by_new_rules(order.request, answer, venue)
                self._report(order.request, by_rules, now_ns)
                well = False
                results.append((order, by_rules))
        self.apply(results)

    def _committed(self, orders: Sequence[Send], answers: Sequence[CommitResult]) -> None:
        of_trader: dict[str, list[Send]] = {}
        for order, answer in zip(orders, answers, strict=True):
            entry, request = order.entry, order.request
            if type(answer) is Committed:
                entry.attempted(request)
                of_trader.setdefault(request.trader, []).append(order)
                continue
            self._state.book.release(request.trader, request.client_order_id)
            self._availability.order_answered(request.trader)
            self._in_flight.give_back()
            if self._commits.outcome(entry.number) is Outcome.WAITING:  # else it turned out to have an order
                entry.obstacle = Refusal(Reason.JOURNAL_UNAVAILABLE, measured=str(answer))
                self._pending.add(entry)
        for trader, going in of_trader.items():
            self._intended[trader].on_chunk(going)

    def _turn_back(self, order: Send) -> None:
        self._availability.order_answered(order.request.trader)
        full = NotPlaced(reason=Reason.IN_FLIGHT_FULL, detail="too many orders in flight", final=False)
        self.apply(((order, full),))

    def _stopped(self, orders: Sequence[Send]) -> tuple[Sequence[Send], Sequence[tuple[Send, Answer]]]:
        """The orders that may be sent now, and those that may not: entries were halted meanwhile, or they expired."""
        halted, now_ns = self._state.halted, self._clock.now_ns()
        going: list[Send] = []
        stopped: list[tuple[Send, Answer]] = []
        for order in orders:
            if halted is not None and not (halted.reduce_only and order.request.closes):
                stopped.append((order, NotPlaced(reason=Reason.HALTED, detail=halted.why, final=False)))
            elif now_ns >= order.entry.deadline_ns:
                why = NotPlaced(reason=Reason.AWAITING_TICK, detail="expired before it was sent", final=False)
                stopped.append((order, why))
            else:
                going.append(order)
        return going, stopped

    def _without_order(self, entry: PendingSignal, request: OrderRequest, answer: NotPlaced | Unanswered) -> e.Body:
        order_id = request.client_order_id
        if isinstance(answer, NotPlaced) and answer.reason not in COSTS_NO_ATTEMPT:
            entry.spent += 1
        match answer:
            case NotPlaced(reason=reason, detail=detail, final=True, evidence=seen):
                entry.rejected_by |= {request.trader}
                if (
                    reason is Reason.BY_HAND
                    or entry.spent >= self._retries.attempts_max
                    or not self._elsewhere(entry, request.trader)
                ):
                    return e.Failed(client_order_id=order_id, reason=reason, detail=detail, evidence=seen)
                return e.Deferred(
                    client_order_id=order_id,
                    reason=reason,
                    detail=detail,
                    retry_at_ns=self._clock.wall_ns(),
                    final=True,
                    evidence=seen,
                )
            case NotPlaced(detail=detail, evidence=seen) if entry.spent >= self._retries.attempts_max:
                reason = Reason.ATTEMPTS_USED_UP
                return e.Failed(client_order_id=order_id, reason=reason, detail=detail, evidence=seen)
            case NotPlaced(reason=reason, detail=detail, retry_after_s=after_s, evidence=seen):
                away_s = 0.0 if after_s is None or self._elsewhere(entry, request.trader) else after_s
                again_at_ns = self._clock.wall_ns() + int(max(away_s, self._delay_s(entry)) * 1e9)
                return e.Deferred(
                    client_order_id=order_id, reason=reason, detail=detail, retry_at_ns=again_at_ns, evidence=seen
                )
            case Unanswered(detail=detail, evidence=seen):
                return e.Unknown(client_order_id=order_id, detail=detail, evidence=seen)

    def _report(self, request: OrderRequest, answer: Answer, now_ns: int) -> None:
        trader = request.trader
        match answer:
            case Acknowledged() | NotPlaced(reason=Reason.REJECTED):
                self._availability.report_success(trader, now_ns)
            case NotPlaced(reason=reason, detail=detail, retry_after_s=after_s, address_wide=wide):
                self._availability.report_trader_failure(
                    trader,
                    Refusal(reason, measured=detail),
                    now_ns,
                    retry_after_s=after_s,
                    address_wide=wide,
                    symbol=request.symbol,
                )
            case Unanswered(detail=detail):
                self._availability.report_trader_failure(trader, Refusal(Reason.NO_ANSWER, measured=detail), now_ns)

    def _delay_s(self, entry: PendingSignal) -> float:
        retries = self._retries
        return backoff_s(
            entry.attempts - 1, delay_s=retries.delay_s, max_delay_s=retries.max_delay_s, jitter=retries.jitter
        )

    def _settled(self, outcomes: Sequence[tuple[Send, e.Body]], answers: Sequence[CommitResult]) -> None:
        for (order, body), answer in zip(outcomes, answers, strict=True):
            kind = type(body)
            if kind is e.Placed or type(answer) is ItemRefused:
                continue  # what is refused is as it was: entries are halted, and the next start asks the venue
            if isinstance(body, e.Deferred):
                entry = order.entry
                entry.due_ns, entry.obstacle = self._clock.due_ns(body.retry_at_ns), Refusal(body.reason, body.detail)
                self._pending.add(entry)
                self._retry_at.on_next(entry)
            elif kind is e.Unknown:
                self._unknown.on_next(order)
        self._in_flight.give_back(len(outcomes))


def _nothing(*_: object) -> None:
    """Nobody ends the way to a venue."""


def _by_new_rules(request: OrderRequest, answer: Answer, venue: Venue) -> Answer:
    """A rejection is not final where the order does not fit the rules of its market as they are known now."""
    if type(answer) is not NotPlaced or not answer.final or answer.reason is not Reason.REJECTED:
        return answer
    rules = venue.rules(request.symbol)
    if rules is None or rules.fits(request.amount, request.price):
        return answer
    said = f"{answer.detail}; the rules of {request.symbol} changed: the next attempt follows them"
    return replace(answer, final=False, detail=said)
