"""An execution on demand that says what came of it, in the errors that programs expect."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from streams.engine import Engine
from tidegate.domain import events as e
from tidegate.domain.errors import (
    ConfidenceTooLow,
    ExchangeError,
    ExecutionError,
    NoSignalsAvailable,
    PositionLimitsExceeded,
    SignalExpired,
    TraderUnavailable,
    TradingLimitsExceeded,
)
from tidegate.domain.reason_table import REASONS, Phase
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = ["Execution", "execute_with_diagnostics"]


class Execution(Struct, frozen=True):
    """What an execution did, by signal id: orders placed, signals refused or failed and why, signals that wait on."""

    placed: tuple[str, ...]
    ended: dict[str, Refusal]
    waiting: dict[str, Refusal]


async def execute_with_diagnostics(engine: Engine) -> Execution:
    """Execute whatever waits, see it through, and tell what came of each signal.

    Raises:
        ExecutionError: no order was placed. Which of the field's seven names it is says why, for the signal with the
            best score. Where none waited: `ConfidenceTooLow` if the last signal was refused as too weak,
            `SignalExpired` if it expired, else `NoSignalsAvailable`.
    """
    heard: list[e.Recorded] = []
    listening = engine.parts.commits.committed.subscribe(heard.extend, lambda _: None)  # that it broke, the engine says
    entries = sorted(engine.parts.pending.entries.values(), key=lambda entry: (-entry.score, entry.number))
    before = [entry.signal.id for entry in entries]
    try:
        engine.trigger()
        await engine.applied()
    finally:
        listening.dispose()
    execution = _execution(engine, heard)
    if not execution.placed:
        raise _error(engine, before, execution)
    return execution


def _execution(engine: Engine, heard: Sequence[e.Recorded]) -> Execution:
    ended: dict[str, Refusal] = {}
    for event in heard:
        match event.body:
            case e.Refused(reason=reason, measured=measured, limit=limit, rule=rule):
                ended[event.signal_id] = Refusal(reason, measured, limit, rule)
            case e.Expired(reason=reason, measured=measured):
                ended[event.signal_id] = Refusal(Reason.AWAITING_TICK, measured=f"expired: {reason} {measured or ''}")
            case e.Failed(reason=reason, detail=detail) | e.Deferred(reason=reason, detail=detail):
                ended[event.signal_id] = Refusal(reason, measured=detail)
            case e.Unknown(detail=detail):
                ended[event.signal_id] = Refusal(Reason.NO_ANSWER, measured=detail)
    placed = tuple(event.signal_id for event in heard if isinstance(event.body, e.Placed))
    waiting = {entry.signal.id: engine.parts.pending.obstacle(entry) for entry in engine.parts.pending.entries.values()}
    return Execution(placed, ended, waiting)


def _error(engine: Engine, before: Sequence[str], execution: Execution) -> ExecutionError:
    if not before:
        return _nothing_waits(engine.parts.activity.last_loss)
    best = before[0]
    why = execution.ended.get(best) or execution.waiting.get(best) or Refusal(Reason.AWAITING_TICK)
    if why.reason is Reason.AWAITING_TICK and best in execution.ended:
        return SignalExpired(best)
    if REASONS[why.reason].error is TraderUnavailable and why.reason is not Reason.UNKNOWN_TRADER:
        return TraderUnavailable(_kept_by(engine, why))
    return _own_limit(why) or ExchangeError(_asked_last(engine, best), f"{why.reason}: {why.measured}")


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
