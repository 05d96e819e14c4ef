"""An execution on demand that says what came of it, in the errors that programs expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from streams.engine import Engine
from tidegate.domain import events as e
from tidegate.domain.errors import (
    ConfidenceTooLow,
    ExchangeError,
    ExecutionError,
    NoSignalsAvailable,
    NotAccepted,
    PositionLimitsExceeded,
    SignalExpired,
    TraderUnavailable,
    TradingLimitsExceeded,
)
from tidegate.domain.reason_table import REASONS, Phase
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Refusal

__all__ = ["Execution", "execute_with_diagnostics"]


class Execution(Struct, frozen=True):
    """What an execution did, by signal id: orders placed, signals refused or failed and why, signals that still wait.

    `attempts` counts the orders sent of each signal it looked at, `latency_ms` is from the receipt of each placed
    signal to the acknowledgement of its order.
    """

    placed: tuple[str, ...]
    ended: dict[str, Refusal]
    waiting: dict[str, Refusal]
    attempts: dict[str, int] = {}
    latency_ms: dict[str, float] = {}


async def execute_with_diagnostics(engine: Engine, signal: Raw | None = None) -> Execution:
    """Execute every waiting signal, or only the `signal` given, until nothing is in flight; report on each.

    A `signal` that is known already is executed if it still waits.

    Raises:
        ExecutionError: no order was placed. Which of the field's seven names it is says why, for the signal with the
            best score. Where none waited: `ConfidenceTooLow` if the last signal was refused as too weak,
            `SignalExpired` if it expired, else `NoSignalsAvailable`.
        NotAccepted: the `signal` was not recorded.
    """
    if signal is not None:
        return await _execute_one(engine, signal)
    seen: list[e.Recorded] = []
    listening = engine.parts.commits.committed.subscribe(seen.extend, lambda _: None)  # the engine reports the error
    entries = sorted(engine.parts.pending.entries.values(), key=lambda entry: (-entry.score, entry.number))
    before = [entry.signal.id for entry in entries]
    try:
        engine.trigger()
        await engine.drained()
    finally:
        listening.dispose()
    execution = _execution(engine, seen)
    if not execution.placed:
        raise _error(engine, before, execution)
    return execution


async def _execute_one(engine: Engine, signal: Raw) -> Execution:
    receipt = await engine.submit(signal.payload, may_say_now=signal.may_say_now)
    if receipt.signal_id is None:
        raise NotAccepted(f"turned away: {receipt.reason}")
    number = engine.journal.find([receipt.signal_id])[receipt.signal_id]
    if number in engine.parts.pending.entries:
        engine.trigger(number)
    await engine.drained()
    execution = _execution(engine, engine.journal.history(number).events, only=number)
    if not execution.placed:
        raise _error(engine, [receipt.signal_id], execution)
    return execution


def _execution(engine: Engine, seen: Sequence[e.Recorded], only: int | None = None) -> Execution:
    ended: dict[str, Refusal] = {}
    attempts: Counter[str] = Counter()
    placed_ns: dict[str, int] = {}
    for event in seen:
        match event.body:
            case e.Intent():
                attempts[event.signal_id] += 1
            case e.Placed():
                placed_ns[event.signal_id] = event.at_ns
                ended.pop(event.signal_id, None)
            case e.Refused(reason=reason, measured=measured, limit=limit, rule=rule):
                ended[event.signal_id] = Refusal(reason, measured, limit, rule)
            case e.Expired(reason=reason, measured=measured):
                ended[event.signal_id] = Refusal(Reason.AWAITING_TICK, measured=f"expired: {reason} {measured or ''}")
            case e.Failed(reason=reason, detail=detail) | e.Deferred(reason=reason, detail=detail):
                ended[event.signal_id] = Refusal(reason, measured=detail)
            case e.Unknown(detail=detail):
                ended[event.signal_id] = Refusal(Reason.NO_ANSWER, measured=detail)
    pending = engine.parts.pending
    waiting = [entry for number, entry in pending.entries.items() if only is None or number == only]
    received_ns = _received_ns(engine, placed_ns)
    return Execution(
        tuple(placed_ns),
        ended,
        {entry.signal.id: pending.obstacle(entry) for entry in waiting},
        dict(attempts),
        {signal_id: (at_ns - received_ns[signal_id]) / 1e6 for signal_id, at_ns in placed_ns.items()},
    )


def _received_ns(engine: Engine, signal_ids: Collection[str]) -> Mapping[str, int]:
    numbers = engine.journal.find(list(signal_ids))
    return {signal_id: engine.journal.history(number).events[0].at_ns for signal_id, number in numbers.items()}


def _error(engine: Engine, before: Sequence[str], execution: Execution) -> ExecutionError:
    if not before:
        return _nothing_waits(engine.parts.activity.last_loss)
    best = before[0]
    why = execution.ended.get(best) or execution.waiting.get(best) or Refusal(Reason.AWAITING_TICK)
    if why.reason is Reason.AWAITING_TICK and best in execution.ended:
        return SignalExpired(best)
    if REASONS[why.reason].error is TraderUnavailable and why.reason is not Reason.UNKNOWN_TRADER:
        return TraderUnavailable(_kept_by(engine, why))
    if why.reason in (Reason.WEAK, Reason.SCORE_TOO_LOW):
        return ConfidenceTooLow(_number(why.measured), _number(why.limit))
    asked = _asked_last(engine, best)
    own = _own_limit(why) if asked else _own_limit(why) or TradingLimitsExceeded(why.reason)
    return own or ExchangeError(asked, f"{why.reason}: {why.measured}")


def _own_limit(why: Refusal) -> ExecutionError | None:
    """What forbids an order before any venue is asked."""
    error = REASONS[why.reason].error
    if error is PositionLimitsExceeded:
        return PositionLimitsExceeded(int(_number(why.measured)) - 1, int(_number(why.limit)))
    if error is TradingLimitsExceeded:
        return TradingLimitsExceeded(why.reason)
    return TraderUnavailable(str(why.measured)) if error is TraderUnavailable else None


def _kept_by(engine: Engine, why: Refusal) -> str:
    """The first of the accounts that the obstacle says are not available."""
    named = (trader.id for trader in engine.traders if str(why.measured).startswith(f"{trader.id}: "))
    return next(named, engine.traders[0].id)


def _asked_last(engine: Engine, signal_id: str) -> str:
    """The account whose venue had the last order of a signal."""
    history = engine.journal.history(engine.journal.find([signal_id])[signal_id])
    return next((event.body.trader for event in reversed(history.events) if isinstance(event.body, e.Intent)), "")


def _nothing_waits(last_loss: e.Recorded | None) -> ExecutionError:
    match last_loss:
        case e.Recorded(body=e.Refused(reason=reason, measured=measured, limit=limit)):
            if REASONS[reason].error is ConfidenceTooLow:
                return ConfidenceTooLow(_number(measured), _number(limit))
            if REASONS[reason].phase is Phase.RECEIPT:
                return _own_limit(Refusal(reason, measured, limit)) or NoSignalsAvailable()
        case e.Recorded(body=e.Expired(), signal_id=signal_id):
            return SignalExpired(signal_id)
    return NoSignalsAvailable()


def _number(measured: float | str | None) -> float:
    return measured if isinstance(measured, int | float) else 0.0
