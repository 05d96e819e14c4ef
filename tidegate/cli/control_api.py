"""What a running pipeline answers when it is asked through its socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from streams.engine import Engine
from tidegate.domain import events as e
from tidegate.domain.errors import TidegateError
from tidegate.domain.order import Acknowledged, OrderStatus
from tidegate.domain.signal_summary import line_of
from tidegate.domain.text import safe
from tidegate.insight.diagnosis import diagnose
from tidegate.insight.preview import Blocker, blocked, blockers
from tidegate.insight.telemetry import Telemetry
from tidegate.sources.control import Answerer, Json

__all__ = ["answerer"]


def answerer(engine: Engine, telemetry: Telemetry) -> Answerer:
    """Answers `send`, `trigger`, `blockers`, `halt`, `resume`, `resolve`, `reconcile` and `diagnose`."""

    async def answer(request: Mapping[str, Json]) -> dict[str, Json]:
        match request:
            case {"do": "send", "signal": dict() as signal}:
                return await _sent(engine, signal)
            case {"do": "trigger"}:
                return _triggered(engine)
            case {"do": "blockers", "signals": list() as ids}:
                found = blockers(engine, [signal_id for signal_id in ids if isinstance(signal_id, str)])
                return {"blockers": msgspec.to_builtins(found)}
            case {"do": "halt", "reduce_only": bool() as reduce_only, "why": str() as why}:
                engine.record(e.Halted(reduce_only=reduce_only, why=safe(why)))
                await engine.committed()
                return {"halted": True, "reduce_only": reduce_only}
            case {"do": "resume"}:
                engine.record(e.Resumed())
                await engine.committed()
                return {"halted": False}
            case {"do": "resolve", "number": int() as number, "placed": str() as venue_order_id}:
                return {"resolved": await _resolved(engine, number, venue_order_id)}
            case {"do": "resolve", "number": int() as number}:
                return {"resolved": await _resolved(engine, number, None)}
            case {"do": "reconcile", "fix": bool() as fix}:
                adopt = msgspec.convert(request.get("adopt", []), list[str])
                ignore = msgspec.convert(request.get("ignore", []), list[str])
                await _decide(engine, adopt, ignore)
                differences, unavailable = await engine.differences(apply=fix or bool(adopt))
                return {
                    "differences": [msgspec.to_builtins(difference) for difference in differences],
                    "unavailable": list(unavailable),
                }
            case {"do": "diagnose"}:
                return {"findings": [msgspec.to_builtins(finding) for finding in diagnose(engine, telemetry)]}
        raise ValueError(f"cannot do {request.get('do')!r}")

    return answer


async def _decide(engine: Engine, adopt: Sequence[str], ignore: Sequence[str]) -> None:
    """Adopt or ignore orders, as a person decided.

    Raises:
        TidegateError: one of them is unknown.
    """
    if not adopt and not ignore:
        return
    reconciliations = engine.reconciliations
    if reconciliations is None:
        raise TidegateError("paper accounts have only the journal's orders")
    for order_id in adopt:
        if not await reconciliations.adopt(order_id):
            raise TidegateError(f"{order_id} is not an order that can be adopted: `reconcile` lists those")
    for order_id in ignore:
        if not await reconciliations.ignore(order_id):
            raise TidegateError(f"no difference involves an order {order_id}: `reconcile` lists the differences")


async def _resolved(engine: Engine, number: int, venue_order_id: str | None) -> bool:
    resolution = engine.resolution
    if resolution is None:
        return False
    if venue_order_id is None:
        done = resolution.resolve_as_not_placed(number, "resolved by hand: not placed")
    else:
        done = resolution.found(number, Acknowledged(venue_order_id=venue_order_id, status=OrderStatus.OPEN))
    await engine.committed()
    return done


async def _sent(engine: Engine, signal: Mapping[str, Json]) -> dict[str, Json]:
    """Submit a signal; returns its outcome so far, and the reason."""
    receipt = await engine.submit(msgspec.json.encode(signal), may_say_now=True)
    reply: dict[str, Json] = {
        "signal_id": receipt.signal_id,
        "reason": receipt.reason.value if receipt.reason else None,
        "redelivered": receipt.redelivered,
    }
    if receipt.signal_id is None:
        return reply
    line = line_of(engine.journal.history(engine.journal.find([receipt.signal_id])[receipt.signal_id]))
    why = blockers(engine, [receipt.signal_id]).get(receipt.signal_id) or line
    reply["outcome"], reply["reason"] = line.outcome.value, why.reason.value if why.reason else None
    reply["measured"], reply["limit"], reply["rule"] = why.measured, why.limit, why.rule
    if isinstance(why, Blocker):
        reply["final"], reply["in_s"] = why.final, why.in_s
    return reply


def _triggered(engine: Engine) -> dict[str, Json]:
    """Execute now; returns how many signals waited, how many could be executed, and what blocked the others."""
    halted, (ready, held) = engine.parts.state.halted, blocked(engine)
    waiting = len(engine.parts.pending)
    engine.trigger()
    return {
        "waiting": waiting,
        "ready": ready,
        "blocked": {reason.value: count for reason, count in held.items()},
        "halted": None if halted is None else msgspec.to_builtins(halted),
    }
