"""A dry run: whether there are signals, and what would happen to the waiting ones if they were executed now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from streams.checks.situation import Known
from streams.decision import Postpone, Refuse, decide
from streams.engine import Engine
from streams.execution import next_execution_ns
from streams.pending import PendingSignal
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.lifecycle import Ledger
from tidegate.domain.reason_table import JUDGED_AT_RECEIPT, REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Measure, Refusal

__all__ = ["LOOKED_AT_MAX", "Blocker", "accepted", "blocked", "blockers", "signals_waiting"]

LOOKED_AT_MAX = 1000
"""A dry run of more would block the loop."""


def accepted(ledger: Ledger) -> int:
    """How many signals passed every check at receipt."""
    return ledger.received - sum(ledger.reasons[reason] for reason in JUDGED_AT_RECEIPT)


def signals_waiting(engine: Engine, at_ns: int) -> Iterator[CheckResult]:
    """Distinguish "no signals" from signals that cannot be executed, and why; of many, the first `LOOKED_AT_MAX`."""
    ledger, waiting = engine.parts.state.ledger, len(engine.parts.pending)
    passed = accepted(ledger)
    if not ledger.received:
        fix = "configure signals.strategies, or send one: `send buy BTC/USDT`"
        yield CheckResult("signals", Health.WARNING, "no signals: none has been received", fix)
    elif not passed:
        (reason, _), *_ = refusals = ledger.reasons.most_common(3)
        why = ", ".join(f"{name} {count}" for name, count in refusals)
        says = f"no signals: all {ledger.received} received were refused: {why}"
        yield CheckResult("signals", Health.WARNING, says, REASONS[Reason(reason)].remedy)
    elif not waiting:
        yield CheckResult("signals", Health.OK, f"no signals: none is waiting, all {passed} accepted are decided")
    else:
        found = _preview(engine, at_ns)
        of = f"{waiting} waiting" if found.looked_at == waiting else f"{waiting} waiting, {found.looked_at} checked"
        yield CheckResult("signals", Health.OK, f"{of}: {found.ready} could be executed now")
        yield from map(_held, found.held)


def _held(held: _Held) -> CheckResult:
    why, signal = held.why, held.example.signal
    measures = ("rule", why.rule), ("measured", why.measured), ("limit", why.limit)
    evidence = ", ".join(f"{name} {value}" for name, value in measures if value is not None)
    what = "would be refused" if held.final else "cannot be executed"
    example = f"such as {signal.id}, {signal.side} {signal.symbol}"
    says = "; ".join(part for part in (f"{held.count} {what}: {why.reason}", evidence, example) if part)
    return CheckResult("signals", Health.WARNING, says, REASONS[why.reason].remedy)


class _Held(Struct, frozen=True):
    """Waiting signals that would not become orders, all for one reason; `final` says they would be refused."""

    count: int
    final: bool
    example: PendingSignal
    why: Refusal


class Blocker(Struct, frozen=True):
    """What blocks a waiting signal from becoming an order if it were executed now; `final` says it would be refused.

    Where nothing does, it awaits the next execution, which is in `in_s`.
    """

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    final: bool = False
    in_s: float | None = None
    rule: str | None = None


def blockers(engine: Engine, signal_ids: Sequence[str]) -> Mapping[str, Blocker]:
    """What blocks each of some signals now, of those that wait; of the first `LOOKED_AT_MAX`. Changes nothing."""
    at_ns, waiting = engine.parts.clock.now_ns(), engine.parts.pending.entries
    numbers = engine.journal.find(signal_ids[:LOOKED_AT_MAX])
    found = {signal_id: waiting[number] for signal_id, number in numbers.items() if number in waiting}
    next_ns = next_execution_ns(engine.rules.schedule, engine.started_ns, at_ns)
    blocker_of = _previewed(engine, at_ns)
    return {signal_id: _blocker(entry, blocker_of(entry), at_ns, next_ns) for signal_id, entry in found.items()}


def blocked(engine: Engine) -> tuple[int, Mapping[Reason, int]]:
    """How many of the waiting signals could be executed now, and how many not, by what blocks them; of many, the first
    `LOOKED_AT_MAX` count."""
    found = _preview(engine, engine.parts.clock.now_ns())
    counts: Counter[Reason] = Counter()
    for held in found.held:
        counts[held.why.reason] += held.count
    return found.ready, counts


class _Preview(Struct, frozen=True):
    """Of `looked_at` waiting signals, `ready` would become orders; the others are held, the most first."""

    looked_at: int
    ready: int
    held: Sequence[_Held]


def _preview(engine: Engine, at_ns: int) -> _Preview:
    """Preview an execution at `at_ns` of the first `LOOKED_AT_MAX` signals that wait, each as if it were alone."""
    looked_at = ready = 0
    held: dict[tuple[Reason, bool], _Held] = {}
    blocker_of = _previewed(engine, at_ns)
    for entry in islice(engine.parts.pending.entries.values(), LOOKED_AT_MAX):
        looked_at += 1
        found = blocker_of(entry)
        if found is None:
            ready += 1
            continue
        why, final = found
        before = held.get((why.reason, final))
        held[why.reason, final] = _Held(before.count + 1 if before else 1, final, entry, why)
    return _Preview(looked_at, ready, sorted(held.values(), key=lambda some: -some.count))


def _blocker(entry: PendingSignal, found: tuple[Refusal, bool] | None, at_ns: int, next_ns: int) -> Blocker:
    if found is None:
        return Blocker(Reason.AWAITING_TICK, in_s=(next_ns - at_ns) / 1e9)
    why, final = found
    in_s = (entry.due_ns - at_ns) / 1e9 if why.reason is Reason.BACKOFF else None
    return Blocker(why.reason, why.measured, why.limit, final, in_s, why.rule)


def _previewed(engine: Engine, at_ns: int) -> Callable[[PendingSignal], tuple[Refusal, bool] | None]:
    """Asks the chain of checks that decides about executions: what blocks a signal at the steady time `at_ns`, and
    whether it would be refused."""
    parts = engine.parts
    in_flight, wall_ns = parts.in_flight, parts.clock.wall_ns()
    decided = decide(engine.rules.execution, Known(parts.state, parts.markets, engine.traders, parts.availability))

    def blocker(entry: PendingSignal) -> tuple[Refusal, bool] | None:
        decision = decided(entry, at_ns, wall_ns)
        halted = isinstance(decision, Postpone) and decision.obstacle.reason is Reason.HALTED
        if entry.due_ns > at_ns and not halted:
            return Refusal(Reason.BACKOFF, measured=entry.obstacle.measured), False
        match decision:
            case Postpone(obstacle=why):
                return why, False
            case Refuse(refusal=why):
                return why, True
        return (Refusal(Reason.IN_FLIGHT_FULL, limit=in_flight.limit), False) if in_flight.full else None

    return blocker
